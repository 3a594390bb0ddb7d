//! Tools about commits and branches.

use serde_json::{Value, json};

use super::{Case, case, each_does_as_it_should, repository::file, run};
use crate::sessions::Scene;

const COMMITS: &str = "POST /api/v4/projects/7/repository/commits";

#[test]
fn commits_are_read() {
    each_does_as_it_should(&[
        case(
            "get_commit",
            json!({"project_id": 7, "commit_sha": "abc123"}),
            (
                "GET /api/v4/projects/7/repository/commits/abc123",
                Value::Null,
            ),
            json!([200, r#"{"id":"abc123"}"#]),
            r#"{"id":"abc123"}"#,
        ),
        case(
            "get_commit",
            json!({"url": "https://gitlab.test/team/edge/-/commit/abc123?view=inline"}),
            (
                "GET /api/v4/projects/team%2Fedge/repository/commits/abc123",
                Value::Null,
            ),
            json!([404, r#"{"message":"404 Commit Not Found"}"#]),
            r#"Request failed (get_commit): HTTP 404: {"message":"404 Commit Not Found"}"#,
        ),
        case(
            "get_commit",
            json!({"commit_sha": "fix/a?b"}),
            (
                "GET /api/v4/projects/7/repository/commits/fix%2Fa%3Fb",
                Value::Null,
            ),
            json!([200, "<html>"]),
            "Tool get_commit raised ToolException: GitLab's answer is not JSON; a proxy in front of \
             it may have answered",
        ),
        faulty(
            "get_commit",
            json!({}),
            "commit_sha is missing, and url names no commit",
        ),
        faulty(
            "get_commit",
            json!({"commit_sha": ".."}),
            "commit_sha is no commit",
        ),
        case(
            "list_commits",
            json!({"ref_name": "main", "path": "src/a.rs", "with_stats": true, "per_page": 5}),
            (
                "GET /api/v4/projects/7/repository/commits?ref_name=main&path=src%2Fa.rs\
                 &with_stats=true&per_page=5",
                Value::Null,
            ),
            json!([200, "[]"]),
            "[]",
        ),
        case(
            "get_commit_comments",
            json!({"commit_sha": "abc123"}),
            (
                "GET /api/v4/projects/7/repository/commits/abc123/comments?per_page=100&page=1",
                Value::Null,
            ),
            json!([200, r#"[{"note":"Hm"}]"#]),
            r#"[{"note":"Hm"}]"#,
        ),
    ]);
}

/// A call whose fault is found before anything is asked.
fn faulty(tool: &'static str, arguments: Value, fault: &str) -> Case {
    let reads = format!(
        "Tool {tool} execution failed due to wrong arguments. You must adhere to the tool args \
         schema! {fault}"
    );
    Case {
        tool,
        arguments,
        asks: Vec::new(),
        reads: reads.leak(),
    }
}

#[test]
fn changes_of_a_commit_are_read_but_those_that_are_kept_from_agents() {
    let diffs = r#"[{"old_path":"a.pem","new_path":"a.pem","diff":"-key"}]"#;
    run(
        &Scene::new(""),
        &[case(
            "get_commit_diff",
            json!({"commit_sha": "abc123"}),
            (
                "GET /api/v4/projects/7/repository/commits/abc123/diff?per_page=100&page=1",
                Value::Null,
            ),
            json!([200, diffs]),
            r#"[{"old_path":"a.pem","new_path":"a.pem","excluded":"the project's owners keep this file from agents"}]"#,
        )],
        json!({"set": {"exclusions": ["*.pem"]}}),
    );
}

#[test]
fn a_commit_says_what_was_said() {
    each_does_as_it_should(&[
        case(
            "create_commit",
            json!({
                "project_id": 7, "branch": "fix", "start_branch": "main",
                "commit_message": "Mend it",
                "actions": [
                    {"action": "create", "file_path": "/a.rs", "content": "", "old_str": null},
                    {"action": "delete", "file_path": "b.rs", "more": 1},
                    {"action": "move", "file_path": "d.rs", "previous_path": "./c.rs"},
                    {"action": "chmod", "file_path": "e.sh", "execute_filemode": true},
                ],
            }),
            (
                COMMITS,
                json!({
                    "branch": "fix", "start_branch": "main", "commit_message": "Mend it",
                    "actions": [
                        {"action": "create", "file_path": "a.rs", "content": ""},
                        {"action": "delete", "file_path": "b.rs"},
                        {"action": "move", "file_path": "d.rs", "previous_path": "c.rs"},
                        {"action": "chmod", "file_path": "e.sh", "execute_filemode": true},
                    ],
                }),
            ),
            json!([201, r#"{"id":"abc123"}"#]),
            r#"{"id":"abc123"}"#,
        ),
        case(
            "create_branch",
            json!({"project_id": 7, "branch": "fix", "ref": "main"}),
            (
                "POST /api/v4/projects/7/repository/branches",
                json!({"branch": "fix", "ref": "main"}),
            ),
            json!([201, r#"{"name":"fix"}"#]),
            r#"{"name":"fix"}"#,
        ),
        case(
            "create_branch",
            json!({"branch": "fix", "ref": "main"}),
            (
                "POST /api/v4/projects/7/repository/branches",
                json!({"branch": "fix", "ref": "main"}),
            ),
            json!([400, r#"{"message":"Branch already exists"}"#]),
            r#"Request failed (create_branch): HTTP 400: {"message":"Branch already exists"}"#,
        ),
    ]);
}

#[test]
fn an_edit_is_made_in_the_file_as_it_is() {
    let read = "GET /api/v4/projects/7/repository/files/src%2Fa.rs?ref=main";
    let commit =
        |actions: Value| json!({"branch": "main", "commit_message": "Mend it", "actions": actions});
    let edit = |old: &str, new: &str| json!({"action": "update", "file_path": "src/a.rs", "old_str": old, "new_str": new});
    let whole = json!({
        "action": "update", "file_path": "src/a.rs", "content": "1\r\nzwei\r\ndrei",
        "last_commit_id": "c0ffee",
    });
    each_does_as_it_should(&[
        Case {
            tool: "create_commit",
            arguments: commit(json!([
                edit("one", "1"),
                edit("two\r\nthree", "zwei\r\ndrei")
            ])),
            asks: vec![
                (read, Value::Null, file(b"one\r\ntwo\r\nthree")),
                (COMMITS, commit(json!([whole])), json!([201, "{}"])),
            ],
            reads: "{}",
        },
        case(
            "create_commit",
            commit(json!([edit("a", "b")])),
            (read, Value::Null),
            file(b"a a"),
            "Tool create_commit execution failed due to wrong arguments. You must adhere to the \
             tool args schema! actions[0].old_str is in the file more than once; write more of what \
             is around it",
        ),
        case(
            "create_commit",
            commit(json!([edit("x", "b")])),
            (read, Value::Null),
            file(b"a a"),
            "Tool create_commit execution failed due to wrong arguments. You must adhere to the \
             tool args schema! actions[0].old_str is not in the file; read the file and write it \
             exactly as it stands",
        ),
        case(
            "create_commit",
            commit(json!([edit("x", "b")])),
            (read, Value::Null),
            json!([404, r#"{"message":"404 File Not Found"}"#]),
            r#"Request failed (create_commit): HTTP 404: {"message":"404 File Not Found"}"#,
        ),
        case(
            "create_commit",
            commit(json!([{"action": "update", "file_path": "src/a.rs", "content": "x"}])),
            (
                COMMITS,
                commit(json!([{"action": "update", "file_path": "src/a.rs", "content": "x"}])),
            ),
            json!([400, r#"{"message":"You are not allowed to push"}"#]),
            r#"Request failed (create_commit): HTTP 400: {"message":"You are not allowed to push"}"#,
        ),
    ]);
}

#[test]
fn a_commit_with_a_fault_is_not_made() {
    let commit =
        |action: Value| json!({"branch": "main", "commit_message": "Mend it", "actions": [action]});
    let mut cases: Vec<_> = [
        (
            json!({"action": "create", "file_path": "../a", "content": "x"}),
            "actions[0].file_path must be a path from the repository's root, such as src/main.rs, \
             without . and ..",
        ),
        (
            json!({"action": "move", "file_path": "a", "previous_path": "b/../../c"}),
            "actions[0].previous_path must be a path from the repository's root, such as \
             src/main.rs, without . and ..",
        ),
        (
            json!({"action": "rename", "file_path": "a"}),
            "actions[0].action must be one of create, update, delete, move, chmod",
        ),
        (
            json!({"action": "create", "file_path": "a"}),
            "actions[0].content is missing",
        ),
        (
            json!({"action": "update", "file_path": "a", "old_str": null}),
            "actions[0].content is missing",
        ),
        (
            json!({"action": "update", "file_path": "a", "content": 1}),
            "actions[0].content is of the wrong kind",
        ),
        (
            json!({"action": "update", "file_path": "a", "old_str": "x"}),
            "actions[0].new_str is missing",
        ),
        (
            json!({"action": "create", "file_path": "a", "content": "x", "old_str": "x"}),
            "actions[0].old_str belongs to an update without content",
        ),
        (
            json!({"action": "delete"}),
            "actions[0].file_path is missing",
        ),
    ]
    .into_iter()
    .map(|(action, fault)| faulty("create_commit", commit(action), fault))
    .collect();
    cases.push(faulty(
        "create_commit",
        json!({"branch": "main", "commit_message": "Mend it", "actions": []}),
        "actions must hold 1 to 100 actions",
    ));
    cases.push(Case {
        reads: "Tool create_commit raised ToolException: a.pem is excluded: the project's owners \
                keep this file from agents",
        ..faulty(
            "create_commit",
            commit(json!({"action": "create", "file_path": "a.pem", "content": "x"})),
            "",
        )
    });
    run(
        &Scene::new(""),
        &cases,
        json!({"set": {"exclusions": ["*.pem"]}}),
    );
}
