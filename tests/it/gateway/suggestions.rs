//! `POST /v3/code/completions` and `POST /v4/code/suggestions`

use serde_json::{Value, json};

use super::{VERSIONS, metadata, open_gateway, post, with, without};
use crate::support::model_server::{ModelServer, Reply};

pub(super) fn suggestion(model: &ModelServer) -> Value {
    json!({
        "prompt_components": [{
            "type": "code_editor_completion",
            "metadata": {"source": "editor", "version": "1.0"},
            "payload": {
                "file_name": "greeting.py",
                "language_identifier": "python",
                "content_above_cursor": "def greet(name):\n    return ",
                "content_below_cursor": "\n",
                "stream": false,
            },
        }],
        "model_metadata": metadata(model),
    })
}

fn streamed_suggestion(model: &ModelServer) -> Value {
    with(
        suggestion(model),
        "prompt_components.0.payload.stream",
        true,
    )
}

#[test]
fn both_routes_answer_the_same_object() {
    let model = ModelServer::start("name");
    let edge = open_gateway().start();
    for version in VERSIONS {
        for path in ["/v3/code/completions", "/v4/code/suggestions"] {
            let arguments = [version, "-H", "X-Gitlab-Enabled-Feature-Flags: b,a"];
            let answer = post(&edge, &arguments, path, &suggestion(&model));
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.field("x-streaming-format"), None);
            let mut body = answer.json();
            assert!(body["metadata"]["timestamp"].take().as_u64().unwrap() > 1_700_000_000);
            let engine = json!({"engine": "openai", "name": "mistral", "lang": "python"});
            assert_eq!(
                body,
                json!({
                    "choices": [{"text": "name", "index": 0, "finish_reason": "length"}],
                    "metadata": {
                        "model": engine,
                        "timestamp": null,
                        "enabled_feature_flags": ["b", "a"],
                        "region": null,
                    },
                    "model": engine,
                })
            );
        }
    }
}

#[test]
fn v3_streams_bare_text() {
    let model = ModelServer::with(Reply::Pieces(vec!["na".to_owned(), "me".to_owned()]));
    let edge = open_gateway().start();
    for version in VERSIONS {
        let body = streamed_suggestion(&model);
        let answer = post(&edge, &[version], "/v3/code/completions", &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        let kind = answer.field("content-type");
        assert_eq!(kind, Some("text/event-stream; charset=utf-8"));
        assert_eq!(answer.body, "name");
    }
}

#[test]
fn v4_streams_events_byte_by_byte_as_clients_know_them() {
    let model = ModelServer::with(Reply::Pieces(vec!["na".to_owned(), "\"me\"".to_owned()]));
    let edge = open_gateway().start();
    for version in VERSIONS {
        let body = streamed_suggestion(&model);
        let arguments = [version, "-H", "X-Gitlab-Enabled-Feature-Flags: a"];
        let answer = post(&edge, &arguments, "/v4/code/suggestions", &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        for (name, value) in [
            ("content-type", "text/event-stream; charset=utf-8"),
            ("x-streaming-format", "sse"),
            ("cache-control", "no-store"),
            ("x-accel-buffering", "no"),
        ] {
            assert_eq!(answer.field(name), Some(value), "{name}");
        }
        let time = answer.body.split("\"timestamp\": ").nth(1).unwrap();
        let time = time.split(',').next().unwrap();
        assert_eq!(
            answer.body,
            format!(
                "event: stream_start\r\n\
                 data: {{\"metadata\": {{\"model\": {{\"engine\": \"agent\", \"name\": \"mistral\"}}, \
                 \"timestamp\": {time}, \"enabled_feature_flags\": [\"a\"], \
                 \"region\": \"us-central1\"}}}}\r\n\r\n\
                 event: content_chunk\r\n\
                 data: {{\"choices\": [{{\"delta\": {{\"content\": \"na\"}}, \"index\": 0}}]}}\r\n\r\n\
                 event: content_chunk\r\n\
                 data: {{\"choices\": [{{\"delta\": {{\"content\": \"\\\"me\\\"\"}}, \"index\": 0}}]}}\r\n\r\n\
                 event: stream_end\r\n\
                 data: null\r\n\r\n"
            )
        );
    }
}

#[test]
fn context_counts_from_the_language_server_that_means_it() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let mut body = suggestion(&model);
    let component = json!({
        "type": "code_context",
        "payload": {"type": "file", "name": "a.py", "content": "GREETING = 'hi'"},
    });
    body["prompt_components"]
        .as_array_mut()
        .unwrap()
        .push(component);
    for (version, counts) in [
        ("7.17.1", true),
        ("8.0.0", true),
        ("7.17.0", false),
        ("7.9.9", false),
        ("new", false),
    ] {
        let header = format!("X-Gitlab-Language-Server-Version: {version}");
        let answer = post(&edge, &["-H", &header], "/v3/code/completions", &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(
            model.last().text().contains("GREETING"),
            counts,
            "{version}"
        );
    }
}

#[test]
fn what_does_not_fit_the_contract_is_refused_by_field() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let good = || suggestion(&model);
    let first = "prompt_components[0]";
    let cases = [
        (
            without(good(), "prompt_components"),
            "prompt_components: ".to_owned(),
        ),
        (
            with(good(), "prompt_components", json!([])),
            "prompt_components: ".to_owned(),
        ),
        (
            with(good(), "prompt_components", json!(vec![0; 101])),
            "prompt_components: ".to_owned(),
        ),
        (with(good(), "prompt_components.0", 7), format!("{first}: ")),
        (
            with(good(), "prompt_components.0.type", "x"),
            format!("{first}.type: "),
        ),
        (
            with(good(), "prompt_components.0.type", "code_context"),
            format!("{first}.type: "),
        ),
        (
            with(good(), "prompt_components.0.payload", Value::Null),
            format!("{first}.payload: "),
        ),
        (
            with(good(), "prompt_components.0.payload.file_name", 7),
            format!("{first}.payload.file_name: "),
        ),
        (
            with(
                good(),
                "prompt_components.0.payload.model_provider",
                "litellm",
            ),
            format!("{first}.payload.model_provider: "),
        ),
        (
            with(
                good(),
                "prompt_components.0.metadata",
                json!({"source": "x"}),
            ),
            format!("{first}.metadata.version: "),
        ),
        (
            with(good(), "model_metadata.name", "mistal"),
            "model_metadata.name: ".to_owned(),
        ),
        (
            with(good(), "model_metadata.endpoint", "nowhere"),
            "model_metadata.endpoint: ".to_owned(),
        ),
        (
            without(good(), "model_metadata.provider"),
            "model_metadata.provider: ".to_owned(),
        ),
        (
            with(good(), "model_metadata", json!(["provider"])),
            "model_metadata: ".to_owned(),
        ),
    ];
    for (body, field) in cases {
        for path in ["/v3/code/completions", "/v4/code/suggestions"] {
            let answer = post(&edge, &[], path, &body);
            assert_eq!(answer.status, 422, "{field} {answer:?}");
            let detail = answer.json()["detail"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            assert!(detail.starts_with(&field), "{field}: {detail}");
        }
    }
    assert!(model.requests().is_empty());
}
