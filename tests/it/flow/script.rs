//! What a model server is told to answer.

use serde_json::{Value, json};

use crate::support::model_server::Reply;

/// Words, in two pieces.
pub(super) fn says(text: &str) -> Reply {
    let middle = text.len() / 2;
    let (one, other) = text.split_at(middle);
    Reply::Pieces(vec![one.to_owned(), other.to_owned()])
}

/// Words, if there are any, and calls: id, name, arguments as text.
pub(super) fn calls(text: &str, calls: &[(&str, &str, &str)]) -> Reply {
    Reply::Events(events(text, calls, "tool_calls"))
}

/// The same, with a reason for the end.
pub(super) fn events(text: &str, calls: &[(&str, &str, &str)], finish: &str) -> String {
    let mut deltas = Vec::new();
    if !text.is_empty() {
        deltas.push(json!({"content": text}));
    }
    for (index, (id, name, arguments)) in calls.iter().enumerate() {
        let middle = arguments.len() / 2;
        let (one, other) = arguments.split_at(middle);
        deltas.push(json!({"tool_calls": [
            {"index": index, "id": id, "function": {"name": name, "arguments": one}},
        ]}));
        deltas.push(json!({"tool_calls": [{"index": index, "function": {"arguments": other}}]}));
    }
    let mut text: String = deltas.iter().map(|delta| event(delta, None)).collect();
    text.push_str(&event(&json!({}), Some(finish)));
    text.push_str(
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":4}}\n\n",
    );
    text.push_str("data: [DONE]\n\n");
    text
}

/// The beginning of an answer.
pub(super) fn begun(text: &str) -> String {
    event(&json!({"content": text}), None)
}

fn event(delta: &Value, finish: Option<&str>) -> String {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
    let event = json!({"id": "x", "model": "mistral-x", "choices": [choice]});
    format!("data: {event}\n\n")
}

/// A refusal in the form of OpenAI's API.
pub(super) fn status(code: u16, message: &str) -> Reply {
    let body = json!({"error": {"message": message, "type": "x"}}).to_string();
    Reply::Status(code, vec![("Content-Type", "application/json")], body)
}
