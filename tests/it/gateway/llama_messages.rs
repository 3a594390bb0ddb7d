//! llama.cpp's own server, asked as Anthropic's servers are.

use serde_json::{Value, json};

use super::{MODEL_KEY, VERSIONS, open_gateway, post, with};
use crate::support::llama::{CHAT, Llama};

const COMMIT: &str = "/v1/prompts/generate_commit_message";

fn prompt(model: &Llama) -> Value {
    json!({
        "inputs": {"diff": "+ a line"},
        "prompt_version": "^1.0.0",
        "model_metadata": {
            "provider": "openai",
            "name": "claude_3",
            "endpoint": model.url(),
            "api_key": MODEL_KEY,
            "identifier": "anthropic/always-the-same",
        },
    })
}

#[test]
fn prompts_are_answered_whole_and_as_streams_over_messages() {
    let Some(model) = Llama::start(MODEL_KEY) else {
        return;
    };
    let edge = open_gateway().start();
    let body = prompt(&model);
    let root = model.url().trim_end_matches("/v1").to_owned();
    for endpoint in [
        root.clone(),
        format!("{root}/v1"),
        format!("{root}/v1/messages"),
    ] {
        let body = with(body.clone(), "model_metadata.endpoint", endpoint);
        let whole = post(&edge, &[], COMMIT, &body);
        assert_eq!(
            (whole.status, whole.json()),
            (200, json!(CHAT)),
            "{whole:?}"
        );
    }
    for version in VERSIONS {
        let stream = with(body.clone(), "stream", true);
        let streamed = post(&edge, &[version], COMMIT, &stream);
        assert_eq!((streamed.status, streamed.body.as_str()), (200, CHAT));
    }
}

#[test]
fn tokens_are_counted_as_over_the_other_wire() {
    let Some(model) = Llama::start(MODEL_KEY) else {
        return;
    };
    let edge = open_gateway().start();
    let path = "/v2/prompts/generate_commit_message";
    let counted = |identifier: &str, stream: bool| {
        let body = with(prompt(&model), "model_metadata.identifier", identifier);
        let answer = post(&edge, &[], path, &with(body, "stream", stream));
        assert_eq!((answer.status, answer.exit), (200, 0), "{answer:?}");
        let last: Value = serde_json::from_str(answer.body.lines().last().unwrap()).unwrap();
        last["usage"].as_object().unwrap().values().next().cloned()
    };
    let expected = counted("custom_openai/always-the-same", false);
    assert!(expected.as_ref().unwrap()["input_tokens"].as_u64() > Some(100));
    for stream in [false, true] {
        let found = counted("anthropic/always-the-same", stream);
        assert_eq!(found, expected, "{stream}");
    }
}

#[test]
fn a_wrong_key_is_told_as_such_there_too() {
    let Some(model) = Llama::start(MODEL_KEY) else {
        return;
    };
    let edge = open_gateway().start();
    for stream in [false, true] {
        let body = with(prompt(&model), "model_metadata.api_key", "sk-of-another");
        let answer = post(&edge, &[], COMMIT, &with(body, "stream", stream));
        assert_eq!(answer.status, 421, "{answer:?}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("401: Unauthorized"), "{detail}");
    }
}
