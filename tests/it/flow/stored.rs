//! States as servers store them: the official one's are read, kept and written back.

use duogate::flow::{Content, EntryKind, EntryStatus, Message, State, Status};
use serde_json::{Value, json};

/// A session of the official service after a turn with a tool (agent-platform 4.4, 4.9).
fn official() -> Value {
    json!({
        "status": "input_required",
        "conversation_history": {"Chat Agent": [
            {"content": "who am I?", "additional_kwargs": {"additional_context": [
                {"category": "file", "id": "a.rs", "content": "fn main() {}", "metadata": {"n": 1}, "type": "AdditionalContext"},
            ]}, "response_metadata": {}, "type": "HumanMessage", "name": null, "id": null},
            {"content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "I look "}, {"type": "text", "text": "it up."},
            ], "additional_kwargs": {}, "response_metadata": {"finish_reason": "tool_calls"},
             "type": "AIMessage", "name": null, "id": "lc_run--1",
             "tool_calls": [{"name": "get_current_user", "args": {"a": [1]}, "id": "c1", "type": "tool_call"}],
             "invalid_tool_calls": [{"name": "get_project", "args": "{\"id\":", "id": "c2", "error": null, "type": "invalid_tool_call"}],
             "usage_metadata": {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12,
                                "input_token_details": {"cache_read": 4}}},
            {"content": "{\"username\": \"ada\"}", "additional_kwargs": {}, "response_metadata": {},
             "type": "ToolMessage", "name": "get_current_user", "id": null,
             "tool_call_id": "c1", "artifact": null, "status": "success"},
            {"content": "no", "additional_kwargs": {}, "response_metadata": {},
             "type": "ToolMessage", "name": "get_project", "id": null,
             "tool_call_id": "c2", "artifact": null, "status": "error"},
            {"content": "You are Ada.", "additional_kwargs": {}, "response_metadata": {},
             "type": "AIMessage", "name": null, "id": "lc_run--2", "tool_calls": [],
             "invalid_tool_calls": [], "usage_metadata": null, "example": false},
            {"content": "summary", "type": "SystemMessage", "name": null, "id": null},
        ]},
        "ui_chat_log": [
            {"message_type": "user", "message_sub_type": null, "content": "who am I?",
             "timestamp": "2026-02-01T10:00:00.000000+00:00", "status": "success",
             "correlation_id": null, "tool_info": null, "additional_context": [
                {"category": "file", "id": "a.rs", "content": "fn main() {}", "metadata": {"n": 1}, "type": "AdditionalContext"},
             ], "message_id": "user-1"},
            {"message_type": "tool", "message_sub_type": "get_current_user", "content": "Look up the user",
             "timestamp": "2026-02-01T10:00:01+00:00", "status": "timed_out", "correlation_id": "x",
             "tool_info": {"name": "get_current_user", "args": {"a": [1]}, "tool_response": {
                "content": "{}", "name": "get_current_user", "tool_call_id": "c1", "type": "ToolMessage"},
                "tool_version": "1.0.0"},
             "additional_context": null, "message_id": "tool-1", "required_plan": null, "component_name": "agent"},
            {"message_type": "summary", "message_sub_type": null, "content": "-",
             "timestamp": "2026-02-01T10:00:01+00:00", "status": "unheard_of", "correlation_id": null,
             "tool_info": null, "additional_context": null, "message_id": "z"},
        ],
        "plan": {"steps": [{"id": "1", "description": "d", "status": "Not Started"}]},
        "goal": "who am I?",
        "last_human_input": null,
        "project": {"id": 7, "name": "p", "description": null, "http_url_to_repo": "https://gitlab.test/g/p.git",
                    "web_url": "https://gitlab.test/g/p", "default_branch": "main",
                    "languages": [{"name": "Rust", "share": 100.0}]},
        "namespace": null,
        "approval": {"message": "why?", "type": "ApprovalStateRejection"},
        "preapproved_tools": ["get_project"],
        "denied_tools": [],
        "agent_context_limits": {"Chat Agent": 200_000},
    })
}

#[test]
fn what_the_official_service_stored_comes_back_unchanged() {
    let stored = official();
    let state = State::from_channels(&stored).unwrap();
    assert_eq!(Value::Object(state.to_channels()), stored);
    let first = json!({"__start__": stored});
    assert_eq!(State::from_channels(&first).unwrap(), state);
}

#[test]
fn what_was_stored_is_understood() {
    let state = State::from_channels(&official()).unwrap();
    assert_eq!(state.status, Status::InputRequired);
    let messages = state.conversation.of("Chat Agent");
    let texts: Vec<_> = messages.iter().map(Message::text).collect();
    let expected = [
        "who am I?",
        "I look it up.",
        "{\"username\": \"ada\"}",
        "no",
        "You are Ada.",
        "",
    ];
    assert_eq!(texts, expected);
    let (Message::Human(human), Message::Ai(ai)) = (&messages[0], &messages[1]) else {
        panic!("{messages:?}");
    };
    assert_eq!(human.context()[0].id.as_deref(), Some("a.rs"));
    assert_eq!(
        ai.call_ids().collect::<Vec<_>>(),
        [("c1", "get_current_user"), ("c2", "get_project")]
    );
    assert_eq!(ai.usage_metadata.as_ref().unwrap().total_tokens, 12);
    assert_eq!(state.rejection.unwrap().message.as_deref(), Some("why?"));
    assert_eq!(state.log[1].status, Some(EntryStatus::TimedOut));
    assert_eq!(
        state.log[2].message_type,
        EntryKind::Other("summary".to_owned())
    );
    assert_eq!(
        state.project.unwrap().default_branch.as_deref(),
        Some("main")
    );
}

#[test]
fn what_is_missing_or_null_is_nothing() {
    let state = State::from_channels(&json!({})).unwrap();
    assert_eq!(state, State::default());
    let nulls = json!({
        "status": null, "conversation_history": {"a": [
            {"type": "human", "content": null}, {"type": "ai", "content": "x", "tool_calls": null}, 7,
            {"type": "ToolMessage", "content": "no call"},
        ]},
        "ui_chat_log": null, "plan": null, "approval": "approved", "denied_tools": null,
    });
    let state = State::from_channels(&nulls).unwrap();
    assert_eq!(
        (state.status, &state.rejection),
        (Status::NotStarted, &None)
    );
    let messages = state.conversation.of("a");
    assert!(
        matches!(&messages[0], Message::Human(human) if human.content == Content::Other(Value::Null))
    );
    assert!(matches!(&messages[1], Message::Ai(ai) if ai.tool_calls.is_empty()));
    assert!(matches!(
        (&messages[2], &messages[3]),
        (Message::Other(_), Message::Other(_))
    ));
    for broken in [
        json!({"status": "Unheard Of"}),
        json!({"ui_chat_log": 1}),
        json!([]),
    ] {
        assert!(State::from_channels(&broken).is_err(), "{broken}");
    }
}

#[test]
fn nothing_of_it_is_printed() {
    let state = State::from_channels(&official()).unwrap();
    let printed = format!("{state:?}");
    for secret in ["who am I", "Ada", "fn main", "ada", "why"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
