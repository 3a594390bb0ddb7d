//! Long conversations.

use std::sync::atomic::Ordering;

use duogate::flow::{AiMessage, Message, Status};
use serde_json::Value;

use super::{
    golden,
    script::{begun, calls, says, status},
    session::Session,
};
use crate::support::model_server::Reply;

#[tokio::test]
async fn two_hundred_turns_stay_whole() {
    let mut session = Session::new(vec![says("Yes.")]);
    for turn in 0..200 {
        session.say(&format!("Turn {turn}?")).await.unwrap();
        session.observer.taken();
    }
    assert_eq!((session.messages().len(), session.log().len()), (400, 400));
    let told = session.told_messages();
    assert_eq!(told.len(), 399);
    assert_eq!(told[0].1, "Turn 0?");
}

/// A conversation of 8 000 tokens' window: 30 turns of 1 000 bytes, whose model counts nothing.
async fn filled(mut session: Session) -> Session {
    session.family = "codegemma";
    for turn in 0..30 {
        let goal = format!("Turn {turn}: {}", "word ".repeat(200));
        session.say(&goal).await.unwrap();
        session.observer.taken();
    }
    session
}

/// Words of a server that does not count tokens.
fn uncounted(text: &str) -> Reply {
    Reply::Events(format!("{}data: [DONE]\n\n", begun(text)))
}

#[tokio::test]
async fn what_outgrows_the_window_is_summarized() {
    let mut session = filled(Session::new(vec![uncounted("Yes.")])).await;
    let cards: Vec<_> = session
        .log()
        .into_iter()
        .filter(|line| line.starts_with("tool"))
        .collect();
    assert!((1..4).contains(&cards.len()), "{cards:?}");
    assert!(
        cards[0].starts_with("tool success: Summarized "),
        "{cards:?}"
    );
    let told = session.told_messages();
    assert!(
        told[0]
            .1
            .starts_with("Summary of the conversation so far:\n\nYes."),
        "{told:?}"
    );
    assert!(told.last().unwrap().1.starts_with("Turn 29: "));
    let sent: Vec<usize> = session
        .server
        .requests()
        .iter()
        .map(|request| request.text().len())
        .collect();
    assert!(sent.iter().all(|size| *size < 8_000 * 3), "{sent:?}");
    assert_eq!(session.told().body["max_tokens"], 2000);
    // the hook is for calls that the user asked for
    let calls = session.observer.model_calls.load(Ordering::SeqCst);
    assert_eq!(
        (calls, session.server.requests().len()),
        (30, 30 + cards.len())
    );
    // people read the whole of it
    assert_eq!(session.log().len(), 60 + cards.len());
    session.say("And?").await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_summarized_is_left_out_from_the_front() {
    let mut session = Session::new(vec![uncounted("Yes.")]);
    session.family = "codegemma";
    for turn in 0..30 {
        let goal = format!("Turn {turn}: {}", "word ".repeat(200));
        let messages = session.state.conversation.of_mut("Chat Agent");
        messages.push(Message::human(goal, &[]));
        messages.push(Message::Ai(AiMessage {
            content: "Yes.".into(),
            ..AiMessage::default()
        }));
    }
    session.state.status = Status::InputRequired;
    session.server.reply(Reply::Sequence(vec![
        status(400, "no"),
        says("It is rocket."),
    ]));
    session.say("Which project?").await.unwrap();
    let told = session.told_messages();
    assert_eq!(told[0].0, "user");
    assert!(told[0].1.starts_with("Turn ") && told.last().unwrap().1 == "Which project?");
    let size: usize = told.iter().map(|(_, text)| text.len()).sum();
    assert!((8_000..18_000).contains(&size), "{size}");
    assert_eq!(session.messages().len(), 62);
}

#[tokio::test]
async fn a_user_has_a_conversation_summarized() {
    let mut session = Session::new(vec![
        calls("", &[("a", "get_project", "{}")]),
        says("It is rocket."),
        says("Goal: to know the project."),
        says("Rocket, still."),
    ]);
    session.say("/compact").await.unwrap();
    assert_eq!(
        session.log().pop().unwrap(),
        "agent success: There is nothing to summarize yet."
    );
    session.state = duogate::flow::State::default();
    session.say("Which project?").await.unwrap();
    session.observer.taken();
    session.say("/compact keep names").await.unwrap();
    golden::matches("compaction", &Value::Array(session.observer.taken()));
    golden::matches("compaction_request", &session.told().body["messages"][1]);
    session.say("Which?").await.unwrap();
    let told = session.told_messages();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(
        told[0].1,
        "Summary of the conversation so far:\n\nGoal: to know the project."
    );
    assert_eq!(session.server.requests().len(), 4);
}

#[tokio::test]
async fn a_summary_that_fails_leaves_the_conversation() {
    for (reply, fails) in [(status(400, "no"), true), (says(" "), false)] {
        let mut session = Session::new(vec![says("Hello."), reply]);
        session.say("Hi!").await.unwrap();
        assert_eq!(session.say("/compact").await.is_err(), fails);
        assert!(session.messages().len() >= 3);
        session.server.reply(says("Here I am."));
        session.say("Still there?").await.unwrap();
        assert_eq!(session.told_messages()[0].1, "Hi!");
    }
}

#[tokio::test]
async fn a_message_longer_than_the_window_loses_its_middle() {
    let mut session = Session::new(vec![says("Long.")]);
    session.family = "codegemma";
    session
        .say(&format!("begin {} end", "word ".repeat(20_000)))
        .await
        .unwrap();
    let [(_, text)] = &session.told_messages()[..] else {
        panic!("one message");
    };
    assert!(text.starts_with("begin ") && text.ends_with(" end"));
    assert!(
        text.contains("the middle was left out") && text.len() < 18_000,
        "{}",
        text.len()
    );
}

#[tokio::test]
async fn a_window_that_is_smaller_than_its_family_says_is_met_with_half() {
    let too_long = status(400, "This model's maximum context length is 1000 tokens.");
    let mut session = Session::new(vec![says("Yes.")]);
    session.family = "codegemma";
    for turn in 0..10 {
        let goal = format!("Turn {turn}: {}", "word ".repeat(200));
        session.say(&goal).await.unwrap();
    }
    let before = session.told().text().len();
    session
        .server
        .reply(Reply::Sequence(vec![too_long, says("Yes.")]));
    session.say("And?").await.unwrap();
    assert!(session.told().text().len() < before * 3 / 4);
    assert_eq!(session.log().pop().unwrap(), "agent success: Yes.");
}
