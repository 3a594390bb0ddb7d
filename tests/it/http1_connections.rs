//! HTTP/1 connections over time: deadlines, clients that leave, pipelines, tunnels, early answers.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use duogate::config::{Limits, Listen};
use tokio::{io::AsyncWriteExt, time::timeout};

use crate::support::{edge::Edge, wire::Wire};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn impatient() -> Edge {
    let limits = Limits {
        request_head: Duration::from_millis(300),
        keep_alive_idle: Duration::from_millis(600),
        ..Limits::default()
    };
    Edge::with(&limits, &Listen::default())
}

async fn soon(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..300 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within three seconds: {what}");
}

#[tokio::test]
async fn slow_heads_get_408_and_the_silent_nothing() {
    let edge = impatient();
    for slow in ["GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n", "\r\n"] {
        let mut wire = Wire::connect(edge.address).await;
        wire.send(slow.as_bytes()).await;
        let answer = wire.answer().await.expect("an answer");
        assert_eq!(answer.status, 408, "{slow:?}");
        assert!(wire.answer().await.is_none());
    }
    let mut silent = Wire::connect(edge.address).await;
    assert!(silent.rest().await.is_empty());
}

#[tokio::test]
async fn a_head_that_drips_is_measured_from_its_first_byte() {
    let edge = impatient();
    let mut wire = Wire::connect(edge.address).await;
    wire.send(GET).await;
    assert_eq!(wire.answer().await.expect("an answer").status, 200);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let start = Instant::now();
    for byte in GET {
        wire.send(&[*byte]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        if start.elapsed() > Duration::from_millis(450) {
            break;
        }
    }
    assert_eq!(wire.answer().await.expect("an answer").status, 408);
}

#[tokio::test]
async fn an_idle_connection_is_closed_without_a_word() {
    let edge = impatient();
    let mut wire = Wire::connect(edge.address).await;
    for _ in 0..3 {
        wire.send(GET).await;
        assert_eq!(wire.answer().await.expect("an answer").status, 200);
        // Longer than a head may take, shorter than the connection may idle.
        assert!(wire.is_quiet(Duration::from_millis(400)).await);
    }
    let start = Instant::now();
    assert!(wire.rest().await.is_empty());
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_request() {
    let edge = Edge::start();
    for behind in [&b""[..], GET] {
        let mut wire = Wire::connect(edge.address).await;
        wire.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
        wire.send(behind).await;
        soon("it is being answered", || {
            edge.door.busy.load(Ordering::SeqCst) == 1
        })
        .await;
        drop(wire);
        soon("it is cancelled", || {
            edge.door.busy.load(Ordering::SeqCst) == 0
        })
        .await;
    }
}

#[tokio::test]
async fn what_stands_behind_a_request_waits() {
    let edge = Edge::start();
    let mut wire = Wire::connect(edge.address).await;
    wire.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    soon("it is being answered", || {
        edge.door.busy.load(Ordering::SeqCst) == 1
    })
    .await;
    // Far more than all buffers between here and there hold.
    let flood = vec![b'x'; 64 * 1024 * 1024];
    let sending = timeout(Duration::from_millis(500), wire.stream().write_all(&flood));
    assert!(sending.await.is_err(), "the server took it all");
    assert_eq!(*edge.door.seen.lock().expect("no panic"), ["GET /slow"]);
}

#[tokio::test]
async fn bytes_behind_an_upgrade_belong_to_the_tunnel() {
    let edge = Edge::start();
    let upgrade = |path: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
    };
    let mut wire = Wire::connect(edge.address).await;
    // No HTTP, so it would be refused anywhere but in a tunnel.
    let early = b"\x81\x05early\0\n\r";
    wire.send(&[upgrade("/upgrade").as_bytes(), early].concat())
        .await;
    assert_eq!(wire.answer().await.expect("an answer").status, 101);
    let late = vec![0_u8; 100_000];
    wire.send(&late).await;
    wire.stream().shutdown().await.expect("a live socket");
    let echoed = wire.rest().await;
    assert!(echoed.starts_with(early), "{:?}", echoed.get(..100));
    assert_eq!(echoed.len(), early.len() + late.len());

    // Not upgraded: the connection goes on as before.
    wire = Wire::connect(edge.address).await;
    wire.send(&[upgrade("/").as_bytes(), GET].concat()).await;
    for _ in 0..2 {
        assert_eq!(wire.answer().await.expect("an answer").status, 200);
    }
}

#[tokio::test]
async fn an_early_answer_reaches_a_client_that_is_still_sending() {
    let edge = Edge::start();
    let mut wire = Wire::connect(edge.address).await;
    let head = b"POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n";
    wire.send(head).await;
    wire.send(&vec![b'x'; 100_000]).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    wire.send(&vec![b'x'; 50_000]).await;
    let answer = wire.answer().await.expect("the answer, not a reset");
    assert_eq!((answer.status, answer.body.as_str()), (413, "too large"));
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let edge = Edge::start();
    let mut wire = Wire::connect(edge.address).await;
    wire.send(b"POST / HTTP/1.1\r\n\r\n").await;
    for _ in 0..5 {
        wire.send(&vec![b'x'; 20_000]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answer = wire.answer().await.expect("the answer, not a reset");
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("no Host field"));
}

#[tokio::test]
async fn an_expectation_is_met_when_the_body_is_wanted() {
    let edge = Edge::start();
    let mut wire = Wire::connect(edge.address).await;
    wire.send(b"POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        .await;
    assert_eq!(wire.answer().await.expect("an answer").status, 100);
    wire.send(b"hello").await;
    let answer = wire.answer().await.expect("an answer");
    assert_eq!((answer.status, answer.body.as_str()), (200, "POST /a 5"));
    wire.send(GET).await;
    assert_eq!(wire.answer().await.expect("an answer").status, 200);
}

#[tokio::test]
async fn a_connection_carries_many_requests() {
    let edge = Edge::start();
    let mut wire = Wire::connect(edge.address).await;
    for number in 0..500 {
        let request = format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n");
        wire.send(request.as_bytes()).await;
        let answer = wire.answer().await.expect("an answer");
        assert_eq!(answer.body, format!("GET /{number} 0"));
    }
}

#[tokio::test]
async fn large_bodies_pass_whole_in_both_framings() {
    let edge = Edge::start();
    let mut wire = Wire::connect(edge.address).await;
    let body = vec![b'x'; 5_000_000];
    wire.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n")
        .await;
    wire.send(&body).await;
    assert_eq!(
        wire.answer().await.expect("an answer").body,
        "POST /a 5000000"
    );
    wire.send(b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    for piece in body.chunks(77_777) {
        wire.send(format!("{:x}\r\n", piece.len()).as_bytes()).await;
        wire.send(piece).await;
        wire.send(b"\r\n").await;
    }
    wire.send(b"0\r\n\r\n").await;
    assert_eq!(
        wire.answer().await.expect("an answer").body,
        "POST /b 5000000"
    );
}
