//! `POST /v2/code/completions`

use serde_json::{Value, json};

use super::{
    CONTENT, FAMILIES, MODEL_KEY, VERSIONS, completion, open_gateway, post, post_file, with,
    without,
};
use crate::support::model_server::{ModelServer, Reply};

#[test]
fn a_completion_is_answered_field_by_field() {
    let model = ModelServer::start("f\"hello {name}\"");
    let edge = open_gateway().start();
    for version in VERSIONS {
        for path in [
            "/v2/code/completions",
            "/v2/completions",
            "/v2%2Fcompletions",
            "/ai/v2/completions",
        ] {
            let arguments = [version, "-H", "X-Gitlab-Enabled-Feature-Flags: b,a"];
            let answer = post(&edge, &arguments, path, &completion(&model));
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.field("content-type"), Some("application/json"));
            assert!(
                answer
                    .field("x-process-time")
                    .unwrap()
                    .parse::<f64>()
                    .unwrap()
                    < 30.0
            );
            assert!(!answer.body.contains(": "), "compact: {}", answer.body);
            let mut body = answer.json();
            let created = body["created"].take().as_u64().unwrap();
            assert!(created > 1_700_000_000, "{created}");
            assert_eq!(
                body,
                json!({
                    "id": "id",
                    "model": {
                        "engine": "litellm",
                        "name": "codestral",
                        "lang": "python",
                        "tokens_consumption_metadata": {
                            "input_tokens": 7,
                            "output_tokens": 5,
                            "max_output_tokens_used": false,
                            "context_tokens_sent": 0,
                            "context_tokens_used": 0,
                        },
                        "region": "us-central1",
                    },
                    "experiments": [],
                    "object": "text_completion",
                    "created": null,
                    "choices": [{"text": "f\"hello {name}\"", "index": 0, "finish_reason": "length"}],
                    "metadata": {"enabled_feature_flags": ["b", "a"]},
                })
            );
        }
    }
    let asked = model.last();
    assert_eq!(asked.path, "/v1/chat/completions");
    assert_eq!(
        asked.header("authorization"),
        Some(format!("Bearer {MODEL_KEY}").as_str())
    );
    assert_eq!(asked.body["model"], "mistral-x");
    assert_eq!(asked.body["stop"].as_array().map(Vec::len), Some(4));
    assert!(
        asked
            .text()
            .contains(&format!("def {CONTENT}(name):\n    return ")),
        "{asked:?}"
    );
    assert!(asked.text().contains("print(greet('you'))"), "{asked:?}");
}

#[test]
fn prompts_are_the_same_each_time_so_that_servers_can_keep_them() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    for _ in 0..2 {
        assert_eq!(
            post(&edge, &[], "/v2/code/completions", &completion(&model)).status,
            200
        );
    }
    let bodies: Vec<Value> = model
        .requests()
        .into_iter()
        .map(|asked| asked.body)
        .collect();
    assert_eq!(bodies[0], bodies[1]);
}

#[test]
fn a_stream_is_the_bare_text_piece_by_piece() {
    let pieces = ["```python\n", "f\"hel", "lo\"", "\n```", "\nThat greets."];
    let model = ModelServer::with(Reply::Pieces(pieces.map(ToOwned::to_owned).to_vec()));
    let edge = open_gateway().start();
    for version in VERSIONS {
        let body = with(completion(&model), "stream", true);
        let answer = post(&edge, &[version], "/v2/code/completions", &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        let kind = answer.field("content-type");
        assert_eq!(kind, Some("text/event-stream; charset=utf-8"));
        assert_eq!((answer.exit, answer.body.as_str()), (0, "f\"hello\""));
    }
    assert_eq!(model.last().body["stream"], true);
}

#[test]
fn what_models_put_around_code_is_taken_away() {
    let model = ModelServer::start("");
    let edge = open_gateway().start();
    let below = "\n\nprint(greet('you'))\n";
    for (text, expected) in [
        ("```python\nname\n```\nThis returns it.", Some("name")),
        ("name<|fim_suffix|>x", Some("name")),
        ("name[PREFIX]def", Some("name")),
        (&format!("name{below}"), Some("name")),
        ("<think>Hm.</think>name", Some("name")),
        ("  \n\t", None),
        ("", None),
    ] {
        model.reply(Reply::Pieces(vec![text.to_owned()]));
        let answer = post(&edge, &[], "/v2/code/completions", &completion(&model)).json();
        let choice = &answer["choices"][0]["text"];
        assert_eq!(choice.as_str(), expected, "{text:?}: {answer}");
        if expected.is_none() {
            assert_eq!(answer["choices"], json!([]));
            assert_eq!(answer["model"]["tokens_consumption_metadata"], Value::Null);
        }
    }
}

#[test]
fn context_stands_before_the_code_and_is_counted() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let items = json!([
        {"type": "file", "name": "a.py", "content": "FIRST = 1"},
        {"type": "snippet", "name": "b", "content": "SECOND = 2"},
    ]);
    let body = with(completion(&model), "context", items);
    let answer = post(&edge, &[], "/v2/code/completions", &body).json();
    let text = model.last().text();
    assert!(text.contains("FIRST = 1\nSECOND = 2\ndef "), "{text}");
    let tokens = &answer["model"]["tokens_consumption_metadata"];
    assert!(
        tokens["context_tokens_sent"].as_u64().unwrap() > 3,
        "{tokens}"
    );
    assert_eq!(tokens["context_tokens_sent"], tokens["context_tokens_used"]);
}

#[test]
fn code_is_cut_to_the_models_window() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let above = format!("BEGIN {} END", "word ".repeat(19_000));
    let below = format!("START {} FINISH", "word ".repeat(19_000));
    let mut body = with(completion(&model), "model_name", "codegemma");
    body = with(body, "current_file.content_above_cursor", above);
    body = with(body, "current_file.content_below_cursor", below);
    let answer = post_file(&edge, "/v2/code/completions", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = model.last().text();
    // codegemma has 8 000 tokens; three bytes each are more than any of its words need
    assert!(text.len() < 8_000 * 4, "{}", text.len());
    assert!(
        text.contains("END") && !text.contains("BEGIN"),
        "the end above is near"
    );
    assert!(
        text.contains("START") && !text.contains("FINISH"),
        "the start below is near"
    );
}

#[test]
fn every_family_is_taken_and_files_without_extension_too() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let of_the_cloud = ["codestral-2508", "qwen2p5-coder-7b"];
    for family in FAMILIES.into_iter().chain(of_the_cloud) {
        let body = with(completion(&model), "model_name", family);
        let answer = post(&edge, &[], "/v2/code/completions", &body);
        assert_eq!(answer.status, 200, "{family}: {answer:?}");
        assert_eq!(answer.json()["model"]["name"], family);
    }
    for (file, identifier, lang) in [
        ("Makefile", json!(null), ""),
        ("Dockerfile", json!(null), "dockerfile"),
        ("notes.toml", json!("TOML"), "toml"),
        (" spaced.rb ", json!(""), "ruby"),
    ] {
        let body = with(completion(&model), "current_file.file_name", file);
        let body = with(body, "current_file.language_identifier", identifier);
        let answer = post(&edge, &[], "/v2/code/completions", &body).json();
        assert_eq!(answer["choices"][0]["text"], "x", "{file}");
        assert_eq!(answer["model"]["lang"], lang, "{file}");
    }
}

#[test]
fn bare_text_servers_get_the_layout_the_model_was_trained_on() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    for (family, start) in [
        ("codegemma", "<|fim_prefix|>"),
        ("codellama", "<PRE> "),
        ("deepseekcoder", "<｜fim▁begin｜>"),
        ("qwen", "<|fim_prefix|>"),
    ] {
        let body = with(completion(&model), "model_name", family);
        let body = with(body, "model_identifier", "text-completion-openai/coder");
        let answer = post(&edge, &[], "/v2/code/completions", &body);
        assert_eq!(answer.status, 200, "{family}: {answer:?}");
        let asked = model.last();
        assert_eq!(asked.path, "/v1/completions");
        assert!(
            asked.text().starts_with(start),
            "{family}: {}",
            asked.text()
        );
    }
}

#[test]
fn a_request_without_a_model_uses_the_configured_one() {
    let model = ModelServer::start("x");
    let edge = open_gateway()
        .set("models.default.name", "codestral")
        .set("models.default.endpoint", model.url())
        .set("models.default.api_key", MODEL_KEY)
        .set("models.default.identifier", "custom_openai/own")
        .start();
    let mut body = completion(&model);
    for key in [
        "model_provider",
        "model_name",
        "model_endpoint",
        "model_api_key",
        "model_identifier",
    ] {
        body = without(body, key);
    }
    // as GitLab's own probe asks (gitlab-clients 1.4, call 10)
    body = with(body, "prompt_version", 1);
    let answer = post(&edge, &[], "/v2/code/completions", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["model"]["name"], "codestral");
    assert_eq!(model.last().body["model"], "own");

    let edge = open_gateway().start();
    let refused = post(&edge, &[], "/v2/code/completions", &body);
    assert_eq!(refused.status, 422, "{refused:?}");
    assert!(refused.body.contains("models.default"), "{refused:?}");
}

#[test]
fn what_does_not_fit_the_contract_is_refused_by_field() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let long = "x".repeat(256);
    let good = || completion(&model);
    let cases = [
        (without(good(), "prompt_version"), "prompt_version: "),
        (with(good(), "prompt_version", "1"), "prompt_version: "),
        (with(good(), "prompt_version", 4), "prompt_version: "),
        (without(good(), "current_file"), "current_file: "),
        (with(good(), "current_file", "x"), "current_file: "),
        (
            without(good(), "current_file.file_name"),
            "current_file.file_name: ",
        ),
        (
            with(good(), "current_file.file_name", long),
            "current_file.file_name: ",
        ),
        (
            with(good(), "current_file.content_above_cursor", 7),
            "current_file.content_above_cursor: ",
        ),
        (
            without(good(), "current_file.content_below_cursor"),
            "current_file.content_below_cursor: ",
        ),
        (with(good(), "model_provider", "nobody"), "model_provider: "),
        (
            with(good(), "model_provider", "amazon_q"),
            "model_provider: ",
        ),
        (with(good(), "model_name", "mistal"), "model_name: "),
        (with(good(), "model_name", "x".repeat(51)), "model_name: "),
        (
            with(good(), "model_endpoint", "not a url"),
            "model_endpoint: ",
        ),
        (with(good(), "model_endpoint", 7), "model_endpoint: "),
        (
            with(good(), "model_api_key", "k".repeat(2001)),
            "model_api_key: ",
        ),
        (with(good(), "stream", "yes"), "stream: "),
        (with(good(), "context", json!([7])), "context[0]: "),
        (
            with(good(), "context", json!([{"type": "a", "name": "b"}])),
            "context[0].content: ",
        ),
        (with(good(), "context", json!(vec![0; 101])), "context: "),
        (with(good(), "telemetry", json!(vec![0; 11])), "telemetry: "),
        (with(good(), "project_id", 1.5), "project_id: "),
        (with(good(), "choices_count", "1"), "choices_count: "),
        (json!([1]), "body: "),
    ];
    for (body, field) in cases {
        let answer = post(&edge, &[], "/v2/code/completions", &body);
        let detail = answer.json()["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert_eq!(answer.status, 422, "{field} {answer:?}");
        assert!(detail.starts_with(field), "{detail}");
        assert!(
            !detail.contains("nobody") && !detail.contains("not a url"),
            "{detail}"
        );
    }
    assert!(
        model.requests().is_empty(),
        "no model is asked for what is refused"
    );
}
