//! Tools about issues.

use serde_json::{Value, json};

use super::{Case, case, each_does_as_it_should};

#[test]
fn issues_are_read() {
    each_does_as_it_should(&[
        case(
            "get_issue",
            json!({"project_id": "team/edge", "issue_iid": 5}),
            ("GET /api/v4/projects/team%2Fedge/issues/5", Value::Null),
            json!([200, r#"{"iid":5}"#]),
            r#"{"iid":5}"#,
        ),
        case(
            "get_issue",
            json!({"url": "https://gitlab.test/team/edge/-/work_items/6#note_1"}),
            ("GET /api/v4/projects/team%2Fedge/issues/6", Value::Null),
            json!([403, r#"{"message":"403 Forbidden"}"#]),
            r#"Request failed (get_issue): HTTP 403: {"message":"403 Forbidden"}"#,
        ),
        case(
            "list_issues",
            json!({
                "url": "https://gitlab.test/team/edge", "state": "opened", "labels": ["a", "b c"],
                "search": "x&y=z", "order_by": "updated_at", "page": 2, "per_page": 50,
            }),
            (
                "GET /api/v4/projects/team%2Fedge/issues?state=opened&labels=a%2Cb%20c\
                 &search=x%26y%3Dz&order_by=updated_at&page=2&per_page=50",
                Value::Null,
            ),
            json!([200, r#"[{"iid":5}]"#]),
            r#"[{"iid":5}]"#,
        ),
        case(
            "list_issues",
            json!({}),
            ("GET /api/v4/projects/7/issues", Value::Null),
            json!([200, "<html>Sign in</html>"]),
            "Tool list_issues raised ToolException: GitLab's answer is not JSON; a proxy in front of \
             it may have answered",
        ),
        Case {
            tool: "get_issue",
            arguments: json!({"url": "https://evil.test/team/edge/-/issues/5"}),
            asks: Vec::new(),
            reads: "Tool get_issue execution failed due to wrong arguments. You must adhere to the \
                    tool args schema! url is no address of this GitLab, https://gitlab.test",
        },
        Case {
            tool: "list_issues",
            arguments: json!({"project_id": "team/../edge"}),
            asks: Vec::new(),
            reads: "Tool list_issues execution failed due to wrong arguments. You must adhere to the \
                    tool args schema! project_id is no number and no full path",
        },
    ]);
}

#[test]
fn issues_are_written_with_what_was_said_alone() {
    each_does_as_it_should(&[
        case(
            "create_issue",
            json!({
                "project_id": 7, "title": "Leak", "labels": ["bug"], "assignee_ids": [3],
                "confidential": true, "due_date": null,
            }),
            (
                "POST /api/v4/projects/7/issues",
                json!({
                    "title": "Leak", "labels": ["bug"], "assignee_ids": [3], "confidential": true,
                }),
            ),
            json!([201, r#"{"iid":8}"#]),
            r#"{"iid":8}"#,
        ),
        case(
            "update_issue",
            json!({
                "project_id": 7, "issue_iid": 8, "state_event": "close", "add_labels": ["done"],
                "assignee_ids": [],
            }),
            (
                "PUT /api/v4/projects/7/issues/8",
                json!({"state_event": "close", "add_labels": ["done"], "assignee_ids": []}),
            ),
            json!([200, r#"{"iid":8,"state":"closed"}"#]),
            r#"{"iid":8,"state":"closed"}"#,
        ),
        Case {
            tool: "update_issue",
            arguments: json!({"project_id": 7, "issue_iid": 8}),
            asks: Vec::new(),
            reads: "Tool update_issue execution failed due to wrong arguments. You must adhere to \
                    the tool args schema! nothing is said that would change the issue; give title, \
                    description, labels, state_event or another field",
        },
        Case {
            tool: "update_issue",
            arguments: json!({"project_id": 7, "issue_iid": 8, "state_event": "delete"}),
            asks: Vec::new(),
            reads: "Tool update_issue execution failed due to wrong arguments. You must adhere to \
                    the tool args schema! state_event must be one of close, reopen",
        },
    ]);
}

#[test]
fn notes_of_issues_are_read_and_written() {
    let full = json!(vec![json!({"id": 1}); 100]);
    let mut all = full.as_array().unwrap().clone();
    all.push(json!({"id": 2}));
    let reads = json!(all).to_string().leak();
    each_does_as_it_should(&[
        Case {
            tool: "list_issue_notes",
            arguments: json!({"project_id": 7, "issue_iid": 5}),
            asks: vec![
                (
                    "GET /api/v4/projects/7/issues/5/notes?sort=asc&per_page=100&page=1",
                    Value::Null,
                    json!([200, full.to_string()]),
                ),
                (
                    "GET /api/v4/projects/7/issues/5/notes?sort=asc&per_page=100&page=2",
                    Value::Null,
                    json!([200, r#"[{"id":2}]"#]),
                ),
            ],
            reads,
        },
        case(
            "get_issue_note",
            json!({"project_id": 7, "issue_iid": 5, "note_id": 1}),
            ("GET /api/v4/projects/7/issues/5/notes/1", Value::Null),
            json!([404, r#"{"message":"404 Note Not Found"}"#]),
            r#"Request failed (get_issue_note): HTTP 404: {"message":"404 Note Not Found"}"#,
        ),
        case(
            "create_issue_note",
            json!({"project_id": 7, "issue_iid": 5, "body": "Hm", "internal": true}),
            (
                "POST /api/v4/projects/7/issues/5/notes",
                json!({"body": "Hm", "internal": true}),
            ),
            json!([201, r#"{"id":3}"#]),
            r#"{"id":3}"#,
        ),
    ]);
}
