//! Calls that wait for the user.

use duogate::flow::{Decision, TurnInput};
use serde_json::{Value, json};

use super::{
    golden,
    script::{calls, says},
    session::{Session, words},
};

/// A session in which two calls wait, one of which needs approval.
async fn waiting() -> Session {
    let wanted = [
        ("a", "get_project", "{}"),
        ("b", "create_commit", r#"{"id": 1}"#),
    ];
    let mut session = Session::new(vec![calls("May I?", &wanted), says("Well.")]);
    session.say("Commit.").await.unwrap();
    assert_eq!(session.status(), "tool_call_approval_required");
    assert_eq!(session.tools.names(), Vec::<String>::new());
    session
}

fn decided(decision: Decision) -> TurnInput {
    TurnInput {
        decision: Some(decision),
        ..words("")
    }
}

/// What the model was told of both calls.
fn answers(session: &Session) -> Vec<(String, String)> {
    let mut told = session.told_messages();
    told.retain(|(role, _)| role != "assistant");
    told.drain(1..).collect()
}

#[tokio::test]
async fn approval_carries_out_all_calls_of_the_message() {
    let mut session = waiting().await;
    session.turn(decided(Decision::Approve)).await.unwrap();
    assert_eq!(
        session.tools.names(),
        ["get_project {}", r#"create_commit {"id":1}"#]
    );
    golden::matches("approval", &Value::Array(session.observer.taken()));
    assert_eq!(session.log().last().unwrap(), "agent success: Well.");
    // what the tool said of its failure is the model's alone
    let log = serde_json::to_string(&session.state.log).unwrap();
    assert!(
        !log.contains("protected") && log.contains("Failed: Create a commit - the tool failed")
    );
    assert!(answers(&session)[1].1.contains("the branch is protected"));
}

#[tokio::test]
async fn rejection_is_told_to_the_model_with_the_users_words() {
    let plain =
        "Tool is cancelled by user. Don't run the command and stop tool execution in progress.";
    let comment = "Tool is cancelled temporarily as user has a comment. Comment: not on Friday";
    for (words, text, entries) in [
        (None, plain, 4),
        (Some("null"), plain, 4),
        (Some(""), plain, 4),
        (Some("not on Friday"), comment, 5),
    ] {
        let mut session = waiting().await;
        let decision = Decision::Reject(words.map(ToOwned::to_owned));
        session.turn(decided(decision)).await.unwrap();
        assert_eq!(session.tools.names(), Vec::<String>::new());
        let told = ("tool".to_owned(), text.to_owned());
        assert_eq!(answers(&session), [told.clone(), told]);
        assert_eq!(session.status(), "input_required");
        assert_eq!(session.log().len(), entries, "{:?}", session.log());
    }
}

#[tokio::test]
async fn words_instead_of_a_decision_cancel_the_calls() {
    let mut session = waiting().await;
    session.say("Wait, which branch?").await.unwrap();
    let text = "Tool is cancelled and a user will provide a follow up message.";
    let told = ("tool".to_owned(), text.to_owned());
    let user = ("user".to_owned(), "Wait, which branch?".to_owned());
    assert_eq!(answers(&session), [told.clone(), told, user]);
}

#[tokio::test]
async fn a_client_that_comes_back_finds_the_calls_waiting() {
    let mut session = waiting().await;
    let log = session.log();
    session.say("").await.unwrap();
    assert_eq!(session.status(), "tool_call_approval_required");
    assert_eq!((session.server.requests().len(), session.log()), (1, log));
    session.turn(decided(Decision::Approve)).await.unwrap();
    assert_eq!(session.tools.names().len(), 2);
}

#[tokio::test]
async fn calls_of_a_turn_that_died_are_told_to_be_interrupted() {
    let mut session = waiting().await;
    session.state.status = duogate::flow::Status::Execution;
    session.say("").await.unwrap();
    let [(_, one), (_, other)] = &answers(&session)[..] else {
        panic!("{:?}", answers(&session));
    };
    assert!(one.starts_with("Tool execution was interrupted.") && one == other);
}

#[tokio::test]
async fn tools_that_the_request_approves_ask_nobody() {
    let mut session = Session::new(vec![
        calls("", &[("b", "create_commit", "{}")]),
        says("Done."),
    ]);
    let input = TurnInput {
        preapproved_tools: vec!["create_commit".to_owned()],
        ..words("Commit.")
    };
    session.turn(input).await.unwrap();
    assert_eq!(session.tools.names(), ["create_commit {}"]);
    assert_eq!(
        session.state.to_channels()["preapproved_tools"],
        json!(["create_commit"])
    );
}

#[tokio::test]
async fn a_decision_about_nothing_does_nothing() {
    let mut session = Session::new(vec![says("Hello.")]);
    session.say("Hi!").await.unwrap();
    session.turn(decided(Decision::Approve)).await.unwrap();
    session.turn(decided(Decision::Reject(None))).await.unwrap();
    assert_eq!(session.server.requests().len(), 1);
    let comment = Decision::Reject(Some("no, thanks".to_owned()));
    session.turn(decided(comment)).await.unwrap();
    assert_eq!(session.told_messages().pop().unwrap().1, "no, thanks");
}
