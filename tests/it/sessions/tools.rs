//! Turns in which the model uses GitLab.

use serde_json::json;

use super::{Scene, tool_calls::agent_with};
use crate::support::{
    llama::{CHAT, Llama},
    model_server::Reply,
};

/// An answer that wants a tool.
pub(super) fn wants(name: &str, arguments: &str) -> Reply {
    let call = json!({"choices": [{"delta": {"tool_calls": [{
        "index": 0, "id": "call-1", "function": {"name": name, "arguments": arguments},
    }]}}]});
    let end = json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]});
    Reply::Events(format!("data: {call}\n\ndata: {end}\n\ndata: [DONE]\n\n"))
}

fn says(text: &str) -> Reply {
    Reply::Pieces(vec![text.to_owned()])
}

#[test]
fn a_tool_asks_gitlab_and_the_model_reads_the_answer() {
    let scene = Scene::new("");
    scene.model.reply(Reply::Sequence(vec![
        wants("get_current_user", "{}"),
        says("You are Ada."),
    ]));
    let turn = scene.turn(json!({}));
    turn.went_well();
    turn.is_golden("tool");
    let read = scene.model.last().body["messages"].to_string();
    assert!(read.contains("\\\"username\\\": \\\"ada\\\""), "{read}");
}

#[test]
fn a_call_is_shown_while_its_arguments_come_to_clients_that_can() {
    for (capabilities, shown) in [
        (
            json!(["tool_call_streaming"]),
            json!([[
                "tool",
                "get_project",
                "Preparing to use the tool get_project"
            ]]),
        ),
        (json!([]), json!([])),
    ] {
        let scene = Scene::new("");
        let call = json!({"choices": [{"delta": {"tool_calls": [{
            "index": 0, "id": "call-1", "function": {"name": "get_project", "arguments": "{"},
        }]}}]});
        // the rest never comes
        scene.model.reply(Reply::Stall(format!("data: {call}\n\n")));
        let stop = json!({"reason": "USER", "after": "newCheckpoint RUNNING tool pending"});
        let turn = scene.turn(json!({
            "capabilities": capabilities, "stop": stop, "seconds": 3,
        }));
        assert_eq!(turn.0["pending"], shown);
        scene.model.reply(Reply::Sequence(vec![
            wants("get_project", r#"{"project_id": 7}"#),
            says("It is Edge."),
        ]));
        let next = scene.turn(json!({"workflow": "8", "capabilities": capabilities}));
        next.went_well();
        let pending = next
            .brief()
            .into_iter()
            .filter(|entry| entry[1] == "pending");
        assert_eq!(pending.count(), 0, "nothing stays pending");
    }
}

#[test]
fn a_tool_that_fails_leaves_its_reason_to_the_model() {
    let scene = Scene::new("");
    let arguments = r#"{"project_id": "team/nothing"}"#;
    scene.model.reply(Reply::Sequence(vec![
        wants("get_project", arguments),
        says("There is none."),
    ]));
    let turn = scene.turn(json!({}));
    turn.went_well();
    let failed = &turn.brief()[1];
    assert_eq!(failed[0..2], ["tool", "failure"], "{turn:#?}");
    assert!(!failed[2].contains("404 Project Not Found"));
    let read = scene.model.last().body["messages"].to_string();
    assert!(read.contains("404 Project Not Found"), "{read}");
}

#[test]
fn a_tool_that_is_not_preapproved_waits_for_its_user() {
    let scene = Scene::new("");
    let ask = vec![
        wants("get_project", r#"{"project_id": 7}"#),
        says("It is Edge."),
    ];
    scene.model.reply(Reply::Sequence(ask.clone()));
    let asked = scene.turn(json!({"set": {"preapproved": []}}));
    asked.ended("OK", "workflow execution success");
    asked.is_golden("approval_asked");
    assert_eq!(asked.0["status"], "tool_call_approval_required");
    let approved = scene.turn(json!({"goal": "", "approval": "approve"}));
    approved.went_well();
    approved.is_golden("approval_given");
    scene
        .model
        .reply(Reply::Sequence(vec![ask[0].clone(), says("Then not.")]));
    scene
        .turn(json!({"goal": "Again."}))
        .ended("OK", "workflow execution success");
    let rejected = scene.turn(json!({"goal": "", "approval": "not that one"}));
    rejected.went_well();
    let read = scene.model.last().body["messages"].to_string();
    assert!(read.contains("Comment: not that one"), "{read}");
}

#[test]
fn each_model_call_is_reported_where_gitlab_wants_that() {
    let scene = Scene::new("Counted.");
    let billed = json!({"x-gitlab-self-hosted-dap-billing-enabled": "true"});
    let turn = scene.turn(json!({"metadata": billed}));
    turn.went_well();
    assert_eq!(turn.0["tracked"], 1, "{turn:#?}");
    assert_eq!(scene.turn(json!({})).0["tracked"], 0);
}

#[test]
fn llama_cpp_calls_a_tool_of_ours_and_answers() {
    let Some(model) = Llama::that_calls("get_current_user", "sk-llama") else {
        return;
    };
    let scene = Scene::new("unused");
    let metadata = json!({
        "provider": "openai", "name": "llama3", "endpoint": model.url(), "api_key": "sk-llama",
        "identifier": "custom_openai/llama",
    });
    // all tools of the chat are more than this model's window holds
    let agent = agent_with(&["get_current_user"]);
    for goal in ["Who am I?", "And now?"] {
        let turn = scene.turn(json!({"goal": goal, "model": metadata, "flow": agent}));
        turn.went_well();
        let brief = turn.brief();
        let last = brief.last_chunk::<3>().unwrap();
        assert_eq!(last[0], ["user", "success", goal]);
        assert_eq!(last[1], ["tool", "success", "Get the current user"]);
        assert_eq!(last[2], ["agent", "success", CHAT]);
    }
    assert!(scene.model.requests().is_empty());
}

#[test]
fn fixed_arguments_of_a_flow_count_whatever_the_model_says() {
    let scene = Scene::new("");
    scene.model.reply(Reply::Sequence(vec![
        wants("get_project", r#"{"project_id": 999}"#),
        says("It is Edge."),
    ]));
    let turn = scene.turn(json!({
        "preapproved": ["get_project"],
        "flow": {
            "version": "v1", "environment": "chat-partial",
            "components": [{
                "type": "AgentComponent", "name": "helper", "prompt_id": "mine",
                "toolset": [{"get_project": {"project_id": 7}}],
            }],
            "prompts": [{"prompt_id": "mine", "prompt_template": {"system": "Help."}}],
        },
    }));
    turn.went_well();
    let asked = turn.0["asked"].as_array().unwrap();
    let asked: Vec<_> = asked.iter().filter_map(|it| it[0].as_str()).collect();
    assert!(asked.contains(&"GET /api/v4/projects/7"), "{asked:?}");
    assert!(!asked.iter().any(|line| line.contains("999")), "{asked:?}");
    let kept = scene.model.last().body["messages"].to_string();
    assert!(
        !kept.contains("999"),
        "the model reads what was done: {kept}"
    );
}
