//! HTTP/1 connections that rest between requests: the server takes them apart after a second or
//! two, and nobody notices.

use std::time::{Duration, Instant};

use duogate::config::{Limits, Listen};

use crate::support::{edge::Edge, wire::Wire};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Longer than any rest begins after its last answer.
const REST: Duration = Duration::from_millis(2500);

async fn rested(edge: &Edge) -> Wire {
    let mut wire = Wire::connect(edge.address).await;
    wire.send(GET).await;
    assert_eq!(wire.answer().await.expect("an answer").status, 200);
    assert!(wire.is_quiet(REST).await);
    wire
}

#[tokio::test]
async fn the_next_request_is_answered_whole_in_pieces_and_behind_another() {
    let edge = Edge::start();
    let mut whole = rested(&edge).await;
    whole.send(GET).await;
    assert_eq!(whole.answer().await.expect("an answer").body, "GET / 0");

    let mut pieces = rested(&edge).await;
    let post = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    pieces.send_in_pieces(post, 1).await;
    assert_eq!(pieces.answer().await.expect("an answer").body, "POST /p 5");

    let mut pipeline = rested(&edge).await;
    pipeline.send(&[GET, GET, post].concat()).await;
    for body in ["GET / 0", "GET / 0", "POST /p 5"] {
        assert_eq!(pipeline.answer().await.expect("an answer").body, body);
    }

    let mut large = rested(&edge).await;
    let padding = "x".repeat(9_000);
    let head = format!("GET /l HTTP/1.1\r\nHost: a\r\nX-Padding: {padding}\r\n\r\n");
    large.send(head.as_bytes()).await;
    assert_eq!(large.answer().await.expect("an answer").body, "GET /l 0");
}

#[tokio::test]
async fn a_connection_rests_more_than_once() {
    let edge = Edge::start();
    let mut wire = rested(&edge).await;
    for _ in 0..2 {
        wire.send(GET).await;
        assert_eq!(wire.answer().await.expect("an answer").status, 200);
        assert!(wire.is_quiet(REST).await);
    }
    wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(wire.answer().await.expect("an answer").status, 200);
    assert!(wire.rest().await.is_empty());
}

#[tokio::test]
async fn deadlines_hold_through_a_rest() {
    let limits = Limits {
        request_head: Duration::from_millis(400),
        keep_alive_idle: Duration::from_secs(4),
        ..Limits::default()
    };
    let edge = Edge::with(&limits, &Listen::default());
    let mut slow = rested(&edge).await;
    slow.send(b"GET / HT").await;
    assert_eq!(slow.answer().await.expect("an answer").status, 408);

    let mut bad = rested(&edge).await;
    bad.send(b"GET / HTTP/1.1\r\nHost : a\r\n\r\n").await;
    assert_eq!(bad.answer().await.expect("an answer").status, 400);
    assert!(bad.answer().await.is_none());

    let start = Instant::now();
    let mut idle = rested(&edge).await;
    assert!(idle.rest().await.is_empty());
    let lived = start.elapsed();
    assert!(
        (Duration::from_millis(3900)..Duration::from_secs(8)).contains(&lived),
        "closed after {lived:?}"
    );
}
