//! What the operator is told of sessions: counts and lines, without what was said.

use serde_json::{Value, json};

use super::{Scene, tools::wants};
use crate::{
    metrics::served::describe,
    support::{model_server::Reply, samples, settles, value},
};

fn says(text: &str) -> Reply {
    Reply::Pieces(vec![text.to_owned()])
}

/// A series of GitLab's answers.
fn answers(method: &str, endpoint: &str) -> String {
    format!(
        "duo_workflow_gitlab_response_seconds_count{{endpoint=\"{endpoint}\",method=\"{method}\"}}"
    )
}

#[test]
fn turns_tools_and_answers_are_counted_and_name_nobody() {
    let scene = Scene::new("");
    scene.model.reply(Reply::Sequence(vec![
        wants("get_project", r#"{"project_id": "team/secret"}"#),
        wants("get_current_user", "{}"),
        says("You are Ada."),
    ]));
    scene.turn(json!({})).went_well();
    scene.model.reply(says("Again."));
    scene.turn(json!({})).went_well();
    let failed = "tool_name=\"get_project\",failure_reason=\"refused\",flow_type=\"chat\"";
    let patterns = "/api/v4/ai/duo_workflows/workflows/:id";
    for (series, count) in [
        (
            "agent_platform_session_start_total{flow_type=\"chat\",gitlab_version=\"18.11.2\"}",
            1.0,
        ),
        (
            "agent_platform_session_resume_total{flow_type=\"chat\"}",
            1.0,
        ),
        (
            "agent_platform_session_success_total{flow_type=\"chat\"}",
            2.0,
        ),
        ("duo_workflow_time_to_first_response_seconds_count", 2.0),
        (
            "duo_workflow_tool_call_seconds_count{tool_name=\"get_project\"}",
            1.0,
        ),
        (
            "duo_workflow_tool_call_seconds_count{tool_name=\"get_current_user\"}",
            1.0,
        ),
        (
            &format!("agent_platform_tool_failure_total{{{failed}}}"),
            1.0,
        ),
        ("agent_platform_tool_failure_total", 1.0),
        (&answers("GET", "/api/v4/projects/:id"), 1.0),
        (&answers("GET", "/api/v4/user"), 1.0),
        (&answers("PATCH", patterns), 4.0),
        (&answers("POST", "/api/graphql"), 2.0),
        ("duogate_agent_sessions_open", 0.0),
    ] {
        settles(&scene.edge, series, count);
    }
    let stored = "duo_workflow_checkpoint_total{status_code=\"201\",method=\"POST\"}";
    let stored = value(&scene.edge, stored).unwrap();
    let posted = answers("POST", &format!("{patterns}/checkpoints"));
    assert_eq!(value(&scene.edge, &posted), Some(stored));
    let scrape = scene.edge.operator("/metrics").body;
    assert!(!scrape.contains("secret"), "a project's name is a label");
    for sample in samples(&scrape) {
        describe(&sample).unwrap_or_else(|fault| panic!("{fault}: {sample:?}"));
    }
}

#[test]
fn turns_that_fail_or_are_ended_are_told_apart() {
    let scene = Scene::new("");
    scene
        .model
        .reply(Reply::Status(400, vec![], "{}".to_owned()));
    scene.turn(json!({"workflow": "1"}));
    let failed = "agent_platform_session_failure_total{session_type=\"start\",flow_type=\"chat\"}";
    settles(&scene.edge, failed, 1.0);
    scene.turn(json!({"workflow": "2", "set": {"archived": true}}));
    settles(&scene.edge, "agent_platform_session_reject_total", 1.0);
    scene.model.reply(Reply::Silence);
    let stop = json!({"reason": "user", "after": "checkpoints input"});
    scene.turn(json!({"workflow": "1", "stop": stop}));
    let aborted = "agent_platform_session_abort_total{session_type=\"retry\",flow_type=\"chat\"}";
    settles(&scene.edge, aborted, 1.0);
    settles(&scene.edge, "agent_platform_session_retry_total", 1.0);
    settles(&scene.edge, "agent_platform_session_failure_total", 1.0);
}

#[test]
fn lines_say_whose_turn_it_is_and_nothing_of_what_was_said() {
    let mut scene = Scene::with("", |settings| settings.set("log.level", "debug"));
    scene.model.reply(Reply::Sequence(vec![
        wants("get_current_user", "{}"),
        says("An answer of its own."),
    ]));
    let turn = scene.turn(json!({"goal": "A secret goal."}));
    turn.went_well();
    let mut line =
        |words: &str| -> Value { serde_json::from_str(&scene.edge.log_line(words)).unwrap() };
    let begun = line("a turn of a session begins");
    assert_eq!(begun["workflow_id"], "7");
    assert_eq!(begun["correlation_id"], "correlation-1");
    assert_eq!(begun["status_event"], "start");
    assert_eq!(begun["flow_type"], "chat");
    assert_eq!(begun["gitlab_version"], "18.11.2");
    let made = line("a checkpoint was made");
    assert_eq!(made["thread_ts"], turn.0["checkpoints"][0]);
    assert_eq!(made["checkpoint_strategy"], "full");
    let answered = line("an action was answered");
    assert_eq!(answered["action_class"], "RunHTTPRequest");
    assert!(answered["payload_size"].as_u64().unwrap() > 0);
    assert!(answered["duration_s"].as_f64().unwrap() >= 0.0);
    assert_eq!(answered["request_id"].as_str().unwrap().len(), 36);
    for line in [made, answered] {
        assert_eq!(line["span"]["workflow_id"], "7", "{line}");
        assert_eq!(line["span"]["correlation_id"], "correlation-1", "{line}");
    }
    let log = scene.edge.log();
    for said in [
        "A secret goal",
        "An answer of its own",
        "username",
        "sk-of-the-model",
    ] {
        assert!(!log.contains(said), "{said} stands in the log");
    }
}
