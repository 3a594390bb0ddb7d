//! Tools about merge requests.

use serde_json::{Value, json};

use super::{case, each_does_as_it_should, run};
use crate::sessions::Scene;

#[test]
fn merge_requests_are_read() {
    each_does_as_it_should(&[
        case(
            "get_merge_request",
            json!({"project_id": 7, "merge_request_iid": 5}),
            ("GET /api/v4/projects/7/merge_requests/5", Value::Null),
            json!([200, r#"{"iid":5}"#]),
            r#"{"iid":5}"#,
        ),
        case(
            "get_merge_request",
            json!({"url": "https://gitlab.test/team/edge/-/merge_requests/5"}),
            (
                "GET /api/v4/projects/team%2Fedge/merge_requests/5",
                Value::Null,
            ),
            json!([404, r#"{"message":"404 Not Found"}"#]),
            r#"Request failed (get_merge_request): HTTP 404: {"message":"404 Not Found"}"#,
        ),
        case(
            "get_merge_request",
            json!({"merge_request_iid": "6"}),
            ("GET /api/v4/projects/7/merge_requests/6", Value::Null),
            json!([200, "<html>Sign in</html>"]),
            "Tool get_merge_request raised ToolException: GitLab's answer is not JSON; a proxy in \
             front of it may have answered",
        ),
        asks_nothing(
            "get_merge_request",
            json!({"project_id": "../../user", "merge_request_iid": 5}),
            "Tool get_merge_request execution failed due to wrong arguments. You must adhere to the \
             tool args schema! project_id is no number and no full path",
        ),
        asks_nothing(
            "get_merge_request",
            json!({"url": "https://elsewhere.test/team/edge/-/merge_requests/5"}),
            "Tool get_merge_request execution failed due to wrong arguments. You must adhere to the \
             tool args schema! url is no address of this GitLab, https://gitlab.test",
        ),
        asks_nothing(
            "get_merge_request",
            json!({"project_id": 7}),
            "Tool get_merge_request execution failed due to wrong arguments. You must adhere to the \
             tool args schema! merge_request_iid is missing",
        ),
    ]);
}

/// A case in which nothing is asked.
fn asks_nothing(tool: &'static str, arguments: Value, reads: &'static str) -> super::Case {
    super::Case {
        tool,
        arguments,
        asks: Vec::new(),
        reads,
    }
}

#[test]
fn changes_are_read_but_those_that_are_kept_from_agents() {
    let diffs = json!([
        {"old_path": "a.rs", "new_path": "a.rs", "diff": "@@ -1 +1 @@\n-a\n+b\n"},
        {"old_path": "a.rs", "new_path": "keys/b.pem", "diff": "@@ -1 +1 @@\n-secret\n"},
    ]);
    let scene = Scene::new("");
    run(
        &scene,
        &[
            case(
                "list_merge_request_diffs",
                json!({"merge_request_iid": 5}),
                (
                    "GET /api/v4/projects/7/merge_requests/5/diffs?per_page=100&page=1",
                    Value::Null,
                ),
                json!([200, diffs.to_string()]),
                r#"[{"old_path":"a.rs","new_path":"a.rs","diff":"@@ -1 +1 @@\n-a\n+b\n"},{"old_path":"a.rs","new_path":"keys/b.pem","excluded":"the project's owners keep this file from agents"}]"#,
            ),
            case(
                "list_merge_request_diffs",
                json!({"merge_request_iid": 6}),
                (
                    "GET /api/v4/projects/7/merge_requests/6/diffs?per_page=100&page=1",
                    Value::Null,
                ),
                json!([404, r#"{"message":"404 Not found"}"#]),
                r#"Request failed (list_merge_request_diffs): HTTP 404: {"message":"404 Not found"}"#,
            ),
        ],
        json!({"set": {"exclusions": ["*.pem"]}}),
    );
}

#[test]
fn merge_requests_are_found() {
    each_does_as_it_should(&[
        case(
            "gitlab_merge_request_search",
            json!({
                "project_id": "team/edge", "search": "a&b", "state": "opened",
                "labels": ["bug", "far away"], "per_page": 50, "page": 2, "merge_request_iid": 5,
            }),
            (
                "GET /api/v4/projects/team%2Fedge/merge_requests?search=a%26b&state=opened\
                 &labels=bug%2Cfar%20away&page=2&per_page=50",
                Value::Null,
            ),
            json!([200, "[]"]),
            "[]",
        ),
        case(
            "gitlab_merge_request_search",
            json!({"group_id": "team/sub", "author_username": "ada"}),
            (
                "GET /api/v4/groups/team%2Fsub/merge_requests?author_username=ada",
                Value::Null,
            ),
            json!([200, r#"[{"iid":1}]"#]),
            r#"[{"iid":1}]"#,
        ),
        asks_nothing(
            "gitlab_merge_request_search",
            json!({"state": "open"}),
            "Tool gitlab_merge_request_search execution failed due to wrong arguments. You must \
             adhere to the tool args schema! state must be one of opened, closed, locked, merged, \
             all",
        ),
        asks_nothing(
            "gitlab_merge_request_search",
            json!({"group_id": "a/../b"}),
            "Tool gitlab_merge_request_search execution failed due to wrong arguments. You must \
             adhere to the tool args schema! group_id is no number and no full path",
        ),
    ]);
}

#[test]
fn merge_requests_are_opened_and_changed_as_far_as_is_said() {
    each_does_as_it_should(&[
        case(
            "create_merge_request",
            json!({
                "project_id": 7, "source_branch": "fix", "target_branch": "main", "title": "Fix",
                "reviewer_ids": [3], "squash": true, "description": null,
            }),
            (
                "POST /api/v4/projects/7/merge_requests",
                json!({
                    "source_branch": "fix", "target_branch": "main", "title": "Fix",
                    "reviewer_ids": [3], "squash": true,
                }),
            ),
            json!([201, r#"{"iid": 6}"#]),
            r#"{"iid":6}"#,
        ),
        case(
            "create_merge_request",
            json!({"source_branch": "fix", "target_branch": "main", "title": "Fix"}),
            (
                "POST /api/v4/projects/7/merge_requests",
                json!({"source_branch": "fix", "target_branch": "main", "title": "Fix"}),
            ),
            json!([
                409,
                r#"{"message":["Another open merge request already exists"]}"#
            ]),
            r#"Request failed (create_merge_request): HTTP 409: {"message":["Another open merge request already exists"]}"#,
        ),
        asks_nothing(
            "create_merge_request",
            json!({"source_branch": "fix", "target_branch": "main"}),
            "Tool create_merge_request execution failed due to wrong arguments. You must adhere to \
             the tool args schema! title is missing",
        ),
        case(
            "update_merge_request",
            json!({
                "url": "https://gitlab.test/team/edge/-/merge_requests/5/diffs#note_1",
                "state_event": "close", "add_labels": ["done"], "description": "",
            }),
            (
                "PUT /api/v4/projects/team%2Fedge/merge_requests/5",
                json!({"state_event": "close", "add_labels": ["done"], "description": ""}),
            ),
            json!([200, r#"{"state": "closed"}"#]),
            r#"{"state":"closed"}"#,
        ),
        asks_nothing(
            "update_merge_request",
            json!({"merge_request_iid": 5}),
            "Tool update_merge_request execution failed due to wrong arguments. You must adhere to \
             the tool args schema! nothing to change is given; give one of title, description, \
             target_branch, state_event, assignee_ids, reviewer_ids, labels, add_labels, \
             remove_labels, milestone_id, discussion_locked, remove_source_branch, squash, \
             allow_collaboration",
        ),
    ]);
}
