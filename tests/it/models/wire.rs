//! What a model server receives.

use serde_json::json;

use super::{KEY, Room, budget, metadata, request};
use crate::support::model_server::{ModelServer, Reply};

#[tokio::test]
async fn a_call_is_what_servers_of_openais_kind_expect() {
    let server = ModelServer::start("hi");
    let room = Room::with(&[]);
    room.whole(&metadata(&server), false).await.unwrap();
    let asked = server.last();
    assert_eq!(asked.path, "/v1/chat/completions");
    let expected = json!({
        "messages": [
            {"role": "system", "content": "be brief"}, {"role": "user", "content": "say \"hi\""},
        ],
        "model": "mistral-x", "max_tokens": 64, "temperature": 0.0,
    });
    assert_eq!(asked.body, expected);
    let bearer = format!("Bearer {KEY}");
    for (name, value) in [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("accept-encoding", "identity"),
    ] {
        assert_eq!(asked.header(name), Some(value), "{name}");
    }
    assert!(asked.header("user-agent").unwrap().starts_with("duogate/"));

    room.whole(&metadata(&server), true).await.unwrap();
    let asked = server.last();
    assert_eq!(asked.header("accept"), Some("text/event-stream"));
    assert_eq!(asked.body["stream"], true);
    assert_eq!(asked.body["stream_options"], json!({"include_usage": true}));
}

#[tokio::test]
async fn without_a_key_the_documented_dummy_is_sent_and_queries_are_kept() {
    let server = ModelServer::start("hi");
    let room = Room::with(&[]);
    let mut wanted = metadata(&server);
    wanted["api_key"] = json!(null);
    wanted["endpoint"] = json!(format!("{}/?team=a", server.url()));
    room.whole(&wanted, false).await.unwrap();
    let asked = server.last();
    assert_eq!(asked.header("authorization"), Some("Bearer dummy_key"));
    assert_eq!(asked.path, "/v1/chat/completions?team=a");
}

#[tokio::test]
async fn text_completions_have_a_prompt() {
    let server = ModelServer::start("hi");
    let room = Room::with(&[]);
    let mut wanted = metadata(&server);
    wanted["identifier"] = json!("text-completion-openai/coder");
    assert!(room.target(&wanted).unwrap().is_text_completion());
    for stream in [false, true] {
        let whole = room.whole(&wanted, stream).await.unwrap();
        assert_eq!(whole.text, "hi");
        let asked = server.last();
        assert_eq!(asked.path, "/v1/completions");
        assert_eq!(asked.body["prompt"], "be brief\n\nsay \"hi\"");
    }
}

#[tokio::test]
async fn the_operators_headers_come_along_and_count_more_than_ours() {
    let server = ModelServer::start("hi");
    let room = Room::with(&[(
        "AIGW_CUSTOM_MODELS__EXTRA_HEADERS",
        r#"{"X-Team": "a", "Authorization": "Basic abc"}"#,
    )]);
    room.whole(&metadata(&server), false).await.unwrap();
    let asked = server.last();
    assert_eq!(asked.header("x-team"), Some("a"));
    let all = asked.headers.iter();
    let authorizations = all.filter(|(name, _)| name == "authorization");
    let values: Vec<_> = authorizations.map(|(_, value)| value.as_str()).collect();
    assert_eq!(values, ["Basic abc"]);
}

#[tokio::test]
async fn streams_are_not_asked_for_where_the_operator_says_so() {
    let server = ModelServer::start("hi");
    let room = Room::with(&[("AIGW_CUSTOM_MODELS__DISABLE_STREAMING", "true")]);
    let whole = room.whole(&metadata(&server), true).await.unwrap();
    assert_eq!(whole.text, "hi");
    assert!(server.last().body.get("stream").is_none());
}

#[tokio::test]
async fn a_proxy_is_used_where_the_operator_names_one() {
    let proxy = ModelServer::start("through the proxy");
    let url = proxy.url();
    let room = Room::with(&[("HTTP_PROXY", url.trim_end_matches("/v1"))]);
    let mut wanted = metadata(&proxy);
    wanted["endpoint"] = json!("http://model.invalid/v1");
    let whole = room.whole(&wanted, false).await.unwrap();
    assert_eq!(whole.text, "through the proxy");
    assert_eq!(
        proxy.last().path,
        "http://model.invalid/v1/chat/completions"
    );
}

#[tokio::test]
async fn a_parameter_that_the_server_refuses_is_left_out_at_once() {
    let refusal = |message: &str| {
        let body = json!({"error": {"message": message, "type": "invalid_request_error"}});
        Reply::Status(
            400,
            vec![("Content-Type", "application/json")],
            body.to_string(),
        )
    };
    for (message, gone, come) in [
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
             'max_completion_tokens' instead.",
            "max_tokens",
            Some("max_completion_tokens"),
        ),
        (
            "Unsupported value: 'temperature' does not support 0.0 with this model.",
            "temperature",
            None,
        ),
        ("`stop` is not supported", "stop", None),
    ] {
        let server = ModelServer::with(refusal(message));
        let room = Room::with(&[]);
        let mut request = request(false);
        request.stop = vec!["x".to_owned()];
        let asked = room.ask(&metadata(&server), request, budget()).await;
        assert_eq!(asked.unwrap_err().code(), 400);
        let bodies: Vec<_> = server
            .requests()
            .into_iter()
            .map(|asked| asked.body)
            .collect();
        assert_eq!(bodies.len(), 2, "once more and no oftener: {message}");
        assert!(bodies[0].get(gone).is_some());
        assert!(bodies[1].get(gone).is_none(), "{}", bodies[1]);
        if let Some(come) = come {
            assert_eq!(bodies[1][come], bodies[0][gone]);
        }
        let adjusted = room.metric("duogate_model_attempts_total{outcome=\"adjusted\"");
        assert!((adjusted - 1.0).abs() < 0.1);
    }
    // a prompt that is too long is not made shorter by another name
    let server = ModelServer::with(refusal(
        "max_tokens is too large: this model's maximum context length is 8192 tokens",
    ));
    let room = Room::with(&[]);
    let error = room.whole(&metadata(&server), false).await.unwrap_err();
    assert!(error.is_prompt_too_long() && error.wire().contains("prompt is too long"));
    assert_eq!(server.requests().len(), 1);
}
