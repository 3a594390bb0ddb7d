//! Model servers that fail: the code that GitLab reads, how often they were asked, and how soon.

use std::time::{Duration, Instant};

use duogate::model::{Budget, Event, ModelError};
use futures_util::StreamExt;
use serde_json::json;

use super::{KEY, Room, budget, metadata, request};
use crate::support::{
    Port,
    model_server::{ModelServer, Reply},
};

fn status(code: u16, body: &str) -> Reply {
    let headers = vec![("Content-Type", "application/json")];
    Reply::Status(code, headers, body.to_owned())
}

#[tokio::test]
async fn each_failure_has_its_code_and_its_number_of_attempts() {
    let refusal = format!(r#"{{"error": {{"message": "no {KEY} here", "type": "x"}}}}"#);
    let refusal = refusal.as_str();
    let html = "<html>nginx</html>";
    let event = |json: &str| Reply::Events(format!("data: {json}\n\n"));
    let moved = vec![("Location", "http://127.0.0.1:1/")];
    for (reply, wire, reason, attempts) in [
        (status(400, refusal), "400: Bad Request", "bad_request", 1),
        (status(401, refusal), "401: Unauthorized", "credentials", 1),
        (status(403, refusal), "403: Forbidden", "credentials", 1),
        (status(404, refusal), "404: Not Found", "not_found", 1),
        (status(422, refusal), "422: Unprocessable", "bad_request", 1),
        (status(429, refusal), "429: Too Many", "rate_limited", 1),
        (status(500, refusal), "500: Internal", "server_error", 3),
        (status(502, html), "502: Bad Gateway", "server_error", 3),
        (status(503, refusal), "503: Service", "server_error", 3),
        (status(504, html), "504: Gateway", "server_error", 3),
        (
            Reply::Status(302, moved, String::new()),
            "500: Internal Server Error - the model server redirects",
            "other_status",
            1,
        ),
        (status(200, html), "500: Internal", "malformed", 1),
        (
            status(200, r#"{"choices": [{"mess"#),
            "500: Internal",
            "malformed",
            1,
        ),
        (status(200, "{}"), "500: Internal", "malformed", 1),
        (
            Reply::Status(200, vec![("Content-Type", "text/html")], html.to_owned()),
            "500: Internal",
            "malformed",
            1,
        ),
        (status(200, refusal), "500: Internal", "told", 1),
        (event(refusal), "500: Internal", "told", 1),
        (
            event(r#"{"error": {"message": "later", "code": 429}}"#),
            "429: Too Many",
            "rate_limited",
            1,
        ),
        (
            event(r#"{"object": "error", "message": "m", "code": 404}"#),
            "404: Not Found",
            "not_found",
            1,
        ),
        (Reply::Reset, "500: Internal", "reset", 3),
    ] {
        let server = ModelServer::with(reply.clone());
        let room = Room::with(&[]);
        let began = Instant::now();
        let error = room.whole(&metadata(&server), true).await.unwrap_err();
        assert!(
            error.wire().starts_with(wire),
            "{reply:?}: {}",
            error.wire()
        );
        assert_eq!(server.requests().len(), attempts, "{reply:?}");
        assert!(began.elapsed() < Duration::from_secs(2), "{reply:?}");
        secret(&error);
        let counted = format!("duogate_model_failures_total{{reason=\"{reason}\"");
        assert!((room.metric(&counted) - 1.0).abs() < 0.1, "{reply:?}");
        assert!((room.metric("model_inferences_total") - 1.0).abs() < 0.1);
    }
}

/// Neither the caller nor the log learns the key.
fn secret(error: &ModelError) {
    for text in [error.wire(), error.log(), format!("{error:?} {error}")] {
        assert!(!text.contains(KEY), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_fails_at_once() {
    let room = Room::with(&[]);
    let mut wanted = metadata(&ModelServer::start(""));
    wanted["endpoint"] = json!(format!("http://{}/v1", Port::free().address()));
    let began = Instant::now();
    let error = room.whole(&wanted, false).await.unwrap_err();
    let words = "500: Internal Server Error - the model server cannot be reached";
    assert_eq!(error.wire(), words);
    assert!(error.log().contains("refused"), "{}", error.log());
    assert!(began.elapsed() < Duration::from_millis(500));
    assert!((room.metric("duogate_model_attempts_total") - 1.0).abs() < 0.1);
}

#[tokio::test]
async fn the_callers_time_is_kept() {
    let short = Budget {
        first_byte: Duration::from_millis(300),
        total: None,
        idle: Duration::from_millis(200),
    };
    let failing = status(500, "{}");
    for (reply, wire) in [
        (Reply::Silence, "408: Request Timeout"),
        (failing, "500: Internal Server Error"),
        (
            Reply::Stall(": ping\n\n".to_owned()),
            "408: Request Timeout",
        ),
    ] {
        for stream in [false, true] {
            let server = ModelServer::with(reply.clone());
            let room = Room::with(&[]);
            let began = Instant::now();
            let asked = room.ask(&metadata(&server), request(stream), short).await;
            let wire_text = asked.unwrap_err().wire();
            assert!(wire_text.starts_with(wire), "{reply:?}: {wire_text}");
            assert!(began.elapsed() < Duration::from_secs(1), "{reply:?}");
            let failed = room.metric("model_inferences_total{model_engine=\"litellm-chat\"");
            assert!((failed - 1.0).abs() < 0.1);
        }
    }
}

#[tokio::test]
async fn a_server_that_asks_for_a_moment_gets_it_and_one_that_asks_for_more_is_told_on() {
    let busy = |seconds| Reply::Status(503, vec![("Retry-After", seconds)], "{}".to_owned());
    let server = ModelServer::with(busy("1"));
    let room = Room::with(&[]);
    let began = Instant::now();
    let error = room.whole(&metadata(&server), false).await.unwrap_err();
    assert!(began.elapsed() >= Duration::from_secs(2));
    assert_eq!((error.retry_after(), server.requests().len()), (Some(1), 3));
    let server = ModelServer::with(busy("17"));
    let error = room.whole(&metadata(&server), false).await.unwrap_err();
    assert_eq!(
        (error.retry_after(), server.requests().len()),
        (Some(17), 1)
    );
}

#[tokio::test]
async fn a_stream_that_breaks_tells_what_came_and_then_fails_once() {
    let half = "data: {\"choices\": [{\"delta\": {\"content\": \"half\"}}]}\n\n";
    let short = Budget {
        idle: Duration::from_millis(300),
        ..budget()
    };
    for (reply, reason) in [
        (Reply::CutEvents(half.to_owned()), "cut"),
        (Reply::Events(half.to_owned()), "cut"),
        (Reply::Stall(half.to_owned()), "timeout"),
        (
            Reply::Events(format!(
                "{half}data: {{\"error\": {{\"message\": \"oom\"}}}}\n\n"
            )),
            "told",
        ),
        (
            Reply::Events(format!("{half}data: {{\"choi\n\n")),
            "malformed",
        ),
    ] {
        let server = ModelServer::with(reply.clone());
        let room = Room::with(&[]);
        let asked = room.ask(&metadata(&server), request(true), short).await;
        let said: Vec<_> = StreamExt::collect(asked.unwrap()).await;
        assert_eq!(said.len(), 2, "{reply:?}: {said:?}");
        assert_eq!(said[0], Ok(Event::Text("half".to_owned())));
        assert!(said[1].is_err());
        assert_eq!(server.requests().len(), 1, "nothing is asked again");
        let counted = format!("duogate_model_failures_total{{reason=\"{reason}\"");
        assert!((room.metric(&counted) - 1.0).abs() < 0.1, "{reply:?}");
    }
}

#[tokio::test]
async fn what_has_no_end_is_given_up() {
    let server = ModelServer::with(Reply::Endless);
    let room = Room::with(&[]);
    let error = room.whole(&metadata(&server), false).await.unwrap_err();
    assert!(error.wire().contains("has no end"), "{}", error.wire());
    // one event without an end
    let server = ModelServer::with(Reply::Events(format!("data: {}", "x".repeat(2 << 20))));
    let error = room.whole(&metadata(&server), true).await.unwrap_err();
    assert!(error.wire().contains("has no end"), "{}", error.wire());
}
