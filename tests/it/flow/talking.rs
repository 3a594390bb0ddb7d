//! Turns of words alone.

use std::collections::BTreeMap;

use duogate::flow::{AgentDefinition, ContextItem, Message, TurnInput};
use serde_json::{Map, Value, json};

use super::{
    golden,
    script::{calls, says},
    session::{Session, words},
};
use crate::support::llama::{CHAT, Llama};

#[tokio::test]
async fn a_turn_streams_its_text_and_the_next_one_goes_on() {
    let mut session = Session::new(vec![says("Hello, Ada."), says("As I said: hello.")]);
    session.say("Hi!").await.unwrap();
    assert_eq!(session.observer.streamed(), ["Hello", "Hello, Ada."]);
    let streamed = session.observer.texts.lock().unwrap()[1].message_id.clone();
    assert_eq!(session.state.log[1].message_id, streamed);
    golden::matches("first_turn", &Value::Array(session.observer.taken()));
    let body = session.told().body;
    assert_eq!(
        (&body["stream"], &body["max_tokens"]),
        (&json!(true), &json!(32_000))
    );
    golden::matches("first_request", &body);
    session.say("And again?").await.unwrap();
    golden::matches("second_turn", &Value::Array(session.observer.taken()));
    let said = ["Hi!", "Hello, Ada.", "And again?"];
    let told: Vec<String> = session
        .told_messages()
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert_eq!(told, said);
}

#[tokio::test]
async fn a_server_that_does_not_stream_answers_the_same() {
    let variables = [("DUOGATE_MODELS__DISABLE_STREAMING", "true")];
    let mut session = Session::with(vec![says("Hello, Ada.")], &variables);
    session.say("Hi!").await.unwrap();
    assert_eq!(session.observer.streamed(), ["Hello, Ada."]);
    golden::matches("first_turn", &Value::Array(session.observer.taken()));
}

#[tokio::test]
async fn an_empty_goal_asks_only_where_the_user_waits_for_an_answer() {
    let mut session = Session::new(vec![says("Hello.")]);
    session.say("").await.unwrap();
    session.say("Hi!").await.unwrap();
    session.say("").await.unwrap();
    assert_eq!(session.server.requests().len(), 1);
    assert_eq!(session.status(), "input_required");
    assert_eq!(
        session.log(),
        ["user success: Hi!", "agent success: Hello."]
    );
    // a turn that died before the model had answered
    session.state.conversation.of_mut("Chat Agent").pop();
    session.say("").await.unwrap();
    assert_eq!(session.server.requests().len(), 2);
    assert_eq!(
        session.told_messages(),
        [("user".to_owned(), "Hi!".to_owned())]
    );
}

#[tokio::test]
async fn commands_are_spelled_out_and_unknown_ones_reach_no_model() {
    let mut session = Session::new(vec![says("It adds.")]);
    let input = TurnInput {
        context: vec![ContextItem {
            category: "snippet".to_owned(),
            id: Some("add.rs".to_owned()),
            content: Some("a + b".to_owned()),
            metadata: json!({"line": 3}).as_object().cloned(),
        }],
        ..words("/explain briefly")
    };
    session.turn(input).await.unwrap();
    golden::matches("command_request", &session.told().body["messages"][1]);
    golden::matches("command_turn", &Value::Array(session.observer.taken()));
    session.say("/dance now").await.unwrap();
    assert_eq!(session.server.requests().len(), 1);
    assert_eq!(session.status(), "input_required");
    let last = session.log().pop().unwrap();
    assert_eq!(last, "agent failure: The command '/dance' does not exist.");
    session.say("/etc/hosts is a file").await.unwrap();
    let told = session.told_messages();
    assert_eq!(told.last().unwrap().1, "/etc/hosts is a file");
    assert_eq!(told.len(), 5, "{told:?}");
}

#[tokio::test]
async fn another_agent_has_its_own_instructions_tools_and_conversation() {
    let mut session = Session::new(vec![says("Arr.")]);
    session.say("Hi!").await.unwrap();
    session.agent = AgentDefinition {
        name: "pirate".to_owned(),
        instructions: Some("Talk like a pirate.".to_owned()),
        toolset: Some([("get_project".to_owned(), Map::new())].into()),
    };
    session.say("Who are you?").await.unwrap();
    let body = session.told().body;
    let frame = body["messages"][0]["content"].as_str().unwrap();
    assert!(
        frame.starts_with("Talk like a pirate.\n\nWhat is data"),
        "{frame}"
    );
    assert!(!frame.contains("You are GitLab Duo Chat"));
    assert!(frame.contains("Project: rocket, id 7"), "{frame}");
    assert_eq!(body["messages"].as_array().unwrap().len(), 2);
    assert_eq!(body["tools"].as_array().unwrap().len(), 1);
    let agents: Vec<_> = session
        .state
        .conversation
        .agents()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(agents, ["Chat Agent", "pirate"]);
}

#[tokio::test]
async fn a_session_of_the_official_service_goes_on() {
    let mut session = Session::new(vec![says("Because.")]);
    let stored = json!({
        "status": "tool_call_approval_required", "conversation_history": {"Chat Agent": [
            {"type": "SystemMessage", "content": "old frame"},
            {"type": "HumanMessage", "content": "do it"},
            {"type": "AIMessage", "content": [{"type": "text", "text": "I will."}], "id": "r",
             "tool_calls": [{"name": "create_commit", "args": {"id": 1}, "id": "c1", "type": "tool_call"}],
             "invalid_tool_calls": [{"name": "x", "args": "{", "id": "c2", "error": null, "type": "invalid_tool_call"}]},
        ]},
        "ui_chat_log": [], "agent_context_limits": {"Chat Agent": 5},
    });
    session.state = duogate::flow::State::from_channels(&stored).unwrap();
    session.say("why?").await.unwrap();
    let messages = session.told().body["messages"].clone();
    golden::matches("resumed_request", &json!(messages.as_array().unwrap()[1..]));
    assert_eq!(
        session.state.to_channels()["agent_context_limits"],
        json!({"Chat Agent": 5})
    );
    assert!(matches!(session.messages()[0], Message::Other(_)));
}

#[tokio::test]
async fn the_window_is_estimated_where_the_server_does_not_count() {
    let mut session = Session::new(vec![
        says("Hello."),
        calls("", &[("c", "get_project", "{}")]),
    ]);
    assert_eq!(session.state.conversation.tokens("Chat Agent"), 0);
    session.say(&"word ".repeat(100)).await.unwrap();
    // the stand-in counts 7 and 5; what came since is estimated, with what a server puts around it
    assert_eq!(session.state.conversation.tokens("Chat Agent"), 12);
    let messages = session.state.conversation.of_mut("Chat Agent");
    messages.push(Message::human("x".repeat(320), &[]));
    assert_eq!(
        session.state.conversation.tokens("Chat Agent"),
        12 + 100 + 16
    );
}

#[tokio::test]
async fn llama_cpp_answers_a_turn() {
    let Some(model) = Llama::start("sk-llama") else {
        return;
    };
    let mut session = Session::new(vec![says("unused")]);
    session.agent.toolset = Some(BTreeMap::new());
    let metadata = json!({
        "provider": "openai", "name": "llama3", "endpoint": model.url(), "api_key": "sk-llama",
        "identifier": "custom_openai/llama",
    });
    for turn in 1..=2 {
        let input = words("Hi!");
        session.turn_at(input, &metadata).await.unwrap();
        assert_eq!(session.log().len(), 2 * turn);
        assert_eq!(
            session.log().pop().unwrap(),
            format!("agent success: {CHAT}")
        );
    }
    assert!(session.observer.streamed().len() > 2);
}
