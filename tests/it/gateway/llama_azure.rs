//! llama.cpp's own server below the paths of a resource on Azure.

use serde_json::{Value, json};

use super::{MODEL_KEY, VERSIONS, open_gateway, post, with};
use crate::support::llama::{CHAT, Llama};

const COMMIT: &str = "/v1/prompts/generate_commit_message";

fn prompt(endpoint: &str) -> Value {
    json!({
        "inputs": {"diff": "+ a line"},
        "prompt_version": "^1.0.0",
        "model_metadata": {
            "provider": "openai",
            "name": "gpt",
            "endpoint": endpoint,
            "api_key": MODEL_KEY,
            "identifier": "azure/always-the-same",
        },
    })
}

#[test]
fn the_api_without_dates_is_answered_whole_and_as_streams() {
    let Some(model) = Llama::below("/openai", MODEL_KEY) else {
        return;
    };
    let edge = open_gateway().start();
    let body = prompt(&format!("{}/openai/v1", model.root()));
    for version in VERSIONS {
        let whole = post(&edge, &[version], COMMIT, &body);
        assert_eq!(
            (whole.status, whole.json()),
            (200, json!(CHAT)),
            "{whole:?}"
        );
        let stream = with(body.clone(), "stream", true);
        let streamed = post(&edge, &[version], COMMIT, &stream);
        assert_eq!((streamed.status, streamed.body.as_str()), (200, CHAT));
    }
    let wrong = with(body, "model_metadata.api_key", "sk-of-another");
    let answer = post(&edge, &[], COMMIT, &wrong);
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert_eq!(answer.status, 421);
    assert!(detail.starts_with("401: Unauthorized"), "{detail}");
}

/// This server reads no `api-key`, so a header of the operator's says who asks.
#[test]
fn a_deployment_is_answered_whole_and_as_streams() {
    let prefix = "/openai/deployments/always-the-same";
    let Some(model) = Llama::below(prefix, MODEL_KEY) else {
        return;
    };
    let header = json!([{"name": "Authorization", "value": format!("Bearer {MODEL_KEY}")}]);
    let edge = open_gateway().set("models.extra_headers", header).start();
    for typed in [
        "",
        "/openai",
        &format!("{prefix}/chat/completions?api-version=2024-10-21"),
    ] {
        let body = prompt(&format!("{}{typed}", model.root()));
        let whole = post(&edge, &[], COMMIT, &body);
        assert_eq!(
            (whole.status, whole.json()),
            (200, json!(CHAT)),
            "{whole:?}"
        );
        let stream = with(body, "stream", true);
        let streamed = post(&edge, &[], COMMIT, &stream);
        assert_eq!((streamed.status, streamed.body.as_str()), (200, CHAT));
    }
}
