//! Turns with tools.

use duogate::flow::{FlowError, TurnInput};
use serde_json::{Value, json};

use super::{
    golden,
    script::{calls, events, says},
    session::{Session, words},
};
use crate::support::model_server::Reply;

#[tokio::test]
async fn calls_are_carried_out_in_their_order_until_the_model_is_done() {
    let wanted = [
        ("a", "get_project", r#"{"id": 7}"#),
        ("b", "get_project", ""),
    ];
    let mut session = Session::new(vec![calls("I look it up.", &wanted), says("It is rocket.")]);
    session.say("Which project?").await.unwrap();
    assert_eq!(
        session.tools.names(),
        [r#"get_project {"id":7}"#, "get_project {}"]
    );
    golden::matches("tools", &Value::Array(session.observer.taken()));
    let messages = session.told().body["messages"].clone();
    golden::matches("tools_request", &json!(messages.as_array().unwrap()[1..]));
}

#[tokio::test]
async fn calls_that_are_none_are_told_to_the_model_and_not_carried_out() {
    let half = events("", &[("h", "get_project", r#"{"id": 7}"#)], "length");
    let mut session = Session::new(vec![
        calls(
            "",
            &[
                ("a", "get_project", r#"{"id":"#),
                ("b", "get_project", "{}"),
            ],
        ),
        calls("", &[("c", "drop_database", "{}")]),
        Reply::Events(half),
        says("Then not."),
    ]);
    session.say("Do it.").await.unwrap();
    assert_eq!(session.tools.names(), Vec::<String>::new());
    assert_eq!(
        session.log(),
        ["user success: Do it.", "agent success: Then not."]
    );
    let messages = session.told().body["messages"].clone();
    golden::matches(
        "corrections_request",
        &json!(messages.as_array().unwrap()[1..]),
    );
    golden::matches("corrections", &Value::Array(session.observer.taken()));
}

#[tokio::test]
async fn a_model_that_cannot_call_tools_is_asked_four_times() {
    for (reply, text) in [
        (
            calls("", &[("a", "get_project", "[]")]),
            "The model tried several times to use a tool",
        ),
        (says("  "), "The model gave an empty answer several times."),
        (
            Reply::Events("data: [DONE]\n\n".to_owned()),
            "The model gave an empty answer several times.",
        ),
    ] {
        let mut session = Session::new(vec![reply]);
        session.say("Do it.").await.unwrap();
        assert_eq!(session.server.requests().len(), 4, "{text}");
        assert_eq!(session.status(), "input_required");
        let last = session.log().pop().unwrap();
        assert!(
            last.starts_with(&format!("agent failure: {text}")),
            "{last}"
        );
        session.server.reply(says("Fine."));
        session.say("Again.").await.unwrap();
        assert_eq!(session.log().pop().unwrap(), "agent success: Fine.");
    }
}

#[tokio::test]
async fn forty_calls_at_once_have_forty_answers() {
    let ids: Vec<String> = (0..40).map(|number| format!("call-{number}")).collect();
    let wanted: Vec<_> = ids
        .iter()
        .map(|id| (id.as_str(), "get_project", "{}"))
        .collect();
    let mut session = Session::new(vec![calls("", &wanted), says("Forty.")]);
    session.say("All of them.").await.unwrap();
    assert_eq!(session.tools.names().len(), 40);
    let body = session.told().body;
    let answers = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["role"] == "tool");
    let answered: Vec<&str> = answers
        .map(|it| it["tool_call_id"].as_str().unwrap())
        .collect();
    assert_eq!(answered, ids);
    assert_eq!(session.log().len(), 42);
}

#[tokio::test]
async fn an_agent_that_goes_round_in_circles_ends_at_its_bound_of_steps() {
    let mut session = Session::new(vec![calls("", &[("a", "get_project", "{}")])]);
    session.limits.steps = 20;
    let error = session.say("Go.").await.unwrap_err();
    assert!(matches!(error, FlowError::TooManySteps(20)), "{error}");
    assert!(
        error
            .user_text()
            .starts_with("The workflow reached its maximum step limit")
    );
    assert_eq!(session.server.requests().len(), 10);
    session.server.reply(says("Enough."));
    session.say("Stop.").await.unwrap();
    assert_eq!(session.status(), "input_required");
}

#[tokio::test]
async fn tools_that_are_denied_are_not_offered_and_not_carried_out() {
    let mut session = Session::new(vec![calls("", &[("a", "get_project", "{}")]), says("No.")]);
    let input = TurnInput {
        denied_tools: vec!["get_project".to_owned()],
        ..words("Go.")
    };
    session.turn(input).await.unwrap();
    let body = session.told().body;
    assert_eq!(body["tools"].as_array().unwrap().len(), 1);
    let frame = body["messages"][0]["content"].as_str().unwrap();
    assert!(frame.contains("switched these tools off"), "{frame}");
    assert_eq!(session.tools.names(), Vec::<String>::new());
}
