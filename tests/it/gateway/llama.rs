//! A model server that others wrote behind the gateway: llama.cpp's own.

use serde_json::{Value, json};

use super::{MODEL_KEY, VERSIONS, open_gateway, post, with};
use crate::support::{
    curl::Fetched,
    llama::{CHAT, CODE, Llama},
};

const COMMIT: &str = "/v1/prompts/generate_commit_message";
const CHECK: &str = "/v1/prompts/model_configuration%2Fcheck";

fn completion(model: &Llama, identifier: &str) -> Value {
    json!({
        "prompt_version": 2,
        "project_path": "group/project",
        "project_id": 7,
        "intent": "completion",
        "current_file": {
            "file_name": "app/sum.py",
            "language_identifier": "python",
            "content_above_cursor": "def add(left, right):\n    return",
            "content_below_cursor": "\n\nprint(add(1, 2))\n",
        },
        "model_provider": "litellm",
        "model_name": "codestral",
        "model_endpoint": model.url(),
        "model_api_key": MODEL_KEY,
        "model_identifier": identifier,
    })
}

fn prompt(model: &Llama) -> Value {
    json!({
        "inputs": {"diff": "+ a line"},
        "prompt_version": "^1.0.0",
        "model_metadata": {
            "provider": "openai",
            "name": "mistral",
            "endpoint": model.url(),
            "api_key": MODEL_KEY,
            "identifier": "custom_openai/always-the-same",
        },
    })
}

fn suggestion(model: &Llama) -> Value {
    json!({
        "prompt_components": [{
            "type": "code_editor_completion",
            "payload": {
                "file_name": "app/sum.py",
                "language_identifier": "python",
                "content_above_cursor": "def add(left, right):\n    return",
                "content_below_cursor": "\n",
                "stream": false,
            },
        }],
        "model_metadata": prompt(model)["model_metadata"],
    })
}

/// It is a stream that came to its end.
#[track_caller]
fn streamed(answer: &Fetched) {
    assert_eq!((answer.status, answer.exit), (200, 0), "{answer:?}");
    let kind = answer.field("content-type");
    assert_eq!(kind, Some("text/event-stream; charset=utf-8"));
}

/// The model by its identifiers, one for each wire, and what it says there.
const WIRES: [(&str, &str); 2] = [
    ("custom_openai/always-the-same", CHAT),
    ("text-completion-openai/always-the-same", CODE),
];

#[test]
fn code_goes_on_over_both_wires() {
    let Some(model) = Llama::start(MODEL_KEY) else {
        return;
    };
    let edge = open_gateway().start();
    for (identifier, text) in WIRES {
        for version in VERSIONS {
            let body = completion(&model, identifier);
            let answer = post(&edge, &[version], "/v2/code/completions", &body);
            assert_eq!(answer.status, 200, "{answer:?}");
            let answer = answer.json();
            assert_eq!(answer["choices"][0]["text"], text, "{identifier}");
            let tokens = &answer["model"]["tokens_consumption_metadata"];
            assert!(tokens["input_tokens"].as_u64() > Some(10), "{tokens}");
            // the words and the token that ends them
            let words = if text == CODE { 4 } else { 8 };
            assert_eq!(tokens["output_tokens"], words, "{tokens}");
        }
    }
}

#[test]
fn streams_of_code_are_the_bare_text_over_both_wires() {
    let Some(model) = Llama::start(MODEL_KEY) else {
        return;
    };
    let edge = open_gateway().start();
    for (identifier, text) in WIRES {
        for version in VERSIONS {
            let body = with(completion(&model, identifier), "stream", true);
            let answer = post(&edge, &[version], "/v2/code/completions", &body);
            streamed(&answer);
            assert_eq!(answer.body, text, "{identifier}");
        }
    }
}

#[test]
fn the_tokens_that_are_told_are_those_that_the_server_counts() {
    let Some(model) = Llama::start(MODEL_KEY) else {
        return;
    };
    let edge = open_gateway().start();
    let (above, below) = ("def add(left, right): return", "\nprint(add(1, 2))");
    let body = completion(&model, "text-completion-openai/always-the-same");
    let body = with(body, "model_name", "codegemma");
    let body = with(body, "current_file.content_above_cursor", above);
    let body = with(body, "current_file.content_below_cursor", below);
    let answer = post(&edge, &[], "/v2/code/completions", &body).json();
    assert_eq!(answer["choices"][0]["text"], CODE, "{answer}");
    // to this model each byte of the layout is a token
    let layout = format!("<|fim_prefix|>{above}<|fim_suffix|>{below}<|fim_middle|>");
    let tokens = &answer["model"]["tokens_consumption_metadata"];
    assert_eq!(tokens["input_tokens"], layout.len(), "{tokens}");
    assert_eq!(tokens["output_tokens"], 4, "{tokens}");
    let stream = with(body, "stream", true);
    let answer = post(&edge, &[], "/v2/code/completions", &stream);
    streamed(&answer);
    assert_eq!(answer.body, CODE);
}

#[test]
fn suggestions_are_answered_whole_as_text_and_as_events() {
    let Some(model) = Llama::start(MODEL_KEY) else {
        return;
    };
    let edge = open_gateway().start();
    let stream = with(
        suggestion(&model),
        "prompt_components.0.payload.stream",
        true,
    );
    for version in VERSIONS {
        for path in ["/v3/code/completions", "/v4/code/suggestions"] {
            let answer = post(&edge, &[version], path, &suggestion(&model));
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.json()["choices"][0]["text"], CHAT, "{path}");
        }
        let text = post(&edge, &[version], "/v3/code/completions", &stream);
        streamed(&text);
        assert_eq!(text.body, CHAT);
        let events = post(&edge, &[version], "/v4/code/suggestions", &stream);
        streamed(&events);
        assert!(events.body.starts_with("event: stream_start\r\n"));
        let end = "event: stream_end\r\ndata: null\r\n\r\n";
        assert!(events.body.ends_with(end), "{events:?}");
        let pieces: Vec<String> = chunks(&events.body);
        assert_eq!(pieces.concat(), CHAT);
        assert!(pieces.len() > 3, "word by word: {pieces:?}");
    }
}

/// The texts of the events that carry any.
fn chunks(events: &str) -> Vec<String> {
    let data = events.split("event: content_chunk\r\ndata: ").skip(1);
    data.map(|data| {
        let line = data.split("\r\n").next().unwrap();
        let chunk: Value = serde_json::from_str(line).unwrap();
        let text = chunk["choices"][0]["delta"]["content"].as_str();
        text.unwrap().to_owned()
    })
    .collect()
}

#[test]
fn the_second_version_of_prompts_tells_the_tokens_whole_and_as_a_stream() {
    let Some(model) = Llama::start(MODEL_KEY) else {
        return;
    };
    let edge = open_gateway().start();
    let path = "/v2/prompts/generate_commit_message";
    for version in VERSIONS {
        let whole = post(&edge, &[version], path, &prompt(&model));
        assert_eq!(whole.status, 200, "{whole:?}");
        let whole = whole.json();
        assert_eq!(whole["content"], CHAT);
        let tokens = &whole["usage"]["mistral"];
        assert!(tokens["input_tokens"].as_u64() > Some(100), "{tokens}");
        // the words and the token that ends them
        assert_eq!(tokens["output_tokens"], 8, "{tokens}");

        let stream = with(prompt(&model), "stream", true);
        let stream = post(&edge, &[version], path, &stream);
        streamed(&stream);
        let lines = stream.body.lines();
        let lines: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let text: String = lines
            .iter()
            .map(|line| line["content"].as_str().unwrap())
            .collect();
        assert_eq!(text, CHAT);
        assert!(lines.len() > 4, "word by word: {lines:?}");
        let usage = lines.last().unwrap()["usage"].as_object().unwrap();
        let told: Vec<&Value> = usage.values().collect();
        assert_eq!(told, [tokens], "both ways count the same");
    }
}

#[test]
fn prompts_are_answered_whole_and_as_streams() {
    let Some(model) = Llama::start(MODEL_KEY) else {
        return;
    };
    let edge = open_gateway().start();
    let body = prompt(&model);
    let whole = post(&edge, &[], COMMIT, &body);
    assert_eq!((whole.status, whole.json()), (200, json!(CHAT)));
    for version in VERSIONS {
        let streamed = post(
            &edge,
            &[version],
            COMMIT,
            &with(body.clone(), "stream", true),
        );
        assert_eq!((streamed.status, streamed.body.as_str()), (200, CHAT));
    }
    let check = post(&edge, &[], CHECK, &with(body, "inputs", json!({})));
    assert_eq!((check.status, check.json()), (200, json!(CHAT)));
}

#[test]
fn a_wrong_key_is_told_as_such() {
    let Some(model) = Llama::start(MODEL_KEY) else {
        return;
    };
    let edge = open_gateway().start();
    let body = with(prompt(&model), "model_metadata.api_key", "sk-of-another");
    for version in VERSIONS {
        for (path, stream) in [(CHECK, false), (COMMIT, false), (COMMIT, true)] {
            let body = with(body.clone(), "stream", stream);
            let answer = post(&edge, &[version], path, &body);
            assert_eq!(answer.status, 421, "{path}: {answer:?}");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.starts_with("401: Unauthorized"), "{detail}");
        }
    }
}

#[test]
fn code_is_generated_whole_as_text_and_as_events() {
    let Some(model) = Llama::start(MODEL_KEY) else {
        return;
    };
    let edge = open_gateway().start();
    let payload = "prompt_components.0.payload";
    let body = with(
        suggestion(&model),
        "prompt_components.0.type",
        "code_editor_generation",
    );
    let enhancer = json!({"user_instruction": "Add two numbers"});
    let body = with(body, &format!("{payload}.prompt_enhancer"), enhancer);
    let stream = with(body.clone(), &format!("{payload}.stream"), true);
    for version in VERSIONS {
        let whole = post(&edge, &[version], "/v3/code/completions", &body);
        assert_eq!(whole.status, 200, "{whole:?}");
        assert_eq!(whole.json()["choices"][0]["text"], CHAT);
        let text = post(&edge, &[version], "/v3/code/completions", &stream);
        streamed(&text);
        assert_eq!(text.body, CHAT);
        let events = post(&edge, &[version], "/v4/code/suggestions", &stream);
        streamed(&events);
        assert_eq!(chunks(&events.body), [CHAT], "a line at a time");
    }
}

#[test]
fn the_chat_answers_and_knows_when_a_question_is_too_long() {
    let Some(model) = Llama::start(MODEL_KEY) else {
        return;
    };
    let edge = open_gateway().start();
    let question = |content: &str| {
        json!({
            "messages": [{"role": "user", "content": content}],
            "model_metadata": prompt(&model)["model_metadata"],
        })
    };
    for version in VERSIONS {
        let answer = post(&edge, &[version], "/v2/chat/agent", &question("Hello"));
        let events = super::chat::events(&answer);
        // it knows no form
        assert_eq!(
            events[0],
            json!({"type": "unknown", "data": {"text": CHAT}})
        );
        let usage = events[1]["data"]["usage"].as_object().unwrap();
        let told: Vec<&Value> = usage.values().collect();
        assert_eq!(told[0]["output_tokens"], 8, "{events:?}");

        let long = "long ".repeat(10_000);
        let answer = post(&edge, &[version], "/v2/chat/agent", &question(&long));
        let events = super::chat::events(&answer);
        let message = events[0]["data"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("prompt is too long"), "{events:?}");
    }
}
