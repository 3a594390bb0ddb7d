//! A conversation that goes on for long.

use serde_json::{Value, json};

use super::Scene;
use crate::support::model_server::Reply;

/// Turns before the process ends, and behind.
const TURNS: [usize; 2] = [150, 50];

#[test]
fn two_hundred_turns_are_made_short_more_than_once_and_outlive_the_process() {
    let mut scene = Scene::new("");
    // a server that does not count tokens
    let says =
        json!({"choices": [{"delta": {"content": "A few words."}, "finish_reason": "stop"}]});
    let events = format!("data: {says}\n\ndata: [DONE]\n\n");
    scene.model.reply(Reply::Events(events));
    for (round, turns) in TURNS.into_iter().enumerate() {
        let goals: Vec<_> = (0..turns)
            .map(|turn| {
                format!(
                    "Question {turn} of round {round}. {}",
                    "More of it. ".repeat(12)
                )
            })
            .collect();
        let turn = scene.turn(json!({
            "goals": goals, "capabilities": ["incremental_streaming"], "model": small(&scene),
        }));
        turn.ended("OK", "workflow execution success");
        let stored = turn.0["stored"].as_array().unwrap();
        let count = |kind: &str| {
            let of_kind = stored.iter().filter(|entry| entry["message_type"] == kind);
            of_kind.count()
        };
        let asked: usize = TURNS.iter().take(round + 1).sum();
        assert_eq!(
            count("user"),
            asked,
            "nothing that was said is lost for people"
        );
        assert_eq!(count("agent"), asked);
        scene = scene.restart();
    }
    let requests = scene.model.requests();
    let summaries = requests.iter().filter(|request| is_summary(&request.body));
    assert!(summaries.count() >= 2);
    let last = &scene.model.last().body;
    let said = last["messages"].to_string();
    assert!(
        said.contains("Summary of the conversation so far"),
        "{said}"
    );
    assert!(said.contains("Question 49 of round 1"));
    assert!(!said.contains("Question 0 of round 0"));
    let offered = last["tools"].as_array().unwrap().len();
    assert!((5..30).contains(&offered), "{offered} tools");
    for request in requests {
        let body = request.body;
        let bytes = body["messages"].to_string().len() + body["tools"].to_string().len();
        // the family's window of 8000 tokens
        assert!(bytes < 8000 * 4, "{bytes}");
    }
}

/// A model of a small window.
fn small(scene: &Scene) -> Value {
    json!({
        "provider": "openai", "name": "codegemma", "endpoint": scene.model.url(), "api_key": "k",
        "identifier": "",
    })
}

fn is_summary(body: &Value) -> bool {
    body["tools"].is_null()
}
