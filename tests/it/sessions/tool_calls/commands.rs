//! Commands that the client runs, and sessions that it wakes.

use serde_json::{Value, json};

use super::{Case, Scene, Turn, case, run, wants};
use crate::support::{Folder, model_server::Reply};

fn running(capabilities: &[&str]) -> Value {
    json!({
        "set": {"privileges": ["run_commands", "use_git", "read_write_files"]},
        "capabilities": capabilities,
    })
}

fn refused(tool: &'static str, arguments: Value, reads: &'static str) -> Case {
    Case {
        tool,
        arguments,
        asks: Vec::new(),
        reads,
    }
}

/// One call of the chat's own agent.
#[track_caller]
fn called(scene: &Scene, tool: &'static str, arguments: Value, mut options: Value) -> Turn {
    scene.model.reply(Reply::Sequence(vec![
        wants(&refused(tool, arguments, "")),
        Reply::Pieces(vec!["Done.".to_owned()]),
    ]));
    options["preapproved"] = json!([tool]);
    scene.turn(options)
}

#[test]
fn programs_run_with_their_arguments_split() {
    let cases = [
        case(
            "run_command",
            json!({"program": "make", "args": "test 'a b' \"c\\\"d\" $HOME"}),
            (
                "runCommand",
                json!({"program": "make", "arguments": ["test", "a b", "c\"d", "$HOME"]}),
            ),
            json!(["made", ""]),
            "made",
        ),
        refused(
            "run_command",
            json!({"program": "make", "args": "'open"}),
            "Tool run_command execution failed due to wrong arguments. You must adhere to the tool \
             args schema! args has a quote or a backslash at its end that is not closed; close or \
             escape it",
        ),
        refused(
            "run_command",
            json!({"program": "make", "timeout": 5}),
            "Tool run_command raised ToolException: timeout parameter is not supported by this \
             client version.",
        ),
        case(
            "run_git_command",
            json!({"repository_url": "https://gitlab.test/a.git", "command": "git log", "args": "-1 'a b'"}),
            (
                "runCommand",
                json!({"program": "git", "arguments": ["log", "-1", "a b"]}),
            ),
            json!(["commit 1", ""]),
            "commit 1",
        ),
        case(
            "run_tests",
            json!({"command": "cargo test"}),
            (
                "runCommand",
                json!({"program": "cargo", "arguments": ["test"]}),
            ),
            json!(["not ok", "exit status 101"]),
            "Tool run_tests raised ToolException: Action error: exit status 101 not ok",
        ),
    ];
    run(&Scene::new(""), &cases, running(&[]));
}

#[test]
fn lines_run_in_a_shell_where_the_client_has_one() {
    let cases = [
        case(
            "run_command",
            json!({"command": "a | b 'c"}),
            (
                "runShellCommand",
                json!({"command": "a | b 'c", "timeout": "120"}),
            ),
            json!(["printed <!-- hidden -->glpat-aBcDeFgHiJkLmNoPqRsT", ""]),
            "printed [REDACTED]",
        ),
        case(
            "run_command",
            json!({"command": "a", "timeout": 7}),
            ("runShellCommand", json!({"command": "a", "timeout": "7"})),
            json!(["", ""]),
            "",
        ),
    ];
    let options = running(&["shell_command", "command_timeout"]);
    run(&Scene::new(""), &cases, options);
}

#[test]
fn people_read_what_a_command_printed_whether_or_not_it_failed() {
    for (answer, status, printed) in [
        (json!(["all good", ""]), "success", json!("all good")),
        (
            json!(["Error running tool: exit status 1. Result: 2 failed", ""]),
            "success",
            json!("2 failed"),
        ),
        (
            json!(["3 failed", "exit status 1"]),
            "failure",
            json!("3 failed"),
        ),
        (
            json!([
                "",
                "Error running tool: Process exited with code 2. Output: 4 failed"
            ]),
            "failure",
            json!("4 failed"),
        ),
        (
            json!(["half", "command timed out after 120 s"]),
            "timed_out",
            json!("half"),
        ),
        (
            json!(["some", "command was interrupted by the user"]),
            "cancelled",
            json!("some"),
        ),
    ] {
        let scene = Scene::new("");
        let mut options = running(&[]);
        options["answers"] = json!({"runCommand": answer});
        let turn = called(&scene, "run_command", json!({"program": "make"}), options);
        turn.went_well();
        let entry = &turn.0["log"][1];
        assert_eq!(entry["message_sub_type"], "command_output", "{turn:#?}");
        assert_eq!(entry["status"], status, "{answer}");
        let told = &entry["tool_info"]["tool_response"]["content"];
        assert_eq!(*told, printed, "{answer}");
    }
}

#[test]
fn a_user_may_agree_to_all_commands_like_one() {
    let scene = Scene::new("");
    scene.model.reply(wants(&refused(
        "run_command",
        json!({"program": "npm", "args": "run test -- a"}),
        "",
    )));
    let turn = scene.turn(running(&[]));
    turn.ended("OK", "workflow execution success");
    let info = &turn.0["log"][1]["tool_info"];
    let patterns = json!(["npm run test -- *", "npm run *"]);
    assert_eq!(info["suggested_patterns"], patterns, "{turn:#?}");
}

#[test]
fn commands_really_run_and_are_ended_in_time() {
    let folder = Folder::new();
    let scene = Scene::new("");
    let mut options = running(&["shell_command", "command_timeout"]);
    options["folder"] = json!(folder.path());
    let line = json!({"command": "echo one && sleep 20", "timeout": 1});
    let turn = called(&scene, "run_command", line, options);
    turn.went_well();
    let entry = &turn.0["log"][1];
    assert_eq!(entry["status"], "timed_out", "{turn:#?}");
    assert_eq!(entry["tool_info"]["tool_response"]["content"], "one\n");
}

#[test]
fn a_session_is_woken_later_where_the_client_can() {
    let when = json!({"when": {"type": "timer", "delay_minutes": 5}, "message": "Look again."});
    for (answer, expected) in [
        (
            json!({"accepted": true, "fires_at": "2026-02-01T10:00:00Z"}),
            "The session goes on at 2026-02-01T10:00:00Z.",
        ),
        (
            json!({"accepted": false, "reason": "too many"}),
            "Tool notify_me_when raised ToolException: the client does not wake the session: too \
             many",
        ),
    ] {
        let scene = Scene::new("");
        let mut options = running(&["schedule_notification"]);
        options["answers"] = json!({"scheduleNotification": [answer]});
        let turn = called(&scene, "notify_me_when", when.clone(), options);
        turn.went_well();
        let asked = turn.0["asked"].as_array().unwrap().last().unwrap();
        assert_eq!(asked[0], "scheduleNotification");
        assert_eq!(asked[1]["message"], "Look again.");
        assert_eq!(asked[1]["task_id"].as_str().unwrap().len(), 36);
        let condition: Value =
            serde_json::from_str(asked[1]["condition"].as_str().unwrap()).unwrap();
        assert_eq!(condition["type"], "timer");
        let deadline = condition["deadline"].as_str().unwrap();
        assert!(
            deadline.len() == 20 && deadline.ends_with('Z'),
            "{deadline}"
        );
        assert_eq!(super::last(&scene.model.last().body), expected);
    }
    let scene = Scene::new("Hello.");
    scene.turn(running(&[])).went_well();
    let tools = scene.model.last().body["tools"].to_string();
    assert!(!tools.contains("notify_me_when"), "{tools}");
}
