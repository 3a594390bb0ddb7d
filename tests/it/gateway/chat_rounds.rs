//! Questions to the chat, round by round, by a client that speaks and reads as GitLab Rails does.

use serde_json::{Value, json};

use super::{chat::question, clients, open_gateway, post, with};
use crate::support::{
    Duogate, command, have,
    model_server::{ModelServer, Reply},
};

/// What came of a question, after rounds with tools that find these things.
fn ask(edge: &Duogate, body: &Value, tools: &Value) -> Value {
    let mut ruby = command("ruby");
    ruby.arg(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/clients/rails_chat.rb"
    ))
    .args(["edge.test", &edge.https().port().to_string()])
    .arg(edge.root());
    let input = json!({"headers": clients::rails_headers(), "body": body, "tools": tools});
    clients::ask(ruby, &input).json()
}

fn says(texts: &[&str]) -> Reply {
    Reply::Sequence(texts.iter().map(|text| pieces(text)).collect())
}

/// Cut as tokens are: every three characters.
fn pieces(text: &str) -> Reply {
    let characters: Vec<char> = text.chars().collect();
    let pieces = characters.chunks(3);
    Reply::Pieces(pieces.map(|piece| piece.iter().collect()).collect())
}

#[test]
fn a_question_is_answered_with_what_tools_found() {
    if !have("ruby") {
        return;
    }
    let answer =
        "Offen: {\"a\": {\"b\": 1}}\n```json\n{\"c\": \"}\"}\n{}\n```\né🙂\u{2028}日本語\n";
    let last = format!("Thought: I know now.\nFinal Answer: {answer}");
    let model = ModelServer::with(says(&[
        "Thought: I look.\nAction: issue_reader\nAction Input: the current issue",
        "Thought: And now the documentation.\nAction: GitlabDocumentation\nAction Input: close issue\nObservation: made up",
        &last,
    ]));
    let edge = open_gateway().start();
    let tools = json!({"issue_reader": "FOUND_ISSUE {\n}\n", "gitlab_documentation": "FOUND_PAGE"});
    let seen = ask(&edge, &question(&model), &tools);
    assert_eq!(
        (&seen["code"], &seen["rounds"]),
        (&Value::Null, &json!(3)),
        "{seen}"
    );
    assert_eq!(seen["answer"], answer);
    let actions = json!([
        {"tool": "issue_reader", "tool_input": "the current issue", "thought": "I look."},
        {"tool": "gitlab_documentation", "tool_input": "close issue",
         "thought": "And now the documentation."},
    ]);
    assert_eq!(seen["actions"], actions);
    assert_eq!(
        seen["events"].as_array().unwrap().last().unwrap()["type"],
        "usage"
    );
    let asked = model.requests();
    let asked: Vec<String> = asked
        .iter()
        .map(crate::support::model_server::Recorded::text)
        .collect();
    assert_eq!(asked.len(), 3);
    assert!(!asked[0].contains("FOUND"));
    assert!(asked[1].contains("FOUND_ISSUE") && !asked[1].contains("FOUND_PAGE"));
    assert!(
        asked[2].contains("FOUND_ISSUE") && asked[2].contains("FOUND_PAGE"),
        "{}",
        asked[2]
    );
    assert!(!asked[2].contains("made up"));
}

#[test]
fn a_model_that_never_comes_to_an_answer_ends_after_ten_rounds() {
    if !have("ruby") {
        return;
    }
    let model = ModelServer::with(pieces("Action: issue_reader\nAction Input: again"));
    let edge = open_gateway().start();
    let seen = ask(&edge, &question(&model), &json!({}));
    assert_eq!(
        (&seen["code"], &seen["rounds"]),
        (&json!("A1006"), &json!(10)),
        "{seen}"
    );
    let last = "There is no time for another tool";
    let told: Vec<bool> = model
        .requests()
        .iter()
        .map(|asked| asked.text().contains(last))
        .collect();
    assert_eq!(
        told.iter().filter(|told| **told).count(),
        1,
        "in the tenth round"
    );
    // one that heeds it gets through
    let mut texts = vec!["Action: issue_reader\nAction Input: again"; 9];
    texts.push("Final Answer: I give up.");
    model.reply(says(&texts));
    let seen = ask(&edge, &question(&model), &json!({}));
    assert_eq!(
        (&seen["code"], &seen["answer"]),
        (&Value::Null, &json!("I give up.")),
        "{seen}"
    );
}

#[test]
fn what_fails_is_what_rails_has_a_code_for() {
    if !have("ruby") {
        return;
    }
    let model = ModelServer::start("");
    let edge = open_gateway().start();
    let status = |code: u16, body: &str| Reply::Status(code, vec![], body.to_owned());
    let half = "data: {\"choices\": [{\"index\": 0, \"delta\": {\"content\": \"Final Answer: half\"}}]}\n\n";
    let window = r#"{"error": {"code": "context_length_exceeded", "message": "x"}}"#;
    for (reply, code, requests) in [
        (status(401, "{}"), json!("A1004"), 1),
        (status(400, window), json!("A1005"), 1),
        (status(413, "{}"), json!("A1005"), 1),
        (pieces("Action: fly\nAction Input: high"), json!("G3001"), 1),
        (pieces(" "), json!("A1004"), 1),
        (Reply::CutEvents(half.to_owned()), json!("A1004"), 1),
        (status(429, "{}"), json!("A1004"), 3),
        (
            Reply::Sequence(vec![status(429, "{}"), pieces("Final Answer: x")]),
            Value::Null,
            2,
        ),
        (pieces("Just so."), Value::Null, 1),
    ] {
        model.reply(reply.clone());
        let seen = ask(&edge, &question(&model), &json!({}));
        assert_eq!(seen["code"], code, "{reply:?}: {seen}");
        assert_eq!(seen["requests"], requests, "{reply:?}: {seen}");
    }
    let nothing = with(question(&model), "messages", json!([]));
    assert_eq!(ask(&edge, &nothing, &json!({}))["code"], "A9999");
}

#[test]
fn a_long_answer_comes_whole() {
    if !have("ruby") {
        return;
    }
    let answer = "{日本語} ünd \"🙂\" \\ more }\n".repeat(3000);
    let model = ModelServer::with(Reply::Pieces(
        std::iter::once("Final Answer: ".to_owned())
            .chain(answer.split_inclusive(' ').map(ToOwned::to_owned))
            .collect(),
    ));
    let edge = open_gateway().start();
    let seen = ask(&edge, &question(&model), &json!({}));
    assert_eq!(
        seen["answer"].as_str().map(str::len),
        Some(answer.len()),
        "{}",
        seen["code"]
    );
    assert_eq!(seen["answer"], answer.as_str());
}

#[test]
fn a_conversation_longer_than_the_models_window_loses_what_was_said_first() {
    let model = ModelServer::with(pieces("Final Answer: Fine."));
    let edge = open_gateway().start();
    let body = with(question(&model), "model_metadata.name", "codegemma");
    let mut messages = Vec::new();
    for number in 0..40 {
        let said = format!("question {number} {}", "word ".repeat(100));
        messages.push(json!({"role": "user", "content": said}));
        messages.push(json!({"role": "assistant", "content": "Indeed. ".repeat(50)}));
    }
    messages.push(json!({"role": "user", "content": "And the last one?"}));
    let answer = post(
        &edge,
        &[],
        "/v2/chat/agent",
        &with(body, "messages", messages),
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    let asked = model.last().body;
    let turns = asked["messages"].as_array().unwrap();
    // 8 000 tokens of some three bytes; the answer needs its part of them
    let bytes: usize = turns
        .iter()
        .map(|turn| turn["content"].as_str().unwrap().len())
        .sum();
    assert!((10_000..8_000 * 3).contains(&bytes), "{bytes}");
    assert_eq!(turns[0]["role"], "system");
    assert_eq!(turns[1]["role"], "user");
    let told = asked.to_string();
    assert!(!told.contains("question 0 ") && told.contains("question 39 "));
    assert!(
        turns.last().unwrap()["content"]
            .as_str()
            .unwrap()
            .contains("And the last one?")
    );
}
