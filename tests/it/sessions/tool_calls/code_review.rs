//! Tools of agents that review merge requests.

use serde_json::{Value, json};

use super::{Case, case, each_does_as_it_should, repository::file, run};
use crate::sessions::Scene;

const MERGE_REQUEST: &str = "GET /api/v4/projects/7/merge_requests/5";
const DIFFS: &str = "GET /api/v4/projects/7/merge_requests/5/diffs?per_page=100&page=1";
const INSTRUCTIONS: &str = "GET /api/v4/projects/7/repository/files/\
                            .gitlab%2Fduo%2Fmr-review-instructions.yaml?ref=HEAD";

fn merge_request() -> (&'static str, Value, Value) {
    let found = json!({
        "iid": 5, "title": "Mend it", "description": "It was broken.", "source_branch": "fix",
        "target_branch": "main", "author": {"username": "ada"}, "diff_refs": {"head_sha": "h1"},
        "web_url": "https://gitlab.test/team/edge/-/merge_requests/5",
    });
    (MERGE_REQUEST, Value::Null, json!([200, found.to_string()]))
}

fn diffs() -> (&'static str, Value, Value) {
    let diffs = json!([
        {"old_path": "a.rs", "new_path": "a.rs", "diff": "@@ -1,2 +1,2 @@\n one\n-two\n+2\n"},
        {"old_path": "b.rs", "new_path": "b.rs", "new_file": true, "diff": "@@ -0,0 +1 @@\n+b\n"},
        {"old_path": "c.rs", "new_path": "d.rs", "renamed_file": true, "diff": ""},
        {"old_path": "k.pem", "new_path": "k.pem", "diff": "-key"},
    ]);
    (DIFFS, Value::Null, json!([200, diffs.to_string()]))
}

fn without_instructions() -> (&'static str, Value, Value) {
    (INSTRUCTIONS, Value::Null, json!([404, "{}"]))
}

const HEAD: &str = "# Merge request !5: Mend it\n\nFrom fix into main, by ada.\n";
const DESCRIPTION: &str = "\n## Description\n\nIt was broken.\n";
const CHANGES: &str = "\n## Changes\n\nEach line has its number before and after the change.\n\
    \n### a.rs\n\n@@ -1,2 +1,2 @@\n1 1  one\n2 - -two\n- 2 +2\n\
    \n### b.rs (new)\n\n@@ -0,0 +1 @@\n- 1 +b\n\
    \n### d.rs (was c.rs)\n\nGitLab shows no difference: it is empty, too large, or of a binary \
    file.\n\
    \n### k.pem\n\nNot shown: the project's owners keep this file from agents.\n";

fn read(path: &str) -> &'static str {
    format!("GET /api/v4/projects/7/repository/files/{path}?ref=h1").leak()
}

#[test]
fn a_review_is_made_from_changes_files_and_instructions() {
    let whole = Case {
        tool: "build_review_merge_request_context",
        arguments: json!({"project_id": 7, "merge_request_iid": 5}),
        asks: vec![
            merge_request(),
            diffs(),
            (INSTRUCTIONS, Value::Null, file(b"instructions: []\n")),
            (read("a.rs"), Value::Null, file(b"one\n2\n")),
            (read("d.rs"), Value::Null, file(b"\0")),
        ],
        reads: format!(
            "{HEAD}{DESCRIPTION}\n## The project's instructions for reviews\n\nEach counts for the \
             files that its file filters fit.\n\ninstructions: []\n{CHANGES}\n## Files after the \
             change\n\n### a.rs\n\none\n2\n\n### d.rs\n\nIt could not be read.\n"
        )
        .leak(),
    };
    let without_files = Case {
        tool: "build_review_merge_request_context",
        arguments: json!({"merge_request_iid": 5, "lightweight": true}),
        asks: vec![merge_request(), diffs(), without_instructions()],
        reads: format!("{HEAD}{DESCRIPTION}{CHANGES}").leak(),
    };
    let link = "https://gitlab.test/team/edge/-/merge_requests/5/diffs#";
    let linked = CHANGES
        .replace("### a.rs\n\n", &format!("### a.rs\n\n{link}A\n\n"))
        .replace("(new)\n\n", &format!("(new)\n\n{link}B\n\n"))
        .replace("(was c.rs)\n\n", &format!("(was c.rs)\n\n{link}D\n\n"))
        .replace("### k.pem\n\n", &format!("### k.pem\n\n{link}K\n\n"));
    let linked = [
        ("A", ANCHORS[0]),
        ("B", ANCHORS[1]),
        ("D", ANCHORS[2]),
        ("K", ANCHORS[3]),
    ]
    .into_iter()
    .fold(linked, |text, (name, anchor)| {
        text.replace(&format!("#{name}\n"), &format!("#{anchor}\n"))
    });
    let only_diffs = Case {
        tool: "build_review_merge_request_context",
        arguments: json!({
            "merge_request_iid": 5, "only_diffs": true, "include_diff_links": "true",
        }),
        asks: vec![merge_request(), diffs()],
        reads: format!("{HEAD}{linked}").leak(),
    };
    let missing = case(
        "build_review_merge_request_context",
        json!({"merge_request_iid": 6}),
        ("GET /api/v4/projects/7/merge_requests/6", Value::Null),
        json!([404, "{}"]),
        "Request failed (build_review_merge_request_context): HTTP 404: {}",
    );
    run(
        &Scene::new(""),
        &[whole, without_files, only_diffs, missing],
        json!({"set": {"exclusions": ["*.pem"]}}),
    );
}

/// SHA-1 of a.rs, b.rs, d.rs and k.pem, as sha1sum tells it.
const ANCHORS: [&str; 4] = [
    "0973b0b779533bb9fb584987e16ebcddbfe706f1",
    "019c2094bcd5462e2662e98beb9d754ad0fe6026",
    "2a8c5a3a91a35d56d1d932f3073367207a32c6d0",
    "640b52ed22ebac787dbaceaf90105dbff84f9150",
];

#[test]
fn a_gitlab_that_tells_instructions_is_asked_for_them() {
    let asks = "GET /api/v4/ai/duo_workflows/code_review/custom_instructions?project_id=7\
                &merge_request_iid=5";
    let told = Case {
        tool: "build_review_merge_request_context",
        arguments: json!({"merge_request_iid": 5, "lightweight": true}),
        asks: vec![
            merge_request(),
            (DIFFS, Value::Null, json!([200, "[]"])),
            (
                asks,
                Value::Null,
                json!([200, r#"[{"instructions": "No tabs."}]"#]),
            ),
        ],
        reads: format!(
            "{HEAD}{DESCRIPTION}\n## The project's instructions for reviews\n\nEach counts for the \
             files that its file filters fit.\n\n[{{\"instructions\":\"No tabs.\"}}]\n\n## \
             Changes\n\nEach line has its number before and after the change.\n"
        )
        .leak(),
    };
    let silent = Case {
        tool: "build_review_merge_request_context",
        arguments: json!({"merge_request_iid": 5, "lightweight": true}),
        asks: vec![
            merge_request(),
            (DIFFS, Value::Null, json!([200, "[]"])),
            (asks, Value::Null, json!([404, "{}"])),
            without_instructions(),
        ],
        reads: format!(
            "{HEAD}{DESCRIPTION}\n## Changes\n\nEach line has its number before and after the \
             change.\n"
        )
        .leak(),
    };
    run(
        &Scene::new(""),
        &[told, silent],
        json!({"version": "19.0.0"}),
    );
}

#[test]
fn a_review_is_posted_and_gitlab_says_so() {
    let review = "Here:\n<review>\n<summary>Well.</summary>\n</review>";
    let asks = (
        "POST /api/v4/ai/duo_workflows/code_review/add_comments",
        json!({
            "project_id": 7, "merge_request_iid": 5, "review_output": review, "workflow_id": 7,
        }),
    );
    let arguments = json!({"project_id": "7", "merge_request_iid": 5, "review_output": review});
    each_does_as_it_should(&[
        case(
            "post_duo_code_review",
            arguments.clone(),
            asks.clone(),
            json!([201, r#"{"message": "Comments added successfully"}"#]),
            "Comments added successfully",
        ),
        case(
            "post_duo_code_review",
            arguments.clone(),
            asks.clone(),
            json!([200, r#"{"message": "Nothing to do"}"#]),
            "Tool post_duo_code_review raised ToolException: GitLab posted no comments: Nothing to \
             do",
        ),
        case(
            "post_duo_code_review",
            arguments.clone(),
            asks.clone(),
            json!([200, "{}"]),
            "Tool post_duo_code_review raised ToolException: GitLab does not say that it posted the \
             comments",
        ),
        case(
            "post_duo_code_review",
            arguments,
            asks,
            json!([403, r#"{"message":"403 Forbidden"}"#]),
            r#"Request failed (post_duo_code_review): HTTP 403: {"message":"403 Forbidden"}"#,
        ),
        Case {
            tool: "post_duo_code_review",
            arguments: json!({"merge_request_iid": 5, "review_output": "</review><review>"}),
            asks: Vec::new(),
            reads: "Tool post_duo_code_review execution failed due to wrong arguments. You must \
                    adhere to the tool args schema! review_output holds no whole block \
                    <review>…</review>; write the review into one",
        },
    ]);
}
