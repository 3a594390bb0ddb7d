//! The names of every tool that flows may ask for (agent-platform 6.1 to 6.3), whether or not it
//! runs here.

/// Whether GitLab has a tool of that name.
pub(super) fn is_tool(name: &str) -> bool {
    TOOLS.contains(&name)
}

/// The name as it stands here, of a tool that GitLab has.
pub(super) fn known(name: &str) -> Option<&'static str> {
    let place = TOOLS.binary_search(&name).ok()?;
    TOOLS.get(place).copied()
}

const TOOLS: &[&str] = &[
    "add_merge_request_reviewers",
    "add_new_task",
    "build_review_merge_request_context",
    "ci_linter",
    "clarification_question",
    "confirm_vulnerability",
    "create_branch",
    "create_commit",
    "create_epic",
    "create_file_with_contents",
    "create_issue",
    "create_issue_note",
    "create_merge_request",
    "create_merge_request_diff_note",
    "create_merge_request_note",
    "create_plan",
    "create_vulnerability_issue",
    "create_work_item",
    "create_work_item_note",
    "dismiss_vulnerability",
    "edit_file",
    "evaluate_vuln_fp_status",
    "extract_lines_from_text",
    "find_files",
    "get_commit",
    "get_commit_comments",
    "get_commit_diff",
    "get_current_user",
    "get_downstream_pipelines",
    "get_epic",
    "get_failing_bridge_jobs",
    "get_glql_schema",
    "get_issue",
    "get_issue_note",
    "get_job_logs",
    "get_merge_request",
    "get_pipeline_failing_jobs",
    "get_plan",
    "get_project",
    "get_repository_file",
    "get_repository_files",
    "get_security_finding_details",
    "get_session_context",
    "get_vulnerability_details",
    "get_wiki_page",
    "get_work_item",
    "get_work_item_notes",
    "get_work_item_statuses",
    "gitlab__user_search",
    "gitlab_api_get",
    "gitlab_blob_search",
    "gitlab_commit_search",
    "gitlab_documentation_search",
    "gitlab_graphql",
    "gitlab_group_project_search",
    "gitlab_issue_search",
    "gitlab_merge_request_search",
    "gitlab_milestone_search",
    "gitlab_note_search",
    "gitlab_wiki_blob_search",
    "grep",
    "handover_tool",
    "link_vulnerability_to_issue",
    "link_vulnerability_to_merge_request",
    "list_all_merge_request_notes",
    "list_commits",
    "list_dir",
    "list_epic_notes",
    "list_epics",
    "list_group_audit_events",
    "list_instance_audit_events",
    "list_issue_notes",
    "list_issues",
    "list_merge_request_diffs",
    "list_mr_discussions",
    "list_project_audit_events",
    "list_repository_tree",
    "list_security_findings",
    "list_vulnerabilities",
    "list_work_items",
    "mkdir",
    "notify_me_when",
    "post_duo_code_review",
    "post_sast_fp_analysis_to_gitlab",
    "post_secret_fp_analysis_to_gitlab",
    "read_file",
    "read_files",
    "remove_task",
    "render_ui",
    "reply_to_discussion",
    "request_user_clarification_tool",
    "revert_to_detected_vulnerability",
    "run_command",
    "run_git_command",
    "run_glql_query",
    "run_tests",
    "set_discussion_resolved",
    "set_form_permissions",
    "set_task_status",
    "start_flow",
    "submit_mr_review",
    "todo_write",
    "update_epic",
    "update_form_fields",
    "update_form_permissions",
    "update_issue",
    "update_merge_request",
    "update_task_description",
    "update_vulnerability_severity",
    "update_work_item",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_once_and_in_order() {
        assert!(TOOLS.is_sorted_by(|one, two| one < two));
        assert_eq!(known("update_work_item"), Some("update_work_item"));
        assert_eq!(known("somebody's"), None);
        assert!(is_tool("get_project") && is_tool("gitlab__user_search"));
        assert!(!is_tool("gitlab_user_search") && !is_tool(""));
    }
}
