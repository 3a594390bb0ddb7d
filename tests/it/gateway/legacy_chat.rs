//! `POST /v1/chat/{chat_invokable}`

use serde_json::{Value, json};

use super::{
    CONTENT, MODEL_KEY, VERSIONS, open_gateway, post, tokens, tokens::Town, with, without,
};
use crate::support::model_server::{ModelServer, Reply};

const PATH: &str = "/v1/chat/agent";
const PAYLOAD: &str = "prompt_components.0.payload";

/// What GitLab's troubleshooting pages tell administrators to send.
fn request(model: &ModelServer) -> Value {
    json!({
        "prompt_components": [{
            "type": "string",
            "metadata": {"source": "string", "version": "string"},
            "payload": {
                "content": format!("Hi, {CONTENT}"),
                "provider": "litellm",
                "model": "mistral",
                "model_endpoint": model.url(),
                "model_api_key": MODEL_KEY,
                "model_identifier": "custom_openai/mistral-x",
                "params": {"stop_sequences": ["END"], "temperature": 0.2, "max_tokens_to_sample": 77},
            },
        }],
    })
}

#[test]
fn the_documented_trial_is_answered_whole_and_as_a_stream() {
    let pieces = ["Hel", "lo."].map(ToOwned::to_owned).to_vec();
    let model = ModelServer::with(Reply::Pieces(pieces));
    let edge = open_gateway().start();
    for version in VERSIONS {
        for name in [
            "agent",
            "explain_code",
            "write_tests",
            "refactor_code",
            "explain_vulnerability",
            "summarize_comments",
            "troubleshoot_job",
        ] {
            let answer = post(
                &edge,
                &[version],
                &format!("/v1/chat/{name}"),
                &request(&model),
            );
            assert_eq!(answer.status, 200, "{answer:?}");
            let mut body = answer.json();
            assert!(body["metadata"]["timestamp"].take().as_u64() > Some(1_700_000_000));
            let metadata = json!({"provider": "litellm", "model": "mistral", "timestamp": null});
            assert_eq!(body, json!({"response": "Hello.", "metadata": metadata}));
        }
        let answer = post(
            &edge,
            &[version],
            PATH,
            &with(request(&model), "stream", true),
        );
        assert_eq!((answer.status, answer.exit), (200, 0), "{answer:?}");
        let kind = answer.field("content-type");
        assert_eq!(kind, Some("text/event-stream; charset=utf-8"));
        assert_eq!(answer.body, "Hello.");
    }
    let asked = model.last();
    assert_eq!(
        asked.header("authorization"),
        Some(format!("Bearer {MODEL_KEY}").as_str())
    );
    let messages = json!([{"role": "user", "content": format!("Hi, {CONTENT}")}]);
    assert_eq!(asked.body["messages"], messages);
    assert_eq!(
        (
            &asked.body["stop"],
            &asked.body["temperature"],
            &asked.body["max_tokens"]
        ),
        (&json!(["END"]), &json!(0.2), &json!(77))
    );
    assert_eq!(asked.body["model"], "mistral-x");
    let log = edge.log();
    assert!(!log.contains(MODEL_KEY) && !log.contains(CONTENT));
}

#[test]
fn a_conversation_is_passed_on_and_failures_have_a_status() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let messages = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]);
    let body = with(
        request(&model),
        &format!("{PAYLOAD}.content"),
        messages.clone(),
    );
    let body = without(body, &format!("{PAYLOAD}.params"));
    assert_eq!(post(&edge, &[], PATH, &body).status, 200);
    assert_eq!(model.last().body["messages"], messages);
    for (status, expected) in [(401, 502), (500, 502), (503, 503), (429, 429)] {
        model.reply(Reply::Status(status, vec![], "{}".to_owned()));
        for stream in [false, true] {
            let answer = post(&edge, &[], PATH, &with(body.clone(), "stream", stream));
            assert_eq!(answer.status, expected, "{answer:?}");
        }
    }
    let answer = post(&edge, &[], "/v1/chat/nothing", &body);
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (404, r#"{"detail":"Not found"}"#)
    );
}

#[test]
fn without_a_model_of_its_own_the_configured_one_answers() {
    let model = ModelServer::start("x");
    let edge = open_gateway()
        .set(
            "models.default",
            json!({"name": "general", "endpoint": model.url(),
                   "identifier": "custom_openai/of-the-operator"}),
        )
        .start();
    let anthropic =
        json!({"content": "Hi", "provider": "anthropic", "model": "claude-sonnet-4-5-20250929"});
    for payload in [json!({"content": "Hi"}), anthropic] {
        let body = with(request(&model), PAYLOAD, payload);
        let answer = post(&edge, &[], PATH, &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(model.last().body["model"], "of-the-operator");
    }
}

#[test]
fn what_does_not_fit_the_contract_is_refused_by_field() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let first = "prompt_components[0]";
    let set =
        |field: &str, value: Value| with(request(&model), &format!("{PAYLOAD}.{field}"), value);
    for (body, field) in [
        (
            without(request(&model), "prompt_components"),
            "prompt_components: ".to_owned(),
        ),
        (
            with(request(&model), "prompt_components", json!([1, 2])),
            "prompt_components: ".to_owned(),
        ),
        (
            without(request(&model), "prompt_components.0.metadata"),
            format!("{first}.metadata: "),
        ),
        (
            without(request(&model), &format!("{PAYLOAD}.content")),
            format!("{first}.payload.content: "),
        ),
        (
            set("content", json!([])),
            format!("{first}.payload.content: "),
        ),
        (
            set("content", json!([{"role": "user"}])),
            format!("{first}.payload.content[0].content: "),
        ),
        (
            set("provider", json!("vertex-ai")),
            format!("{first}.payload.provider: "),
        ),
        (
            set("params", json!({"temperature": 2})),
            "params.temperature: ".to_owned(),
        ),
        (
            set("params", json!({"max_tokens_to_sample": 0})),
            "params.max_tokens_to_sample: ".to_owned(),
        ),
        (
            set("params", json!({"stop_sequences": [""]})),
            "params.stop_sequences: ".to_owned(),
        ),
        (set("model", json!("mistal")), "model_name: ".to_owned()),
    ] {
        let answer = post(&edge, &[], PATH, &body);
        assert_eq!(answer.status, 422, "{field} {answer:?}");
        let detail = answer.json()["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(detail.starts_with(&field), "{field}: {detail}");
    }
    assert!(model.requests().is_empty());
}

#[test]
fn each_name_takes_its_permission() {
    let model = ModelServer::start("x");
    let town = Town::start();
    for (name, permission) in [
        ("agent", "duo_chat"),
        ("write_tests", "duo_chat"),
        ("explain_vulnerability", "explain_vulnerability"),
        ("summarize_comments", "summarize_comments"),
        ("troubleshoot_job", "troubleshoot_job"),
    ] {
        let ask = |scope: &str| {
            let headers = tokens::headers(&town.token(0, &[scope]), &[]);
            let path = format!("/v1/chat/{name}");
            post(
                &town.gateway,
                &tokens::arguments(&headers),
                &path,
                &request(&model),
            )
        };
        assert_eq!(ask(permission).status, 200, "{name}");
        let answer = ask("ask_issue");
        assert_eq!(answer.status, 403, "{name}");
        assert_eq!(
            answer.json()["detail"],
            format!("Unauthorized to access {permission}")
        );
    }
}
