//! The tools of GitLab's own chat.

/// Those of the chat's tools that a search of GitLab's own MCP server takes the place of
/// (agent-platform 6.5).
pub const SEARCHES: &[&str] = &[
    "gitlab_blob_search",
    "gitlab_issue_search",
    "gitlab_merge_request_search",
];

/// What the chat's agent may have of what there is (agent-platform 6.5). Agents of other flows name
/// theirs themselves; tools of MCP servers come to both.
pub const CHAT_TOOLS: &[&str] = &[
    "create_commit",
    "create_file_with_contents",
    "create_merge_request",
    "create_merge_request_note",
    "create_work_item",
    "create_work_item_note",
    "edit_file",
    "find_files",
    "get_commit",
    "get_commit_diff",
    "get_current_user",
    "get_downstream_pipelines",
    "get_job_logs",
    "get_merge_request",
    "get_pipeline_failing_jobs",
    "get_project",
    "get_repository_file",
    "get_session_context",
    "get_wiki_page",
    "get_work_item",
    "get_work_item_notes",
    "gitlab_blob_search",
    "gitlab_documentation_search",
    "gitlab_issue_search",
    "gitlab_merge_request_search",
    "grep",
    "list_all_merge_request_notes",
    "list_commits",
    "list_dir",
    "list_merge_request_diffs",
    "list_repository_tree",
    "list_work_items",
    "mkdir",
    "notify_me_when",
    "read_file",
    "read_files",
    "run_command",
    "update_merge_request",
    "update_work_item",
];
