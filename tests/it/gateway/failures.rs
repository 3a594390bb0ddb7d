//! Model servers that fail, in every way: the specified answer, at once, and the reason in the log.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{CONTENT, MODEL_KEY, completion, open_gateway, post, prompt, with};
use crate::support::{
    Port,
    model_server::{ModelServer, Reply},
};

const CHECK: &str = "/v1/prompts/model_configuration%2Fcheck";
const COMMIT: &str = "/v1/prompts/generate_commit_message";

fn status(code: u16, body: &str) -> Reply {
    Reply::Status(
        code,
        vec![("Content-Type", "application/json")],
        body.to_owned(),
    )
}

#[test]
fn what_the_model_server_says_becomes_what_gitlab_reads() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let refusal = r#"{"error": {"message": "no such thing", "type": "x", "code": 7}}"#;
    let html = "<html>nginx</html>";
    // reply, 421 of prompts, status of code
    let cases = [
        (status(400, refusal), "400: Bad Request", 502),
        (status(401, refusal), "401: Unauthorized", 502),
        (status(403, refusal), "403: Forbidden", 502),
        (status(404, refusal), "404: Not Found", 502),
        (status(422, refusal), "422: Unprocessable", 502),
        (status(500, refusal), "500: Internal Server Error", 502),
        (status(502, html), "502: Bad Gateway", 502),
        (status(503, refusal), "503: Service Unavailable", 503),
        (status(200, html), "500: Internal Server Error", 502),
        (
            status(200, r#"{"choices": [{"mess"#),
            "500: Internal Server Error",
            502,
        ),
        (status(200, "{}"), "500: Internal Server Error", 502),
        (Reply::Reset, "500: Internal Server Error", 502),
    ];
    for (reply, wire, code) in cases {
        model.reply(reply.clone());
        for stream in [false, true] {
            let began = Instant::now();
            let answer = post(&edge, &[], COMMIT, &with(prompt(&model), "stream", stream));
            assert_eq!(answer.status, 421, "{reply:?} {answer:?}");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.starts_with(wire), "{reply:?}: {detail}");
            let answer = post(
                &edge,
                &[],
                "/v2/code/completions",
                &with(completion(&model), "stream", stream),
            );
            assert_eq!(answer.status, code, "{reply:?} {answer:?}");
            assert!(
                answer.json()["detail"].as_str().unwrap().contains(wire),
                "{answer:?}"
            );
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "{reply:?} {:?}",
                began.elapsed()
            );
        }
    }
    let log = edge.log();
    assert!(log.contains("401"), "the reason is in the log");
    assert!(!log.contains(MODEL_KEY), "the key is not");
}

#[test]
fn too_many_requests_are_handed_on_with_their_pause() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    model.reply(Reply::Status(
        429,
        vec![("Retry-After", "17")],
        "{}".to_owned(),
    ));
    let answer = post(&edge, &[], "/v2/code/completions", &completion(&model));
    assert_eq!(
        (answer.status, answer.field("retry-after")),
        (429, Some("17")),
        "{answer:?}"
    );
    assert_eq!(
        answer.body,
        r#"{"detail":"Too many requests. Please try again later."}"#
    );
    let answer = post(&edge, &[], COMMIT, &prompt(&model));
    assert_eq!(answer.status, 421, "{answer:?}");
    assert!(
        answer
            .body
            .starts_with(r#"{"detail":"429: Too Many Requests"#),
        "{answer:?}"
    );
}

#[test]
fn streams_that_break_are_cut_and_not_ended() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let piece = "data: {\"choices\": [{\"index\": 0, \"delta\": {\"content\": \"half\"}}]}\n\n";
    let error = "data: {\"error\": {\"message\": \"out of memory\"}}\n\n";
    for reply in [
        Reply::CutEvents(piece.to_owned()),
        Reply::Events(piece.to_owned()),
        Reply::Events(format!("{piece}{error}")),
        Reply::Events(format!("{piece}data: {{\"choices\": [{{\"de\n\n")),
    ] {
        model.reply(reply.clone());
        for version in super::VERSIONS {
            let body = with(prompt(&model), "stream", true);
            let answer = post(&edge, &[version], COMMIT, &body);
            assert_eq!(answer.status, 200, "{reply:?} {answer:?}");
            assert_eq!(answer.body, "half", "{reply:?}");
            assert_ne!(answer.exit, 0, "{reply:?}: the client has to see a failure");
        }
    }
    // an error before any text still gets a status
    model.reply(Reply::Events(error.to_owned()));
    let answer = post(&edge, &[], COMMIT, &with(prompt(&model), "stream", true));
    assert_eq!(answer.status, 421, "{answer:?}");
    // and a stream that only forgets its [DONE] is whole
    let end =
        "data: {\"choices\": [{\"index\": 0, \"delta\": {}, \"finish_reason\": \"stop\"}]}\n\n";
    model.reply(Reply::Events(format!(": ping\n\n{piece}{end}")));
    let answer = post(&edge, &[], COMMIT, &with(prompt(&model), "stream", true));
    assert_eq!(
        (answer.status, answer.body.as_str(), answer.exit),
        (200, "half", 0)
    );
}

#[test]
fn keys_and_texts_that_come_back_in_a_servers_words_stay_out_of_the_log() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let piece = "data: {\"choices\": [{\"index\": 0, \"delta\": {\"content\": \"half\"}}]}\n\n";
    // one whole, and one that a bound on the words would cut in two
    for before in ["wrong key ", &"x".repeat(190)] {
        let error = json!({"error": {"message": format!("{before}{MODEL_KEY}")}});
        for reply in [
            status(401, &error.to_string()),
            Reply::Events(format!("data: {error}\n\n")),
            Reply::Events(format!("{piece}data: {error}\n\n")),
            // what a model said, where something else should stand
            status(200, &json!({"choices": CONTENT}).to_string()),
            Reply::Events(format!("{piece}data: {}\n\n", json!({"choices": CONTENT}))),
        ] {
            model.reply(reply);
            post(&edge, &[], COMMIT, &with(prompt(&model), "stream", true));
        }
    }
    let log = edge.log();
    assert!(
        log.contains("wrong key **********"),
        "a few words are: {log}"
    );
    for secret in [&MODEL_KEY[..9], CONTENT] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn the_model_check_answers_within_its_three_seconds() {
    let model = ModelServer::start("Hello");
    let edge = open_gateway().start();
    let body = || json!({"inputs": {}, "stream": false, "model_metadata": super::metadata(&model)});
    let check = |body: &serde_json::Value| {
        let began = Instant::now();
        let answer = post(&edge, &[], CHECK, body);
        (answer, began.elapsed())
    };
    let (good, took) = check(&body());
    assert_eq!((good.status, good.body.as_str()), (200, "\"Hello\""));
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(model.last().body["max_tokens"], 16);

    model.reply(Reply::Silence);
    let (slow, took) = check(&body());
    assert_eq!(slow.status, 421, "{slow:?}");
    assert!(slow.body.contains("408: Request Timeout"), "{slow:?}");
    assert!(took < Duration::from_millis(2900), "{took:?}");

    model.reply(status(500, "{}"));
    let (failing, took) = check(&body());
    assert_eq!(failing.status, 421, "{failing:?}");
    assert!(
        failing.body.contains("500: Internal Server Error"),
        "{failing:?}"
    );
    assert!(took < Duration::from_millis(2900), "{took:?}");

    let nobody = format!("http://{}/v1", Port::free().address());
    let (refused, took) = check(&with(body(), "model_metadata.endpoint", nobody));
    assert_eq!(refused.status, 421, "{refused:?}");
    assert!(
        refused.body.contains("500: Internal Server Error"),
        "{refused:?}"
    );
    assert!(took < Duration::from_secs(1), "{took:?}");

    let mistyped = with(body(), "model_metadata.identifier", "bedrok/claude");
    let (_, took) = check(&mistyped);
    assert!(took < Duration::from_millis(2900), "{took:?}");
}

#[test]
fn an_answer_without_end_is_given_up() {
    let model = ModelServer::with(Reply::Endless);
    let edge = open_gateway().start();
    let before = edge.resident_bytes();
    let answer = post(&edge, &[], COMMIT, &prompt(&model));
    assert_eq!(answer.status, 421, "{answer:?}");
    assert!(
        edge.resident_bytes() < before + 100_000_000,
        "memory is bounded"
    );
}

#[test]
fn a_client_that_leaves_takes_the_model_along() {
    let pieces = vec!["x".to_owned(); 200];
    let model = ModelServer::with(Reply::Paced(pieces, Duration::from_millis(50)));
    let edge = open_gateway().start();
    for version in super::VERSIONS {
        let before = model.left();
        let body = with(prompt(&model), "stream", true);
        let answer = post(&edge, &[version, "--max-time", "1"], COMMIT, &body);
        assert_eq!(answer.exit, 28, "curl ran out of time: {answer:?}");
        let end = Instant::now() + Duration::from_secs(5);
        while model.left() == before {
            assert!(Instant::now() < end, "the model server still writes");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
