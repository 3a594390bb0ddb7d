//! `POST /v2/code/generations`, and generation by `/v3/code/completions` and
//! `/v4/code/suggestions`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{CONTENT, FAMILIES, VERSIONS, completion, metadata, open_gateway, post, with, without};
use crate::support::model_server::{ModelServer, Reply};

const V2: &str = "/v2/code/generations";
const ROUTES: [&str; 2] = ["/v3/code/completions", "/v4/code/suggestions"];
const PAYLOAD: &str = "prompt_components.0.payload";

/// What Rails sends for generation by a model of the customer's own (gitlab-clients 1.4).
pub(super) fn generation(model: &ModelServer) -> Value {
    json!({
        "prompt_components": [{
            "type": "code_editor_generation",
            "payload": {
                "file_name": "app/greeting.py",
                "language_identifier": "Python",
                "content_above_cursor": "# Greets somebody by name\n",
                "content_below_cursor": "\n\ngreet('you')\n",
                "stream": false,
                "prompt_id": "code_suggestions/generations",
                "prompt_version": "^1.0.0",
                "prompt_enhancer": {
                    "examples_array": [{"example": "# EXAMPLE", "response": "EXAMPLE_CODE", "trigger_type": "comment"}],
                    "trimmed_content_above_cursor": "# TRIMMED\n",
                    "trimmed_content_below_cursor": "\nBELOW('you')\n",
                    "related_files": ["<file_content file_name=\"a.py\">RELATED_FILE</file_content>"],
                    "related_snippets": ["<snippet_content name=\"b\">SNIPPET</snippet_content>"],
                    "libraries": ["LIBRARY"],
                    "user_instruction": format!("Write {CONTENT}"),
                },
            },
        }],
        "model_metadata": metadata(model),
    })
}

fn set(body: Value, field: &str, value: impl Into<Value>) -> Value {
    with(body, &format!("{PAYLOAD}.{field}"), value)
}

/// The older request.
fn older(model: &ModelServer) -> Value {
    let body = with(completion(model), "prompt", "");
    let body = with(body, "current_file.content_above_cursor", "def hello:\n ");
    with(body, "prompt_id", "code_suggestions/generations")
}

fn text(answer: &Value) -> &str {
    answer["choices"][0]["text"].as_str().unwrap_or("(none)")
}

#[test]
fn both_newer_routes_answer_the_same_object_field_by_field() {
    let model = ModelServer::start("def greet(name):\n    return name");
    let edge = open_gateway().start();
    for version in VERSIONS {
        for path in ROUTES {
            let arguments = [version, "-H", "X-Gitlab-Enabled-Feature-Flags: b,a"];
            let body = with(generation(&model), "model_metadata.name", "codestral");
            let answer = post(&edge, &arguments, path, &body);
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.field("content-type"), Some("application/json"));
            assert_eq!(answer.field("x-streaming-format"), None);
            let mut body = answer.json();
            assert!(body["metadata"]["timestamp"].take().as_u64() > Some(1_700_000_000));
            let engine = json!({
                "engine": "agent", "name": "Codestral 22B Code Generations", "lang": "python"
            });
            let text = "def greet(name):\n    return name";
            assert_eq!(
                body,
                json!({
                    "choices": [{"text": text, "index": 0, "finish_reason": "length"}],
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
    let asked = model.last().body;
    assert_eq!(asked["stop"], json!(["UNABLE_TO_GENERATE"]));
    assert_eq!(
        (&asked["max_tokens"], &asked["temperature"]),
        (&json!(256), &json!(0.3))
    );
}

#[test]
fn the_instruction_and_all_else_reach_the_prompt_of_every_family() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    for family in FAMILIES {
        let body = with(generation(&model), "model_metadata.name", family);
        let answer = post(&edge, &[], ROUTES[0], &body);
        assert_eq!(answer.status, 200, "{family} {answer:?}");
        let asked = model.last();
        for part in [
            &format!("Write {CONTENT}"),
            "# TRIMMED",
            "BELOW('you')",
            "RELATED_FILE",
            "SNIPPET",
            "LIBRARY",
            "EXAMPLE_CODE",
            "app/greeting.py",
        ] {
            assert!(
                asked.text().contains(part),
                "{family} loses {part}: {asked:?}"
            );
        }
        let last = asked.body["messages"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .clone();
        assert_eq!(last["role"], "user", "{family}: servers answer to a user");
    }
    // without an enhancer the file itself is what there is, and no version is the usual one
    let body = without(generation(&model), &format!("{PAYLOAD}.prompt_enhancer"));
    let body = without(body, &format!("{PAYLOAD}.prompt_version"));
    let body = without(body, &format!("{PAYLOAD}.prompt_id"));
    assert_eq!(post(&edge, &[], ROUTES[1], &body).status, 200);
    let asked = model.last().text();
    assert!(asked.contains("# Greets somebody by name\n"), "{asked}");
    assert!(asked.contains("greet('you')"), "{asked}");
    assert!(!asked.contains("<instruction>\n"), "{asked}");
}

#[test]
fn what_is_more_than_the_window_gives_way_to_the_instruction() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let body = with(generation(&model), "model_metadata.name", "codegemma");
    let enhancer = "prompt_enhancer";
    let body = set(
        body,
        &format!("{enhancer}.trimmed_content_above_cursor"),
        format!("FAR{}NEAR", "a".repeat(40_000)),
    );
    let body = set(
        body,
        &format!("{enhancer}.related_files"),
        json!(["f".repeat(60_000), "SMALL_FILE"]),
    );
    assert_eq!(post(&edge, &[], ROUTES[0], &body).status, 200);
    let asked = model.last().text();
    assert!(asked.len() < 8000 * 3, "{} bytes", asked.len());
    for part in [CONTENT, "NEAR", "SMALL_FILE", "SNIPPET", "BELOW"] {
        assert!(asked.contains(part), "{part}");
    }
    assert!(!asked.contains("FAR") && !asked.contains("fff"));
}

#[test]
fn streams_come_line_by_line_and_without_fences() {
    let pieces = [
        "Here it is:\n``",
        "`python\nde",
        "f f():\n",
        "  return",
        " 1\n\nx",
        " = 2\n``",
        "`\nEnjoy!",
    ];
    let model = ModelServer::with(Reply::Paced(
        pieces.map(ToOwned::to_owned).to_vec(),
        Duration::from_millis(20),
    ));
    let edge = open_gateway().start();
    let code = "def f():\n  return 1\n\nx = 2";
    for version in VERSIONS {
        let body = set(generation(&model), "stream", true);
        let answer = post(&edge, &[version], ROUTES[0], &body);
        assert_eq!((answer.status, answer.exit), (200, 0), "{answer:?}");
        let kind = answer.field("content-type");
        assert_eq!(kind, Some("text/event-stream; charset=utf-8"));
        assert_eq!(answer.body, code);

        let answer = post(&edge, &[version], V2, &with(older(&model), "stream", true));
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, code),
            "{answer:?}"
        );

        let arguments = [version, "-H", "X-Gitlab-Enabled-Feature-Flags: a"];
        let answer = post(&edge, &arguments, ROUTES[1], &body);
        assert_eq!(
            answer.field("x-streaming-format"),
            Some("sse"),
            "{answer:?}"
        );
        let time = answer.body.split("\"timestamp\": ").nth(1).unwrap();
        let time = time.split(',').next().unwrap();
        let chunk = |text: &str| {
            format!(
                "event: content_chunk\r\n\
                 data: {{\"choices\": [{{\"delta\": {{\"content\": {}}}, \"index\": 0}}]}}\r\n\r\n",
                json!(text)
            )
        };
        let chunks: String = ["def f():\n", "  return 1\n\n", "x = 2"]
            .map(chunk)
            .concat();
        assert_eq!(
            answer.body,
            format!(
                "event: stream_start\r\n\
                 data: {{\"metadata\": {{\"model\": {{\"engine\": \"agent\", \
                 \"name\": \"Mistral 7B Code Generations\"}}, \"timestamp\": {time}, \
                 \"enabled_feature_flags\": [\"a\"], \"region\": \"us-central1\"}}}}\r\n\r\n\
                 {chunks}event: stream_end\r\ndata: null\r\n\r\n"
            )
        );
    }
    assert_eq!(model.last().body["stream"], true);
}

#[test]
fn streams_that_break_are_cut_and_failures_before_get_a_status() {
    let piece = "data: {\"choices\": [{\"index\": 0, \"delta\": {\"content\": \"half\\nx\"}}]}\n\n";
    let model = ModelServer::with(Reply::CutEvents(piece.to_owned()));
    let edge = open_gateway().start();
    let newer = set(generation(&model), "stream", true);
    let streams = [
        (ROUTES[0], newer.clone()),
        (ROUTES[1], newer),
        (V2, with(older(&model), "stream", true)),
    ];
    for (path, body) in &streams {
        for version in VERSIONS {
            let answer = post(&edge, &[version], path, body);
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(answer.body.contains("half"), "{answer:?}");
            assert!(!answer.body.contains("stream_end"), "{answer:?}");
            assert_ne!(answer.exit, 0, "{path}: the client has to see a failure");
        }
    }
    for (status, expected) in [(500, 502), (503, 503), (429, 429), (401, 502)] {
        model.reply(Reply::Status(status, vec![], "{}".to_owned()));
        for (path, body) in &streams {
            let answer = post(&edge, &[], path, body);
            assert_eq!(answer.status, expected, "{path} {answer:?}");
            assert!(answer.json()["detail"].is_string(), "{answer:?}");
        }
    }
}

#[test]
fn whole_answers_lose_fences_and_begin_a_line_where_the_version_says_so() {
    let model = ModelServer::start("");
    let edge = open_gateway().start();
    let behind = "x = 1  # a comment";
    // what the model says, what stands above, the version, the text
    for (said, above, version, expected) in [
        ("```python\nfoo\n```\nThat is foo.", behind, "^1.0.0", "foo"),
        ("  foo \n\n", behind, "1.0.0", "  foo"),
        ("foo", behind, "1.1.0-dev", "foo"),
        ("foo", behind, "3.0.2-dev", "foo"),
        ("foo", behind, "1.2.0", "\nfoo"),
        ("\nfoo", behind, "1.2.0-dev", "\nfoo"),
        ("```\nfoo\n```", behind, "2.0.0", "\nfoo"),
        ("foo", "x\n", "2.0.1", "foo"),
        ("foo", "", "2.0.2-dev", "foo"),
        ("foo\n\ngreet('you')\n", behind, "^1.0.0", "foo"),
        (" \n", behind, "2.0.0", "(none)"),
        ("UNABLE_TO_GENERATE", behind, "^1.0.0", "(none)"),
        ("<think>Hm.</think>\nfoo", behind, "^1.0.0", "foo"),
        // of constraints that the reference answers with 500
        ("foo", behind, ">=1.0,<2.0", "\nfoo"),
    ] {
        model.reply(Reply::Pieces(vec![said.to_owned()]));
        let body = set(generation(&model), "content_above_cursor", above);
        let body = set(body, "prompt_version", version);
        let answer = post(&edge, &[], ROUTES[1], &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(text(&answer.json()), expected, "{said:?} {version}");
    }
}

#[test]
fn the_older_route_answers_field_by_field() {
    let model = ModelServer::start("    return 1");
    let edge = open_gateway().start();
    // provider, model, whether a prompt is named: engine and name
    for (version, family, named, engine, name) in [
        (
            VERSIONS[0],
            "mistral",
            true,
            "agent",
            "Mistral 7B Code Generations",
        ),
        (
            VERSIONS[1],
            "general",
            true,
            "agent",
            "Code Generations Agent",
        ),
        (
            VERSIONS[0],
            "mistral",
            false,
            "litellm",
            "custom_openai/mistral",
        ),
    ] {
        let body = with(older(&model), "model_name", family);
        let body = if named {
            body
        } else {
            without(body, "prompt_id")
        };
        let answer = post(&edge, &[version], V2, &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut body = answer.json();
        assert!(body["created"].take().as_u64() > Some(1_700_000_000));
        assert_eq!(
            body,
            json!({
                "id": "id",
                "model": {
                    "engine": engine,
                    "name": name,
                    "lang": "python",
                    "tokens_consumption_metadata": null,
                    "region": "us-central1",
                },
                "experiments": [],
                "object": "text_completion",
                "created": null,
                "choices": [{"text": "\n    return 1", "index": 0, "finish_reason": "length"}],
                "metadata": {"enabled_feature_flags": []},
            })
        );
        assert!(
            model.last().text().contains("def hello:\n "),
            "{:?}",
            model.last()
        );
    }
}

#[test]
fn what_the_client_wrote_itself_is_asked_in_the_place_of_a_prompt() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let own = without(older(&model), "prompt_id");
    let body = with(own.clone(), "prompt", "Write a haiku in Python");
    assert_eq!(post(&edge, &[], V2, &body).status, 200);
    let haiku = json!([{"role": "user", "content": "Write a haiku in Python"}]);
    assert_eq!(model.last().body["messages"], haiku);

    let messages = json!([
        {"role": "system", "content": "You write code."},
        {"role": "user", "content": "A haiku"},
        {"role": "assistant", "content": "Sure:"},
        {"role": "user", "content": "Go on"},
    ]);
    let body = with(
        with(own.clone(), "prompt_version", 3),
        "prompt",
        messages.clone(),
    );
    assert_eq!(post(&edge, &[], V2, &body).status, 200);
    assert_eq!(model.last().body["messages"], messages);

    // a prompt that is named wins, and version 1 has no other
    let body = with(body, "prompt_id", "code_suggestions/generations");
    assert_eq!(post(&edge, &[], V2, &body).status, 200);
    assert!(model.last().text().contains("def hello:"));
    let body = with(without(own, "prompt"), "prompt_version", 1);
    assert_eq!(post(&edge, &[], V2, &body).status, 200);
    assert!(model.last().text().contains("def hello:"));
}

#[test]
fn what_does_not_fit_the_contract_is_refused_by_field() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let first = "prompt_components[0].payload";
    let newer = || generation(&model);
    for (body, field) in [
        (
            set(newer(), "prompt_version", "^9.0.0"),
            "prompt_version: No version matching",
        ),
        (set(newer(), "prompt_version", "abc"), "prompt_version: "),
        (
            set(newer(), "prompt_version", 2),
            "prompt_version: must be a string",
        ),
        (set(newer(), "prompt_id", "no/such"), "prompt_id: "),
        (
            set(newer(), "prompt_enhancer", "x"),
            "prompt_enhancer: must be an object",
        ),
        (set(newer(), "file_name", Value::Null), "file_name: "),
        (
            set(newer(), "model_provider", "litellm"),
            "model_provider: ",
        ),
    ] {
        for path in ROUTES {
            let answer = post(&edge, &[], path, &body);
            assert_eq!(answer.status, 422, "{field} {answer:?}");
            let detail = answer.json()["detail"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            assert!(
                detail.starts_with(&format!("{first}.{field}")),
                "{field}: {detail}"
            );
        }
    }
    let older = || older(&model);
    for (body, field) in [
        (without(older(), "prompt_version"), "prompt_version: "),
        (with(older(), "prompt_version", "2"), "prompt_version: "),
        (without(older(), "prompt"), "prompt: "),
        (with(older(), "prompt", json!([])), "prompt: "),
        (
            with(without(older(), "prompt_id"), "prompt_version", 3),
            "prompt: ",
        ),
        (
            with(
                with(without(older(), "prompt_id"), "prompt_version", 3),
                "prompt",
                json!([{"role": "robot", "content": "x"}]),
            ),
            "prompt[0].role: ",
        ),
        (with(older(), "prompt_id", "no/such"), "prompt_id: "),
        (with(older(), "model_name", "mistal"), "model_name: "),
        (without(older(), "current_file"), "current_file: "),
    ] {
        let answer = post(&edge, &[], V2, &body);
        assert_eq!(answer.status, 422, "{field} {answer:?}");
        let detail = answer.json()["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(detail.starts_with(field), "{field}: {detail}");
    }
    assert!(model.requests().is_empty());
}

#[test]
fn generations_are_counted_under_their_permission() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    assert_eq!(post(&edge, &[], ROUTES[0], &generation(&model)).status, 200);
    let metrics = edge.operator("/metrics").body;
    let counted = metrics.lines().find(|line| {
        line.starts_with("model_inferences_total{")
            && line.contains("unit_primitive=\"generate_code\"")
    });
    let counted = counted.unwrap_or_else(|| panic!("{metrics}"));
    assert!(
        counted.contains("feature_category=\"code_suggestions\""),
        "{counted}"
    );
    assert!(
        metrics.contains("code_suggestions_prompt_language_total{lang=\"python\""),
        "{metrics}"
    );
    assert!(
        metrics.contains("handler=\"/v3/code/completions\""),
        "{metrics}"
    );
}
