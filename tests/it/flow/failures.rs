//! Turns that fail: what the user reads, how often the model was asked, and the next turn.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use duogate::flow::FlowError;

use super::{
    script::{begun, calls, says, status},
    session::Session,
};
use crate::support::model_server::Reply;

const GENERIC: &str = "There was an error processing your request in the Duo Agent Platform";
const NO_CONNECTION: &str = "There was an error connecting to the chosen LLM provider";
const TOO_LONG: &str = "The request is longer than the model can read.";

#[tokio::test]
async fn each_failure_has_its_text_and_the_next_turn_works() {
    let too_long = "This model's maximum context length is 10 tokens.";
    let html = Reply::Status(
        200,
        vec![("Content-Type", "text/html")],
        "<html>".to_owned(),
    );
    let told = Reply::Events("data: {\"error\": {\"message\": \"no\"}}\n\n".to_owned());
    for (reply, text, requests) in [
        (status(400, "no"), GENERIC, 1),
        (status(401, "no"), GENERIC, 1),
        (status(404, "no"), GENERIC, 1),
        (status(429, "slow"), GENERIC, 1),
        // three attempts of each of four calls
        (status(503, "down"), NO_CONNECTION, 12),
        (status(400, too_long), TOO_LONG, 2),
        (html, GENERIC, 1),
        (told, GENERIC, 1),
        (Reply::CutEvents(begun("Hel")), NO_CONNECTION, 4),
        (Reply::Reset, NO_CONNECTION, 12),
        (Reply::Silence, NO_CONNECTION, 1),
        (Reply::Stall(begun("Hel")), NO_CONNECTION, 1),
    ] {
        let name = format!("{reply:?}");
        let mut session = Session::new(vec![reply]);
        session.limits.first_byte = Duration::from_secs(2);
        session.limits.idle = Duration::from_millis(300);
        let began = Instant::now();
        let error = session.say("Hi!").await.unwrap_err();
        assert!(matches!(error, FlowError::Model(_)), "{name}: {error}");
        assert!(
            error.user_text().starts_with(text),
            "{name}: {}",
            error.user_text()
        );
        assert_eq!(session.server.requests().len(), requests, "{name}");
        assert!(
            began.elapsed() < Duration::from_secs(8),
            "{name}: {:?}",
            began.elapsed()
        );
        session.server.reply(says("Here I am."));
        session.say("Still there?").await.unwrap();
        let user = ("user".to_owned(), "Hi!\n\nStill there?".to_owned());
        assert_eq!(session.told_messages(), [user], "{name}");
        let log = [
            "user success: Hi!",
            "user success: Still there?",
            "agent success: Here I am.",
        ];
        assert_eq!(session.log(), log, "{name}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    let mut session = Session::new(vec![Reply::CutEvents(begun("Hel")), says("Hello, Ada.")]);
    session.say("Hi!").await.unwrap();
    assert_eq!(session.observer.streamed(), ["Hel", "Hello", "Hello, Ada."]);
    assert_eq!(
        session.log(),
        ["user success: Hi!", "agent success: Hello, Ada."]
    );
    assert_eq!(session.observer.model_calls.load(Ordering::SeqCst), 1);
    let ids: Vec<String> = session
        .observer
        .texts
        .lock()
        .unwrap()
        .iter()
        .map(|entry| entry.message_id.clone())
        .collect();
    assert!(ids.iter().all(|id| *id == session.state.log[1].message_id));
}

#[tokio::test]
async fn a_failure_after_a_tool_keeps_what_the_tool_did() {
    let mut session = Session::new(vec![
        calls("", &[("a", "get_project", "{}")]),
        status(400, "no"),
    ]);
    session.say("Look.").await.unwrap_err();
    assert_eq!(session.status(), "Execution");
    session.server.reply(says("It is rocket."));
    session.say("").await.unwrap();
    assert_eq!(session.tools.names().len(), 1);
    let roles: Vec<_> = session
        .told_messages()
        .into_iter()
        .map(|(role, _)| role)
        .collect();
    assert_eq!(roles, ["user", "assistant", "tool"]);
}

#[tokio::test]
async fn an_observer_ends_a_turn_where_it_is() {
    let mut session = Session::new(vec![calls("", &[("a", "get_project", "{}")])]);
    // after the input: the agent's step
    session.observer.stop_at.store(2, Ordering::SeqCst);
    let error = session.say("Look.").await.unwrap_err();
    assert!(matches!(error, FlowError::Stopped), "{error}");
    assert_eq!(session.tools.names(), Vec::<String>::new());
    assert_eq!(session.messages().len(), 2);
}

#[tokio::test]
async fn a_turn_that_is_dropped_leaves_the_state_of_its_last_step() {
    let wanted = calls(
        "",
        &[("a", "get_project", "{}"), ("b", "get_project", "{}")],
    );
    // in the middle of an answer, before any, and in the middle of the tools
    for (replies, messages) in [
        (vec![Reply::Stall(begun("Hel"))], 1),
        (vec![Reply::Silence], 1),
        (vec![wanted.clone(), says("Two.")], 2),
    ] {
        let mut session = Session::new(replies);
        session.tools.pause = Duration::from_millis(900);
        let turn = tokio::time::timeout(Duration::from_millis(600), session.say("Look."));
        assert!(turn.await.is_err());
        let last = session.observer.taken().pop().unwrap();
        assert_eq!(last, serde_json::Value::Object(session.state.to_channels()));
        assert_eq!(session.messages().len(), messages);
        session.server.reply(says("Here I am."));
        session.say("Again.").await.unwrap();
        assert_eq!(session.log().pop().unwrap(), "agent success: Here I am.");
    }
}

#[tokio::test]
async fn the_model_server_learns_that_a_turn_was_dropped() {
    let mut session = Session::new(vec![Reply::Stall(begun("Hel"))]);
    let turn = tokio::time::timeout(Duration::from_millis(300), session.say("Look."));
    assert!(turn.await.is_err());
    let deadline = Instant::now() + Duration::from_secs(5);
    while session.server.left() == 0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
