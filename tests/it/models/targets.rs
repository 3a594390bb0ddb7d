//! Which models may be asked: refusals come at once and say what to do.

use serde_json::{Value, json};

use super::{KEY, Room};

fn named(field: &str, value: impl Into<Value>) -> Value {
    let mut metadata = json!({
        "provider": "openai", "name": "mistral", "endpoint": "http://vllm.example.com:8000/v1",
        "api_key": KEY, "identifier": "custom_openai/m",
    });
    metadata[field] = value.into();
    metadata
}

#[test]
fn what_cannot_be_asked_is_refused_with_the_field_and_the_remedy() {
    let room = Room::with(&[]);
    for (field, value, words) in [
        (
            "name",
            "mistrall",
            "model_metadata.name: is no family of models; known are mistral,",
        ),
        (
            "endpoint",
            "nowhere",
            "model_metadata.endpoint: must be a URL such as",
        ),
        (
            "endpoint",
            "ftp://h/v1",
            "model_metadata.endpoint: must be a URL",
        ),
        ("endpoint", "", "model_metadata.endpoint: is missing"),
        (
            "endpoint",
            "http://169.254.169.254/v1",
            "model_metadata.endpoint: is not asked",
        ),
        (
            "endpoint",
            "http://[fe80::1]/v1",
            "model_metadata.endpoint: is not asked",
        ),
        (
            "endpoint",
            "http://0xa9.0xfe.0xa9.0xfe/v1",
            "model_metadata.endpoint: is not asked",
        ),
        (
            "endpoint",
            "http://metadata.google.internal/",
            "model_metadata.endpoint: is not asked",
        ),
        (
            "identifier",
            "watsonx/granite",
            "model_metadata.identifier: servers of the kind watsonx",
        ),
        (
            "identifier",
            "watsonx/granite",
            "model_metadata.identifier: servers of the kind watsonx",
        ),
        (
            "provider",
            "amazon_q",
            "model_metadata.provider: amazon_q is not served",
        ),
    ] {
        let refused = room.target(&named(field, value)).unwrap_err();
        assert!(refused.starts_with(words), "{value}: {refused}");
        assert!(!refused.contains(KEY));
    }
    let refused = room
        .target(&named("api_key", "sk-secret\u{7f}"))
        .unwrap_err();
    assert!(refused.starts_with("model_metadata.api_key:") && !refused.contains("secret"));
    let none = room.models.target(None).unwrap_err().to_string();
    assert!(none.contains("models.default"), "{none}");
}

#[test]
fn the_operator_decides_who_may_be_named() {
    let off = Room::with(&[("AIGW_CUSTOM_MODELS__ENABLED", "false")]);
    let refused = off.target(&named("name", "mistral")).unwrap_err();
    assert!(refused.contains("models.custom_enabled"), "{refused}");

    let some = Room::with(&[("DUOGATE_MODELS__ALLOWED_HOSTS", "*.example.com,other:8000")]);
    assert!(some.target(&named("name", "mistral")).is_ok());
    for endpoint in [
        "http://example.com/v1",
        "http://other:8001/v1",
        "http://127.0.0.1/v1",
    ] {
        let refused = some.target(&named("endpoint", endpoint)).unwrap_err();
        assert!(refused.contains("models.allowed_hosts"), "{refused}");
    }
}

#[test]
fn the_operators_own_model_serves_calls_that_name_none() {
    let variables = [
        ("DUOGATE_MODELS__DEFAULT__NAME", "codestral"),
        (
            "DUOGATE_MODELS__DEFAULT__ENDPOINT",
            "http://127.0.0.1:8000/v1",
        ),
        ("DUOGATE_MODELS__ALLOWED_HOSTS", "elsewhere.example.com"),
        ("AIGW_CUSTOM_MODELS__ENABLED", "false"),
    ];
    let room = Room::with(&variables);
    let target = room.models.target(None).unwrap();
    assert_eq!(target.family().name, "codestral");
}
