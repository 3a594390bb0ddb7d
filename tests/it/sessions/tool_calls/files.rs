//! Tools that read, change and search files where the client is.

use serde_json::{Value, json};

use super::{Case, Scene, agent_with, case, last, run};
use crate::support::{Folder, llama::Llama, model_server::Reply};

/// What lets a session read and write files.
fn writing() -> Value {
    json!({"set": {"privileges": ["read_write_files"]}})
}

/// A call that asks the client for nothing.
fn refused(tool: &'static str, arguments: Value, reads: &'static str) -> Case {
    Case {
        tool,
        arguments,
        asks: Vec::new(),
        reads,
    }
}

#[test]
fn files_are_read_and_written_by_the_client() {
    let cases = [
        case(
            "read_file",
            json!({"file_path": "src/a.rs"}),
            ("runReadFile", json!({"filepath": "src/a.rs"})),
            json!(["// <goal>\nfn a() {}", ""]),
            "// <goal>\nfn a() {}",
        ),
        case(
            "read_file",
            json!({"file_path": "gone"}),
            ("runReadFile", json!({"filepath": "gone"})),
            json!(["", "no such file"]),
            "Tool read_file raised ToolException: Action error: no such file",
        ),
        case(
            "read_file",
            json!({"file_path": "picture.png"}),
            ("runReadFile", json!({"filepath": "picture.png"})),
            json!(["PNG\u{0}\u{0}", ""]),
            "Tool read_file raised ToolException: file_path: `picture.png` is no text file; only \
             text can be read",
        ),
        case(
            "read_file",
            json!({"file_path": "config"}),
            ("runReadFile", json!({"filepath": "config"})),
            json!(["token = glpat-aBcDeFgHiJkLmNoPqRsT", ""]),
            "token = [REDACTED]",
        ),
        case(
            "read_files",
            json!({"file_paths": ["a", ".env", "b", "../c"]}),
            ("runReadFiles", json!({"filepaths": ["a", "b"]})),
            json!([
                r#"{"a":{"content":"<!-- x -->A"},"b":{"error":"gone"}}"#,
                ""
            ]),
            r#"{"a":{"content":"A"},"b":{"error":"gone"},".env":{"error":"file_paths: `.env` is kept from agents; do without it"},"../c":{"error":"file_paths: `../c` leads out of its folder, or may; write it without `..` and without encoding"}}"#,
        ),
        case(
            "create_file_with_contents",
            json!({"file_path": "new/a.txt", "contents": ""}),
            ("runWriteFile", json!({"filepath": "new/a.txt"})),
            json!(["Written.", ""]),
            "Written.",
        ),
        case(
            "edit_file",
            json!({"file_path": "a", "old_str": " b\n", "new_str": "c"}),
            (
                "runEditFile",
                json!({"filepath": "a", "oldString": " b\n", "newString": "c"}),
            ),
            json!(["Edited.", ""]),
            "Edited.",
        ),
        case(
            "mkdir",
            json!({"directory_path": "./a/b"}),
            ("mkdir", json!({"directory_path": "./a/b"})),
            json!(["Made.", ""]),
            "Made.",
        ),
    ];
    run(&Scene::new(""), &cases, writing());
}

#[test]
fn searches_leave_out_what_is_kept_from_agents() {
    let cases = [
        case(
            "list_dir",
            json!({"directory": "sub"}),
            ("listDirectory", json!({"directory": "sub"})),
            json!([".env\n.git/\nprivate/\nmain.rs", ""]),
            "main.rs",
        ),
        case(
            "list_dir",
            json!({"directory": "empty"}),
            ("listDirectory", json!({"directory": "empty"})),
            json!(["", ""]),
            "Nothing is in `empty`.",
        ),
        case(
            "find_files",
            json!({"name_pattern": "*.rs"}),
            ("findFiles", json!({"name_pattern": "*.rs"})),
            json!(["src/a.rs\nsub/private/b.rs\n.git/c.rs", ""]),
            "src/a.rs",
        ),
        case(
            "find_files",
            json!({"name_pattern": "*.key"}),
            ("findFiles", json!({"name_pattern": "*.key"})),
            json!(["sub/private/a.key", ""]),
            "No matches found for pattern '*.key'.",
        ),
        case(
            "grep",
            json!({"keywords": "One, two"}),
            (
                "grep",
                json!({"search_directory": ".", "pattern": "One, two", "case_insensitive": true}),
            ),
            json!([
                "a.rs:1:one <!-- x\nsub/private/b.rs:2:two\n.env:3:two\nc.rs:4:two",
                ""
            ]),
            "a.rs:1:one &lt;!-- x\nc.rs:4:two",
        ),
        case(
            "grep",
            json!({"keywords": "x", "search_directory": "src"}),
            (
                "grep",
                json!({"search_directory": "src", "pattern": "x", "case_insensitive": true}),
            ),
            json!(["", "exit status 1"]),
            "No matches found for pattern 'x'.",
        ),
        case(
            "grep",
            json!({"keywords": "x", "search_directory": "src"}),
            (
                "grep",
                json!({"search_directory": "src", "pattern": "x", "case_insensitive": true}),
            ),
            json!(["", "exit status 128"]),
            "Tool grep raised ToolException: Action error: exit status 128",
        ),
    ];
    let options = json!({"set": {
        "privileges": ["read_only_files"], "exclusions": ["sub/private/"],
    }});
    run(&Scene::new(""), &cases, options);
}

#[test]
fn paths_that_lead_elsewhere_never_reach_the_client() {
    let climbing = "Tool read_file raised ToolException: file_path: `a/%252e%252e/b` leads out of \
                    its folder, or may; write it without `..` and without encoding";
    let cases = [
        refused(
            "read_file",
            json!({"file_path": "a/%252e%252e/b"}),
            climbing,
        ),
        refused(
            "edit_file",
            json!({"file_path": "/home/ada/.agents/skills/a", "old_str": "a", "new_str": "b"}),
            "Tool edit_file raised ToolException: file_path: `/home/ada/.agents/skills/a` is \
             absolute; name it from the project's folder",
        ),
        refused(
            "create_file_with_contents",
            json!({"file_path": ".Git/hooks/pre-commit", "contents": "x"}),
            "Tool create_file_with_contents raised ToolException: file_path: \
             `.Git/hooks/pre-commit` is kept from agents; do without it",
        ),
        refused(
            "mkdir",
            json!({"directory_path": r"a\..\..\b"}),
            r"Tool mkdir raised ToolException: directory_path: `a\..\..\b` leads out of its folder, or may; write it without `..` and without encoding",
        ),
        refused(
            "list_dir",
            json!({"directory": "/"}),
            "Tool list_dir raised ToolException: directory: `/` is absolute; name it from the \
             project's folder",
        ),
        refused(
            "list_dir",
            json!({"directory": ".ssh"}),
            "Tool list_dir raised ToolException: directory: `.ssh/` is kept from agents; do \
             without it",
        ),
        refused(
            "find_files",
            json!({"name_pattern": "../*"}),
            "Tool find_files raised ToolException: name_pattern: `../*` leads out of its folder, \
             or may; write it without `..` and without encoding",
        ),
        refused(
            "grep",
            json!({"keywords": "x", "search_directory": ".."}),
            "Tool grep raised ToolException: search_directory: `..` leads out of its folder, or \
             may; write it without `..` and without encoding",
        ),
        refused(
            "read_files",
            json!({"file_paths": []}),
            "Tool read_files execution failed due to wrong arguments. You must adhere to the tool \
             args schema! file_paths must name 1 to 100 files",
        ),
        case(
            "read_file",
            json!({"file_path": "/home/ada/.agents/skills/a/SKILL.md"}),
            (
                "runReadFile",
                json!({"filepath": "/home/ada/.agents/skills/a/SKILL.md"}),
            ),
            json!(["# Skill", ""]),
            "# Skill",
        ),
    ];
    run(&Scene::new(""), &cases, writing());
}

#[test]
fn a_part_of_a_file_is_read_where_the_client_can() {
    let cases = [
        case(
            "read_file",
            json!({"file_path": "a"}),
            (
                "runReadFile",
                json!({"filepath": "a", "limit": "2000", "offset": "0"}),
            ),
            json!(["all", ""]),
            "all",
        ),
        case(
            "read_file",
            json!({"file_path": "a", "offset": "5", "limit": 10}),
            (
                "runReadFile",
                json!({"filepath": "a", "limit": "10", "offset": "5"}),
            ),
            json!(["part", ""]),
            "part",
        ),
    ];
    let mut options = writing();
    options["capabilities"] = json!(["read_file_chunked"]);
    run(&Scene::new(""), &cases, options);
}

#[test]
fn a_file_of_three_mebibytes_is_cut_and_said_to_be() {
    let folder = Folder::new();
    folder.write("big", "line\n".repeat(600_000));
    let scene = Scene::new("");
    scene.model.reply(Reply::Sequence(vec![
        super::wants(&refused("read_file", json!({"file_path": "big"}), "")),
        Reply::Pieces(vec!["Done.".to_owned()]),
    ]));
    let mut options = writing();
    options["folder"] = json!(folder.path());
    options["preapproved"] = json!(["read_file"]);
    scene.turn(options).went_well();
    let read = last(&scene.model.last().body);
    let begins = "The result has 3000000 bytes; only the beginning follows.\nline\n";
    assert!(read.starts_with(begins) && read.len() < 103 * 1024);
}

#[test]
fn an_editor_that_is_too_old_has_no_tools_of_its_own() {
    for (version, offered) in [("7.42.0", false), ("7.43.0", true)] {
        let scene = Scene::new("Hello.");
        let mut options = writing();
        options["metadata"] = json!({"x-gitlab-language-server-version": version});
        scene.turn(options).went_well();
        let tools = scene.model.last().body["tools"].to_string();
        assert_eq!(tools.contains("list_dir"), offered, "{version}: {tools}");
    }
}

/// A repository with one fault, and something that is nobody's business.
fn repository() -> Folder {
    let folder = Folder::new();
    folder.write(
        "adder.py",
        "def add(left, right):\n    return left - right\n",
    );
    folder.write(
        "test_adder.py",
        "import adder\n\nassert adder.add(2, 3) == 5\nprint('ok')\n",
    );
    folder.write(".env", "LEFT=secret\n");
    let git = std::process::Command::new("git")
        .args(["init", "--quiet"])
        .current_dir(folder.path())
        .status();
    assert!(git.unwrap().success());
    folder
}

#[test]
fn a_fault_in_a_real_repository_is_found_mended_and_tested() {
    let folder = repository();
    let scene = Scene::new("");
    let calls = [
        ("list_dir", json!({"directory": "."})),
        ("find_files", json!({"name_pattern": "*.py"})),
        ("grep", json!({"keywords": "LEFT"})),
        ("run_tests", json!({"command": "python3 test_adder.py"})),
        ("read_file", json!({"file_path": "adder.py"})),
        (
            "edit_file",
            json!({"file_path": "adder.py", "old_str": "left - right", "new_str": "left + right"}),
        ),
        ("run_tests", json!({"command": "python3 test_adder.py"})),
        ("mkdir", json!({"directory_path": "docs"})),
        (
            "create_file_with_contents",
            json!({"file_path": "docs/a.md", "contents": "It adds."}),
        ),
        ("read_files", json!({"file_paths": ["docs/a.md", ".env"]})),
        (
            "run_git_command",
            json!({"command": "status", "args": "--short"}),
        ),
    ];
    let names: Vec<_> = calls.iter().map(|(name, _)| *name).collect();
    let mut replies: Vec<_> = calls
        .iter()
        .map(|(name, arguments)| super::super::tools::wants(name, &arguments.to_string()))
        .collect();
    replies.push(Reply::Pieces(vec!["It adds now.".to_owned()]));
    scene.model.reply(Reply::Sequence(replies));
    let turn = scene.turn(json!({
        "set": {"privileges": ["read_write_files", "use_git"]},
        "preapproved": names, "flow": agent_with(&names), "folder": folder.path(),
    }));
    turn.went_well();
    let requests = scene.model.requests();
    let read: Vec<_> = requests.iter().skip(1).map(|it| last(&it.body)).collect();
    assert_eq!(read.len(), calls.len(), "{read:#?}");
    assert_eq!(read[0], "adder.py\ntest_adder.py");
    assert_eq!(read[1], "adder.py\ntest_adder.py");
    assert!(
        read[2].starts_with("adder.py:1:def add(left"),
        "{}",
        read[2]
    );
    assert!(!read[2].contains("secret"), "{}", read[2]);
    assert!(
        read[3].contains("Action error: exit status 1"),
        "{}",
        read[3]
    );
    assert!(read[3].contains("AssertionError"), "{}", read[3]);
    assert!(read[4].contains("left - right"), "{}", read[4]);
    assert_eq!(read[6], "ok\n");
    let several: Value = serde_json::from_str(&read[9]).unwrap();
    assert_eq!(several["docs/a.md"]["content"], "It adds.");
    assert!(several[".env"]["error"].is_string() && !read[9].contains("secret"));
    assert!(read[10].contains("?? docs/"), "{}", read[10]);
    let mended = std::fs::read_to_string(folder.path().join("adder.py")).unwrap();
    assert_eq!(mended, "def add(left, right):\n    return left + right\n");
}

#[test]
fn llama_cpp_lists_a_folder_of_the_clients() {
    let arguments = r#"{"directory": "."}"#;
    let Some(model) = Llama::that_calls_with("list_dir", arguments, "sk-llama") else {
        return;
    };
    let folder = repository();
    let scene = Scene::new("unused");
    let mut options = writing();
    options["model"] = json!({
        "provider": "openai", "name": "llama3", "endpoint": model.url(), "api_key": "sk-llama",
        "identifier": "custom_openai/llama",
    });
    options["preapproved"] = json!(["list_dir"]);
    options["folder"] = json!(folder.path());
    let turn = scene.turn(options);
    turn.went_well();
    assert_eq!(turn.brief()[1], ["tool", "success", "List folder `.`"]);
    let told = &turn.0["log"][1]["tool_info"]["tool_response"]["content"];
    assert_eq!(*told, "adder.py\ntest_adder.py", "{turn:#?}");
}
