//! Paths, methods, preflights, pages, and what every answer carries.

use serde_json::json;

use super::{CONTENT, FAMILIES, VERSIONS, completion, open_gateway, post, post_file};
use crate::support::{Settings, fetch, model_server::ModelServer};

#[test]
fn paths_and_methods_are_answered_as_documented() {
    let edge = open_gateway().start();
    for version in VERSIONS {
        for (method, path, status, body) in [
            ("GET", "/monitoring/healthz", 200, r#"{"status":"ok"}"#),
            (
                "POST",
                "/monitoring/healthz",
                405,
                r#"{"detail":"Method Not Allowed"}"#,
            ),
            ("GET", "/monitoring/ready", 200, r#"{"status":"ok"}"#),
            ("GET", "/metrics", 404, r#"{"detail":"Not Found"}"#),
            ("GET", "/", 404, r#"{"detail":"Not Found"}"#),
            (
                "POST",
                "/v1/x-ray/libraries",
                404,
                r#"{"detail":"Not Found"}"#,
            ),
            (
                "GET",
                "/v2/code/completions",
                405,
                r#"{"detail":"Method Not Allowed"}"#,
            ),
            (
                "GET",
                "/v1/prompts/chat%2Ffix_code",
                405,
                r#"{"detail":"Method Not Allowed"}"#,
            ),
            ("POST", "/v1/prompts/", 404, r#"{"detail":"Not Found"}"#),
        ] {
            let answer = fetch(&edge, &[version, "-X", method], path);
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (status, body),
                "{method} {path}"
            );
            if status == 405 {
                let allow = if path.starts_with("/mon") {
                    "GET, HEAD"
                } else {
                    "POST"
                };
                assert_eq!(answer.field("allow"), Some(allow));
            }
            assert!(answer.field("x-request-id").is_some());
            assert!(answer.field("x-process-time").is_some());
        }
        let moved = fetch(&edge, &[version, "-X", "POST"], "/v1/prompts/a%20b/?c=d");
        assert_eq!(moved.status, 307);
        assert_eq!(moved.field("location"), Some("/v1/prompts/a%20b?c=d"));
    }
}

#[test]
fn strangers_learn_nothing_of_paths() {
    let edge = Settings::public().start();
    for version in VERSIONS {
        for (method, path) in [
            ("GET", "/"),
            ("POST", "/v2/code/completions"),
            ("GET", "/nothing"),
            ("GET", "/docs"),
            ("GET", "/openapi.json"),
            ("GET", "/monitoring/healthz/"),
            ("DELETE", "/v1/prompts/x"),
        ] {
            let answer = fetch(&edge, &[version, "-X", method], path);
            assert_eq!(answer.status, 401, "{method} {path}");
            assert_eq!(
                answer.body,
                r#"{"error":"No authorization header presented"}"#
            );
            assert_eq!(answer.field("www-authenticate"), None);
        }
        let head = fetch(&edge, &[version, "--head"], "/");
        assert_eq!((head.status, head.body.trim()), (401, head.head.trim()));
        let definitions = fetch(&edge, &[version], "/v1/models%2Fdefinitions");
        assert_eq!(definitions.status, 200, "{definitions:?}");
    }
}

#[test]
fn preflights_are_answered_before_any_token() {
    let edge = Settings::public().start();
    let ask = |method: &str| {
        let method = format!("Access-Control-Request-Method: {method}");
        let arguments = [
            "-X",
            "OPTIONS",
            "-H",
            "Origin: https://ide.example",
            "-H",
            &method,
            "-H",
            "Access-Control-Request-Headers: authorization,x-gitlab-realm",
        ];
        fetch(&edge, &arguments, "/v2/code/completions")
    };
    let allowed = ask("POST");
    assert_eq!((allowed.status, allowed.body.as_str()), (200, "OK"));
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "POST"),
        ("access-control-max-age", "600"),
        (
            "access-control-allow-headers",
            "authorization,x-gitlab-realm",
        ),
    ] {
        assert_eq!(allowed.field(name), Some(value), "{name}");
    }
    let refused = ask("GET");
    assert_eq!(
        (refused.status, refused.body.as_str()),
        (400, "Disallowed CORS method")
    );
    let plain = fetch(&edge, &["-H", "Origin: https://ide.example"], "/");
    assert_eq!(
        (plain.status, plain.field("access-control-allow-origin")),
        (401, Some("*"))
    );
}

#[test]
fn bodies_have_to_be_json_and_say_so() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let good = completion(&model).to_string();
    for (kind, body, status) in [
        ("application/json", good.as_str(), 200),
        ("application/json; charset=utf-8", &good, 200),
        ("Application/JSON", &good, 200),
        ("text/plain", &good, 422),
        ("", &good, 422),
        ("application/json", "", 422),
        ("application/json", "{\"secret", 422),
        ("application/json", "[[", 422),
        ("application/json", "\u{feff}{}", 422),
        ("application/json", &"[".repeat(1000), 422),
    ] {
        let kind = format!("Content-Type: {kind}");
        let arguments = ["-H", &kind, "--data-binary", body];
        let answer = fetch(&edge, &arguments, "/v2/code/completions");
        assert_eq!(answer.status, status, "{kind} {body:.20} {answer:?}");
        assert!(!answer.body.contains("secret"), "{answer:?}");
    }
}

#[test]
fn large_bodies_are_taken_and_larger_ones_refused() {
    let model = ModelServer::start("x");
    let edge = open_gateway()
        .set("limits.api_body_bytes", 4_000_000)
        .start();
    let send = |body: &serde_json::Value| post_file(&edge, "/v2/code/completions", body);
    let context = json!([{"type": "file", "name": "a", "content": "あ".repeat(500_000)}]);
    let body = super::with(completion(&model), "context", context);
    let answer = send(&body);
    assert_eq!(answer.status, 200, "{answer:?}");
    let items: Vec<_> = (0..9)
        .map(|_| json!({"type": "file", "name": "a", "content": "x".repeat(500_000)}))
        .collect();
    let answer = send(&super::with(completion(&model), "context", items));
    assert_eq!(answer.status, 413, "{answer:?}");
    assert!(
        answer.json()["detail"]
            .as_str()
            .unwrap()
            .contains("4000000"),
        "{answer:?}"
    );
}

#[test]
fn the_pages_stand_where_the_configuration_says() {
    let edge = open_gateway()
        .set("pages.docs", "/help")
        .set("pages.redoc", "/more")
        .start();
    let document = fetch(&edge, &[], "/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert!(
        paths.contains(&&"/v2/code/completions".to_owned()),
        "{paths:?}"
    );
    for path in ["/help", "/more"] {
        let page = fetch(&edge, &[], path);
        assert_eq!(
            (page.status, page.field("content-type")),
            (200, Some("text/html; charset=utf-8"))
        );
        assert!(page.body.contains("/v1/prompts/{prompt_id}"));
        assert!(
            !page.body.contains("<script"),
            "nothing is fetched from elsewhere"
        );
    }
    assert_eq!(fetch(&edge, &[], "/docs").status, 404);
}

#[test]
fn the_definitions_name_every_family() {
    let edge = Settings::public().start();
    let answer = fetch(&edge, &[], "/v1/models/definitions").json();
    let models = answer["models"].as_array().unwrap();
    for family in FAMILIES {
        let found = models.iter().find(|model| model["identifier"] == family);
        let found = found.unwrap_or_else(|| panic!("{family} is absent"));
        assert_eq!(found["provider"], serde_json::Value::Null, "{found}");
        assert!(
            found.as_object().unwrap().contains_key("deprecation"),
            "nulls are written out"
        );
    }
    let features = answer["unit_primitives"].as_array().unwrap();
    for feature in [
        "duo_chat",
        "code_completions",
        "code_generations",
        "review_merge_request",
    ] {
        assert!(
            features
                .iter()
                .any(|found| found["feature_setting"] == feature),
            "{feature}"
        );
    }
}

#[test]
fn requests_are_logged_with_what_gitlab_says_and_counted() {
    let model = ModelServer::start("an answer that only verbose logs show");
    let mut edge = open_gateway().start();
    let arguments = [
        "-H",
        "Authorization: Bearer nobody-looks-at-this",
        "-H",
        "X-Request-ID: find-me-1",
        "-H",
        "X-Gitlab-Instance-Id: instance-7",
        "-H",
        "X-Gitlab-Version: 18.9.0",
        "-H",
        "X-Gitlab-Global-User-Id: ",
        "-H",
        "X-Gitlab-Rails-Send-Start: 1000000.5",
        "-H",
        "X-Gitlab-Enabled-Instance-Verbose-Ai-Logs: false",
    ];
    let answer = post(
        &edge,
        &arguments,
        "/v2/code/completions",
        &completion(&model),
    );
    assert_eq!(answer.status, 200);
    let line = edge.log_line("\"gitlab_instance_id\":\"instance-7\"");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["correlation_id"], "find-me-1");
    assert_eq!(line["gitlab_version"], "18.9.0");
    assert_eq!(line["status_code"], 200);
    assert!(line["duration_request"].as_f64().unwrap() > 1e9, "{line}");
    assert!(
        line.get("gitlab_global_user_id").is_none(),
        "empty values say nothing: {line}"
    );
    let log = edge.log();
    for secret in [
        "nobody-looks-at-this",
        super::MODEL_KEY,
        "only verbose logs",
        CONTENT,
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    let metrics = edge.operator("/metrics").body;
    for sample in [
        "http_request_duration_seconds_count{handler=\"/v2/code/completions\",method=\"POST\",status=\"2xx\"} 1",
        "code_suggestions_prompt_language_total{lang=\"python\",extension=\"py\",editor_lang=\"python\"} 1",
        "model_inferences_total{",
    ] {
        assert!(metrics.contains(sample), "{sample}\n{metrics}");
    }
    edge.process.expect_contents();
    let verbose = ["-H", "X-Gitlab-Enabled-Instance-Verbose-Ai-Logs: true"];
    assert_eq!(
        post(&edge, &verbose, "/v2/code/completions", &completion(&model)).status,
        200
    );
    assert!(
        edge.log_line("only verbose logs")
            .contains("\"kind\":\"answer\"")
    );
    let log = edge.log();
    assert!(log.contains(CONTENT), "the prompt too");
    assert!(!log.contains(super::MODEL_KEY), "but never a key");
}

#[test]
fn headers_that_any_server_could_ask_for_are_warned_of() {
    let header = json!([{"name": "X-Team", "value": "secret"}]);
    for (hosts, expected) in [(json!([]), true), (json!(["127.0.0.1"]), false)] {
        let mut edge = open_gateway()
            .set("models.extra_headers", header.clone())
            .set("models.allowed_hosts", hosts)
            .start();
        // a line that comes after those of a start
        fetch(&edge, &[], "/v1/nothing");
        edge.log_line("/v1/nothing");
        let warned = edge
            .log()
            .contains("models.extra_headers are sent to whatever");
        assert_eq!(warned, expected, "{}", edge.log());
    }
}
