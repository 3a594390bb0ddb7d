//! Sessions that another process began.

use serde_json::{Value, json};

use super::Scene;
use crate::support::model_server::Reply;

#[test]
fn a_session_goes_on_after_a_restart() {
    let scene = Scene::new("You are Ada.");
    scene.turn(json!({"goal": "Who am I?"})).went_well();
    let scene = scene.restart();
    scene.turn(json!({"goal": "And now?"})).went_well();
    let asked = scene.model.last().text();
    assert!(asked.contains("Who am I?"), "{asked}");
}

#[test]
fn a_session_of_the_official_server_goes_on() {
    let scene = Scene::new("Still Ada.");
    for version in ["18.11.2", "19.0.0"] {
        let checkpoint = json!({
            "thread_ts": "1f0b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d",
            "parent_ts": "1f0b2c3d-4e5f-6a7a-8c9d-0e1f2a3b4c5d",
            "metadata": {"source": "loop", "step": 3, "writes": null, "parents": {}},
            "checkpoint": official(), "compressed_checkpoint": null,
        });
        let set = json!({"status": "input_required", "checkpoints": [checkpoint]});
        let turn = scene.turn(json!({"goal": "And now?", "version": version, "set": set}));
        turn.went_well();
        turn.is_golden("official");
        let asked = scene.model.last().body["messages"].to_string();
        assert!(asked.contains("You are Ada."), "{asked}");
        assert!(asked.contains("\"tool_call_id\":\"c1\""), "{asked}");
        let ids = turn.words("checkpoints");
        assert!(ids.is_sorted(), "{ids:?}");
    }
}

/// As LangGraph's Python stores it (agent-platform 4.4).
fn official() -> Value {
    let entry = |kind: &str, content: &str, id: &str| {
        json!({
            "message_type": kind, "message_sub_type": null, "content": content,
            "timestamp": "2026-02-01T10:00:00.000000+00:00", "status": "success",
            "correlation_id": null, "tool_info": null, "additional_context": null, "message_id": id,
        })
    };
    json!({
        "v": 4, "ts": "2026-02-01T10:00:02.000000+00:00",
        "id": "1f0b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d",
        "channel_values": {
            "status": "input_required",
            "conversation_history": {"Chat Agent": [
                {"content": "Who am I?", "additional_kwargs": {"additional_context": null},
                 "response_metadata": {}, "type": "HumanMessage", "name": null, "id": null},
                {"content": "", "additional_kwargs": {}, "response_metadata": {},
                 "type": "AIMessage", "name": null, "id": "lc_run--1", "tool_calls": [
                    {"name": "get_current_user", "args": {}, "id": "c1", "type": "tool_call"}],
                 "invalid_tool_calls": [], "usage_metadata": null},
                {"content": "{\"username\": \"ada\"}", "additional_kwargs": {},
                 "response_metadata": {}, "type": "ToolMessage", "name": "get_current_user",
                 "id": null, "tool_call_id": "c1", "artifact": null, "status": "success"},
                {"content": "You are Ada.", "additional_kwargs": {}, "response_metadata": {},
                 "type": "AIMessage", "name": null, "id": "lc_run--2", "tool_calls": [],
                 "invalid_tool_calls": [], "usage_metadata": null},
            ]},
            "ui_chat_log": [
                entry("user", "Who am I?", "user-1"), entry("agent", "You are Ada.", "lc_run--2"),
            ],
            "plan": {"steps": []}, "goal": "Who am I?", "last_human_input": null,
            "project": null, "namespace": null, "approval": null,
            "preapproved_tools": [], "denied_tools": [],
        },
        "channel_versions": {"__start__": 2, "status": 5, "branch:to:agent": 5},
        "versions_seen": {"__input__": {}, "agent": {"branch:to:agent": 4}},
        "updated_channels": ["status"],
    })
}

#[test]
fn a_turn_goes_on_from_the_checkpoint_that_its_client_names() {
    let scene = Scene::new("First.");
    let first = scene.turn(json!({"goal": "One?"}));
    first.went_well();
    let last = first.words("checkpoints").last().map(ToString::to_string);
    scene.turn(json!({"goal": "Two?"})).went_well();
    scene.model.reply(Reply::Pieces(vec!["Third.".to_owned()]));
    let again = scene.turn(json!({"goal": "Three?", "resume": last}));
    again.went_well();
    let asked = scene.model.last().text();
    assert!(asked.contains("One?") && !asked.contains("Two?"), "{asked}");
    let unknown = scene.turn(json!({"goal": "Four?", "resume": "1f0-x"}));
    unknown.ended(
        "INVALID_ARGUMENT",
        "Checkpoint 1f0-x was not found in this session.",
    );
    assert_eq!(unknown.0["status"], "input_required");
}
