//! Several servers behind one endpoint, bounds for each, and rest for those that fail.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Room, budget, metadata, request};
use crate::support::{
    Port,
    model_server::{ModelServer, Reply},
};

/// What GitLab's administrator typed; nobody listens there.
const ENDPOINT: &str = "http://models.example.com/v1";

/// Models with servers that stand for the endpoint.
fn room(urls: &[String], concurrency: &str) -> Room {
    let urls = urls.join(",");
    Room::with(&[
        ("DUOGATE_MODELS__ENDPOINTS__0__MATCH", ENDPOINT),
        ("DUOGATE_MODELS__ENDPOINTS__0__URLS", urls.as_str()),
        ("DUOGATE_MODELS__ENDPOINTS__0__CONCURRENCY", concurrency),
        // what the operator wrote there needs no permission
        ("DUOGATE_MODELS__ALLOWED_HOSTS", "other.example.com"),
    ])
}

fn wanted() -> serde_json::Value {
    let server = ModelServer::start("");
    let mut metadata = metadata(&server);
    metadata["endpoint"] = json!(format!("{ENDPOINT}/"));
    metadata
}

#[tokio::test]
async fn calls_are_shared_by_load() {
    let servers = [ModelServer::start("a"), ModelServer::start("b")];
    let room = room(&servers.each_ref().map(ModelServer::url), "8");
    for _ in 0..4 {
        room.whole(&wanted(), false).await.unwrap();
    }
    let asked = servers.each_ref().map(|server| server.requests().len());
    assert_eq!(asked, [2, 2]);
    // while one is busy the other gets all
    servers[0].reply(Reply::Stall(
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n".to_owned(),
    ));
    let slow = room.ask(&wanted(), request(true), budget()).await.unwrap();
    for _ in 0..4 {
        room.whole(&wanted(), false).await.unwrap();
    }
    assert_eq!(servers[1].requests().len(), 6);
    drop(slow);
}

#[tokio::test]
async fn a_server_that_is_gone_is_passed_over_at_once_and_rests() {
    let server = ModelServer::start("a");
    let nobody = Port::free().address().to_string();
    let room = room(&[format!("http://{nobody}/v1"), server.url()], "8");
    for _ in 0..12 {
        let began = Instant::now();
        let whole = room.whole(&wanted(), false).await.unwrap();
        assert_eq!(whole.text, "a");
        assert!(began.elapsed() < Duration::from_millis(300), "no pause");
    }
    let elsewhere = room.metric("duogate_model_attempts_total{outcome=\"elsewhere\"");
    assert!((elsewhere - 5.0).abs() < 0.1, "{elsewhere}");
    let open = format!("duogate_model_endpoint_open{{endpoint=\"{nobody}\"");
    assert!((room.metric(&open) - 1.0).abs() < 0.1);
}

#[tokio::test]
async fn when_all_rest_nobody_is_asked() {
    let server = ModelServer::with(Reply::Reset);
    let room = room(&[server.url()], "8");
    // three attempts and two more
    for _ in 0..2 {
        let _ = room.whole(&wanted(), false).await.unwrap_err();
    }
    let asked = server.requests().len();
    let error = room.whole(&wanted(), false).await.unwrap_err();
    assert!(
        error.wire().starts_with("503: Service Unavailable - "),
        "{}",
        error.wire()
    );
    assert!(error.retry_after().is_some_and(|seconds| seconds <= 6));
    assert_eq!(server.requests().len(), asked);
}

#[tokio::test]
async fn a_server_gets_no_more_calls_at_a_time_than_it_may() {
    let pieces = vec!["x".to_owned(); 1000];
    let server = ModelServer::with(Reply::Paced(pieces, Duration::from_millis(20)));
    let room = room(&[server.url()], "2");
    let first = room.ask(&wanted(), request(true), budget()).await.unwrap();
    let _second = room.ask(&wanted(), request(true), budget()).await.unwrap();
    let error = room.whole(&wanted(), true).await.unwrap_err();
    assert!(
        error.wire().starts_with("429: Too Many Requests - "),
        "{}",
        error.wire()
    );
    assert_eq!((error.retry_after(), server.requests().len()), (Some(1), 2));
    drop(first);
    assert!(room.ask(&wanted(), request(true), budget()).await.is_ok());
}
