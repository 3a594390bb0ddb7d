//! Tools about files and folders of a repository.

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::{Case, case, each_does_as_it_should, run};
use crate::sessions::Scene;

/// GitLab's answer to the question for a file.
pub(super) fn file(content: &[u8]) -> Value {
    let file = json!({
        "encoding": "base64", "content": BASE64.encode(content), "last_commit_id": "c0ffee",
    });
    json!([200, file.to_string()])
}

#[test]
fn a_file_is_read_as_it_is() {
    let asks = (
        "GET /api/v4/projects/7/repository/files/src%2Fmain.rs?ref=HEAD",
        Value::Null,
    );
    let path = json!({"project_id": 7, "file_path": "src/main.rs"});
    let mut part = path.clone();
    part["offset"] = json!(1);
    part["limit"] = json!(1);
    let mut beyond = path.clone();
    beyond["offset"] = json!(3);
    each_does_as_it_should(&[
        case(
            "get_repository_file",
            path.clone(),
            asks.clone(),
            file("<!-- ü -->\r\n<goal>\n".as_bytes()),
            "<!-- ü -->\r\n<goal>\n",
        ),
        case(
            "get_repository_file",
            part,
            asks.clone(),
            file(b"one\ntwo\nthree\n"),
            "Lines 2 to 2 of 3:\ntwo\n",
        ),
        case(
            "get_repository_file",
            beyond,
            asks.clone(),
            file(b"one\ntwo\nthree\n"),
            "Tool get_repository_file execution failed due to wrong arguments. You must adhere to \
             the tool args schema! offset must be below 3, the number of the file's lines",
        ),
        case(
            "get_repository_file",
            path.clone(),
            asks.clone(),
            file(b"\x7fELF\0\0"),
            "Tool get_repository_file raised ToolException: src/main.rs is no text in UTF-8; binary \
             files cannot be read",
        ),
        case(
            "get_repository_file",
            path,
            asks,
            json!([404, r#"{"message":"404 File Not Found"}"#]),
            r#"Request failed (get_repository_file): HTTP 404: {"message":"404 File Not Found"}"#,
        ),
        case(
            "get_repository_file",
            json!({"url": "https://gitlab.test/team/edge/-/blob/fix/a/src/a%20b.rs?plain=1#L3",
                "ref": "fix/a"}),
            (
                "GET /api/v4/projects/team%2Fedge/repository/files/src%2Fa%20b.rs?ref=fix%2Fa",
                Value::Null,
            ),
            file(b"glpat-aBcDeFgHiJkLmNoPqRsT"),
            "[REDACTED]",
        ),
    ]);
}

#[test]
fn what_agents_may_not_read_is_not_asked_for() {
    let scene = Scene::new("");
    let refused = |arguments: Value, reads: &'static str| Case {
        tool: "get_repository_file",
        arguments,
        asks: Vec::new(),
        reads,
    };
    let climbs = "Tool get_repository_file execution failed due to wrong arguments. You must adhere \
                  to the tool args schema! file_path must be a path from the repository's root, \
                  such as src/main.rs, without . and ..";
    run(
        &scene,
        &[
            refused(json!({"file_path": "../etc/passwd"}), climbs),
            refused(json!({"file_path": "src/../../a"}), climbs),
            refused(
                json!({"project_id": 7}),
                "Tool get_repository_file execution failed due to wrong arguments. You must adhere \
                 to the tool args schema! file_path is missing, and url names no file",
            ),
            refused(
                json!({"file_path": "keys/a.pem"}),
                "Tool get_repository_file raised ToolException: keys/a.pem is excluded: the \
                 project's owners keep this file from agents",
            ),
        ],
        json!({"set": {"exclusions": ["*.pem"]}}),
    );
}

#[test]
fn folders_are_listed_and_what_is_kept_from_agents_is_named_alone() {
    let entries = json!([
        {"path": "src/a.rs", "type": "blob"},
        {"path": "src/a.pem", "type": "blob"},
        {"path": "src/keys", "type": "tree"},
    ]);
    let scene = Scene::new("");
    run(
        &scene,
        &[
            case(
                "list_repository_tree",
                json!({"path": "src/", "ref": "fix/a", "recursive": true, "per_page": 100}),
                (
                    "GET /api/v4/projects/7/repository/tree?path=src&ref=fix%2Fa&recursive=true\
                     &per_page=100",
                    Value::Null,
                ),
                json!([200, entries.to_string()]),
                r#"[{"path":"src/a.rs","type":"blob"},{"path":"src/a.pem","excluded":"the project's owners keep this file from agents"},{"path":"src/keys","excluded":"the project's owners keep this file from agents"}]"#,
            ),
            case(
                "list_repository_tree",
                json!({"path": "."}),
                ("GET /api/v4/projects/7/repository/tree", Value::Null),
                json!([200, r#"{"message":"no list"}"#]),
                "Tool list_repository_tree raised ToolException: GitLab's answer is not JSON; a \
                 proxy in front of it may have answered",
            ),
            Case {
                tool: "list_repository_tree",
                arguments: json!({"path": "src/.."}),
                asks: Vec::new(),
                reads: "Tool list_repository_tree execution failed due to wrong arguments. You \
                        must adhere to the tool args schema! path must be a path from the \
                        repository's root, such as src/main.rs, without . and ..",
            },
        ],
        json!({"set": {"exclusions": ["*.pem", "keys/"]}}),
    );
}

#[test]
fn files_are_read_by_paths_and_patterns() {
    let entries = json!([
        {"path": "src/a.rs", "type": "blob"},
        {"path": "src/b.md", "type": "blob"},
        {"path": "src/c.rs", "type": "tree"},
        {"path": "src/d.rs", "type": "blob"},
    ]);
    let read = |path: &str, reference: &str| -> &'static str {
        format!("GET /api/v4/projects/7/repository/files/{path}?ref={reference}").leak()
    };
    each_does_as_it_should(&[
        Case {
            tool: "get_repository_files",
            arguments: json!({"file_paths": ["README.md", "src/*.rs", "src/a.rs"], "ref": "v1"}),
            asks: vec![
                (
                    "GET /api/v4/projects/7/repository/tree?path=src&ref=v1&per_page=100&page=1",
                    Value::Null,
                    json!([200, entries.to_string()]),
                ),
                (read("README.md", "v1"), Value::Null, json!([404, "{}"])),
                (read("src%2Fa.rs", "v1"), Value::Null, file(b"A")),
                (read("src%2Fd.rs", "v1"), Value::Null, file(b"D\n")),
            ],
            reads: r#"{"README.md":{"error":"Request failed (get_repository_files): HTTP 404: {}"},"src/a.rs":{"content":"A"},"src/d.rs":{"content":"D\n"}}"#,
        },
        Case {
            tool: "get_repository_files",
            arguments: json!({"file_paths": ["x", "y", "z"], "per_page": 1}),
            asks: vec![(read("x", "HEAD"), Value::Null, file(b"X"))],
            reads: r#"{"x":{"content":"X"},"y":{"error":"not read: 1 files are read at most; ask for it by itself"}}"#,
        },
        case(
            "get_repository_files",
            json!({"file_paths": "**/*.zig"}),
            (
                "GET /api/v4/projects/7/repository/tree?ref=HEAD&recursive=true&per_page=100&page=1",
                Value::Null,
            ),
            json!([200, entries.to_string()]),
            "Tool get_repository_files execution failed due to wrong arguments. You must adhere to \
             the tool args schema! file_paths names no file that is there",
        ),
        Case {
            tool: "get_repository_files",
            arguments: json!({"file_paths": ["a", "../b"]}),
            asks: Vec::new(),
            reads: "Tool get_repository_files execution failed due to wrong arguments. You must \
                    adhere to the tool args schema! file_paths must be a path from the \
                    repository's root, such as src/main.rs, without . and ..",
        },
    ]);
}

#[test]
fn of_several_files_those_that_are_kept_from_agents_say_so() {
    let asks = "GET /api/v4/projects/7/repository/files/b?ref=HEAD";
    run(
        &Scene::new(""),
        &[case(
            "get_repository_files",
            json!({"file_paths": ["k.pem", "b"]}),
            (asks, Value::Null),
            file(b"B"),
            r#"{"k.pem":{"error":"Tool get_repository_files raised ToolException: k.pem is excluded: the project's owners keep this file from agents"},"b":{"content":"B"}}"#,
        )],
        json!({"set": {"exclusions": ["*.pem"]}}),
    );
}
