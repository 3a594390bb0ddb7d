//! Tools about what is said about merge requests.

use serde_json::{Value, json};

use super::{Case, case, each_does_as_it_should};

const DISCUSSIONS: &str = "GET /api/v4/projects/7/merge_requests/5/discussions?per_page=100&page=1";

fn discussions() -> Value {
    let list = json!([
        {"id": "aa11", "notes": [{"id": 1, "body": "One"}]},
        {"id": "bb22", "notes": [{"id": 2, "body": "Two"}, {"id": 3, "body": "Three"}]},
    ]);
    json!([200, list.to_string()])
}

#[test]
fn notes_are_read_to_the_last_page() {
    let note = |id: usize| json!({"id": id, "body": "Hm"});
    let page = |ids: std::ops::Range<usize>| ids.map(note).collect::<Vec<_>>();
    let text = |notes: &[Value]| json!(notes).to_string();
    let (first, second) = (page(0..100), page(100..101));
    let reads = text(&page(0..101)).leak();
    each_does_as_it_should(&[
        Case {
            tool: "list_all_merge_request_notes",
            arguments: json!({"project_id": 7, "merge_request_iid": 5}),
            asks: vec![
                (
                    "GET /api/v4/projects/7/merge_requests/5/notes?per_page=100&page=1",
                    Value::Null,
                    json!([200, text(&first)]),
                ),
                (
                    "GET /api/v4/projects/7/merge_requests/5/notes?per_page=100&page=2",
                    Value::Null,
                    json!([200, text(&second)]),
                ),
            ],
            reads,
        },
        case(
            "list_all_merge_request_notes",
            json!({"project_id": 7, "merge_request_iid": 6}),
            (
                "GET /api/v4/projects/7/merge_requests/6/notes?per_page=100&page=1",
                Value::Null,
            ),
            json!([200, "<html>"]),
            "Tool list_all_merge_request_notes raised ToolException: GitLab's answer is not JSON; a \
             proxy in front of it may have answered",
        ),
    ]);
}

#[test]
fn a_list_without_an_end_is_read_as_far_as_is_bearable() {
    let page = json!(vec![json!({"id": 1}); 100]).to_string();
    let asks = (1..=10).map(|number| {
        let path = "GET /api/v4/projects/7/merge_requests/5/notes?per_page=100&page=";
        let path: &'static str = format!("{path}{number}").leak();
        (path, Value::Null, json!([200, page]))
    });
    let list = json!(vec![json!({"id": 1}); 1000]);
    let reads = format!("There are more than the 1000 that follow; the rest was not read.\n{list}");
    each_does_as_it_should(&[Case {
        tool: "list_all_merge_request_notes",
        arguments: json!({"merge_request_iid": 5}),
        asks: asks.collect(),
        reads: reads.leak(),
    }]);
}

#[test]
fn notes_are_written_and_answered() {
    each_does_as_it_should(&[
        case(
            "create_merge_request_note",
            json!({"project_id": 7, "merge_request_iid": 5, "body": "Well done."}),
            (
                "POST /api/v4/projects/7/merge_requests/5/notes",
                json!({"body": "Well done."}),
            ),
            json!([201, r#"{"id":9}"#]),
            r#"{"id":9}"#,
        ),
        case(
            "create_merge_request_note",
            json!({"merge_request_iid": 5, "body": "Among us.", "internal": true}),
            (
                "POST /api/v4/projects/7/merge_requests/5/notes",
                json!({"body": "Among us.", "internal": true}),
            ),
            json!([403, r#"{"message":"403 Forbidden"}"#]),
            r#"Request failed (create_merge_request_note): HTTP 403: {"message":"403 Forbidden"}"#,
        ),
        Case {
            tool: "create_merge_request_note",
            arguments: json!({"merge_request_iid": 5, "body": "Yes.", "note_id": 3}),
            asks: vec![
                (DISCUSSIONS, Value::Null, discussions()),
                (
                    "POST /api/v4/projects/7/merge_requests/5/discussions/bb22/notes",
                    json!({"body": "Yes."}),
                    json!([201, r#"{"id":10}"#]),
                ),
            ],
            reads: r#"{"id":10}"#,
        },
        case(
            "create_merge_request_note",
            json!({"merge_request_iid": 5, "body": "Yes.", "note_id": 4}),
            (DISCUSSIONS, Value::Null),
            discussions(),
            "Tool create_merge_request_note execution failed due to wrong arguments. You must \
             adhere to the tool args schema! note_id 4 is in none of the merge request's threads; \
             list_all_merge_request_notes tells the numbers",
        ),
    ]);
}

#[test]
fn lines_are_commented() {
    let refs = json!({"diff_refs": {"base_sha": "b1", "start_sha": "s1", "head_sha": "h1"}});
    let merge_request = "GET /api/v4/projects/7/merge_requests/5";
    each_does_as_it_should(&[
        Case {
            tool: "create_merge_request_diff_note",
            arguments: json!({
                "merge_request_iid": 5, "body": "Why?", "new_path": "a.rs", "new_line": 12,
            }),
            asks: vec![
                (merge_request, Value::Null, json!([200, refs.to_string()])),
                (
                    "POST /api/v4/projects/7/merge_requests/5/discussions",
                    json!({"body": "Why?", "position": {
                        "position_type": "text", "base_sha": "b1", "start_sha": "s1",
                        "head_sha": "h1", "old_path": "a.rs", "new_path": "a.rs", "new_line": 12,
                    }}),
                    json!([201, r#"{"id":"cc33"}"#]),
                ),
            ],
            reads: r#"{"id":"cc33"}"#,
        },
        case(
            "create_merge_request_diff_note",
            json!({"merge_request_iid": 5, "body": "Why?", "old_path": "a.rs", "old_line": 12}),
            (merge_request, Value::Null),
            json!([200, r#"{"diff_refs":null}"#]),
            "Tool create_merge_request_diff_note raised ToolException: GitLab has not prepared the \
             merge request's changes yet; try again later",
        ),
        Case {
            tool: "create_merge_request_diff_note",
            arguments: json!({"merge_request_iid": 5, "body": "Why?", "new_path": "a.rs"}),
            asks: Vec::new(),
            reads: "Tool create_merge_request_diff_note execution failed due to wrong arguments. \
                    You must adhere to the tool args schema! new_line and old_line are missing; \
                    give the one of the line that is meant",
        },
        Case {
            tool: "create_merge_request_diff_note",
            arguments: json!({"merge_request_iid": 5, "body": "Why?", "new_line": 1}),
            asks: Vec::new(),
            reads: "Tool create_merge_request_diff_note execution failed due to wrong arguments. \
                    You must adhere to the tool args schema! new_path is missing; old_path alone \
                    is enough for a file that was removed",
        },
    ]);
}

#[test]
fn threads_are_read_answered_and_resolved() {
    each_does_as_it_should(&[
        case(
            "list_mr_discussions",
            json!({"project_id": 7, "merge_request_iid": 5}),
            (DISCUSSIONS, Value::Null),
            json!([200, r#"[{"id":"aa11","notes":[{"resolved":false}]}]"#]),
            r#"[{"id":"aa11","notes":[{"resolved":false}]}]"#,
        ),
        case(
            "reply_to_discussion",
            json!({"merge_request_iid": 5, "discussion_id": "aa11", "body": "Done."}),
            (
                "POST /api/v4/projects/7/merge_requests/5/discussions/aa11/notes",
                json!({"body": "Done."}),
            ),
            json!([201, r#"{"id":11}"#]),
            r#"{"id":11}"#,
        ),
        Case {
            tool: "reply_to_discussion",
            arguments: json!({"merge_request_iid": 5, "discussion_id": "..", "body": "Done."}),
            asks: Vec::new(),
            reads: "Tool reply_to_discussion execution failed due to wrong arguments. You must \
                    adhere to the tool args schema! discussion_id must be an id as \
                    list_mr_discussions tells it",
        },
        case(
            "set_discussion_resolved",
            json!({"merge_request_iid": 5, "discussion_id": "aa11", "resolved": "false"}),
            (
                "PUT /api/v4/projects/7/merge_requests/5/discussions/aa11",
                json!({"resolved": false}),
            ),
            json!([200, r#"{"id":"aa11"}"#]),
            r#"{"id":"aa11"}"#,
        ),
        case(
            "set_discussion_resolved",
            json!({"merge_request_iid": 5, "discussion_id": "dd44", "resolved": true}),
            (
                "PUT /api/v4/projects/7/merge_requests/5/discussions/dd44",
                json!({"resolved": true}),
            ),
            json!([404, r#"{"message":"404 Discussion Not Found"}"#]),
            r#"Request failed (set_discussion_resolved): HTTP 404: {"message":"404 Discussion Not Found"}"#,
        ),
    ]);
}
