//! WebSocket over HTTP/1.1 and HTTP/2.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use duogate::{config::Limits, foundation::ShutdownPhase};
use http::{Method, Request, StatusCode};
use http_body_util::Empty;
use hyper::ext::Protocol;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    edge::{Edge, Kind, http2_client, soon},
    upstream::{Upstream, read_head, write_answer},
};

#[tokio::test]
async fn the_end_of_the_process_is_told_between_two_frames() {
    // Keeps what it reads after the switch, up to the end.
    let (sender, mut told) = tokio::sync::mpsc::channel(1);
    let upstream = Upstream::start(move |mut stream, _| {
        let sender = sender.clone();
        async move {
            let key = key_of(&read_head(&mut stream).await);
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\n\
                 upgrade: websocket\r\nsec-websocket-accept: {}\r\n\r\n",
                accept(&key)
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            // The first half of a text frame; the rest follows when the end has come.
            stream.write_all(b"\x81\x04ab").await.unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
            stream.write_all(b"cd\x81\x01x").await.unwrap();
            let mut frames = Vec::new();
            let _ = stream.read_to_end(&mut frames).await;
            sender.send(frames).await.unwrap();
        }
    })
    .await;
    let edge = Edge::start(Kind::Http, &upstream.url(), Limits::default()).await;
    let mut client = TcpStream::connect(edge.address).await.unwrap();
    client.write_all(UPGRADE.as_bytes()).await.unwrap();
    read_head(&mut client).await;
    let mut frames = [0_u8; 4];
    client.read_exact(&mut frames).await.unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    edge.trigger.advance(ShutdownPhase::Cut);
    let mut rest = [0_u8; 6];
    client.read_exact(&mut rest).await.unwrap();
    assert_eq!(&rest, b"cd\x88\x02\x03\xe9", "the frame's end, then Close");
    drop(client);
    let frames = told.recv().await.unwrap();
    let [0x88, 0x82, mask @ .., high, low] = frames.as_slice() else {
        panic!("not a masked Close: {frames:?}");
    };
    assert_eq!((high ^ mask[0], low ^ mask[1]), (0x03, 0xe9));
    soon("no task is left", || edge.tasks.is_empty()).await;
}

/// Switches, echoes every byte in upper case, and says farewell after the other side has ended.
async fn switching(mut stream: TcpStream) {
    let head = read_head(&mut stream).await;
    let lower = head.to_lowercase();
    assert!(lower.contains("connection: upgrade\r\n"), "{head}");
    assert!(lower.contains("upgrade: websocket\r\n"), "{head}");
    assert!(
        head.starts_with("GET /socket%2F?q=1 HTTP/1.1\r\n"),
        "{head}"
    );
    let key = key_of(&head);
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-protocol: duo\r\nsec-websocket-accept: {}\r\n\r\nhello",
        accept(&key)
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    let mut buffer = [0_u8; 1024];
    loop {
        let length = stream.read(&mut buffer).await.unwrap_or(0);
        if length == 0 {
            let _ = stream.write_all(b"farewell").await;
            return;
        }
        let upper = buffer[..length].to_ascii_uppercase();
        stream.write_all(&upper).await.unwrap();
    }
}

fn key_of(head: &str) -> String {
    let at = head.to_lowercase().find("sec-websocket-key: ").unwrap();
    head[at + 19..].split("\r\n").next().unwrap().to_owned()
}

fn accept(key: &str) -> String {
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let digest = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
        text.as_bytes(),
    );
    data_encoding::BASE64.encode(digest.as_ref())
}

const UPGRADE: &str = "GET /socket%2F?q=1 HTTP/1.1\r\nhost: edge\r\nconnection: keep-alive, \
    Upgrade\r\nupgrade: WebSocket\r\nsec-websocket-version: 13\r\n\
    sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

async fn expect<S: tokio::io::AsyncRead + Unpin>(stream: &mut S, expected: &str) {
    let mut buffer = vec![0_u8; expected.len()];
    tokio::time::timeout(Duration::from_secs(5), stream.read_exact(&mut buffer))
        .await
        .expect("bytes come")
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&buffer), expected);
}

#[tokio::test]
async fn http1_is_switched_and_transparent() {
    let upstream = Upstream::start(|stream, _| switching(stream)).await;
    let edge = Edge::start(Kind::Http, &upstream.url(), Limits::default()).await;
    let mut client = TcpStream::connect(edge.address).await.unwrap();
    client.write_all(UPGRADE.as_bytes()).await.unwrap();
    let head = read_head(&mut client).await.to_lowercase();
    assert!(head.starts_with("http/1.1 101"), "{head}");
    assert!(head.contains("connection: upgrade\r\n"), "{head}");
    assert!(head.contains("upgrade: websocket\r\n"), "{head}");
    assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"));
    expect(&mut client, "hello").await;
    client.write_all(b"ping").await.unwrap();
    expect(&mut client, "PING").await;
    assert_eq!(edge.connections_in_use(), 1);
    client.shutdown().await.unwrap();
    expect(&mut client, "farewell").await;
    soon("the tunnel is closed", || edge.connections_in_use() == 0).await;
    soon("it is counted", || edge.outcomes("ok") == 1).await;
}

#[tokio::test]
async fn http2_is_switched_too() {
    let upstream = Upstream::start(|stream, _| switching(stream)).await;
    let edge = Edge::start(Kind::Http, &upstream.url(), Limits::default()).await;
    let mut client = http2_client::<Empty<Bytes>>(edge.address).await;
    // The server's SETTINGS have to be here before the first extended CONNECT.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = "https://edge/socket%2F?q=1".parse().unwrap();
    request
        .extensions_mut()
        .insert(Protocol::from_static("websocket"));
    let answer = client.send_request(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(
        answer.headers().get("sec-websocket-protocol").unwrap(),
        "duo"
    );
    assert!(!answer.headers().contains_key("sec-websocket-accept"));
    let mut tunnel = TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
    expect(&mut tunnel, "hello").await;
    tunnel.write_all(b"over http2").await.unwrap();
    expect(&mut tunnel, "OVER HTTP2").await;
    tunnel.shutdown().await.unwrap();
    expect(&mut tunnel, "farewell").await;
    soon("the tunnel is closed", || edge.connections_in_use() == 0).await;
}

#[tokio::test]
async fn other_protocols_are_not_offered() {
    let upstream = Upstream::start(|mut stream, _| async move {
        let head = read_head(&mut stream).await;
        write_answer(&mut stream, &head).await;
    })
    .await;
    let edge = Edge::start(Kind::Http, &upstream.url(), Limits::default()).await;
    let h2c = "GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade, HTTP2-Settings, close\r\n\
        upgrade: h2c\r\nhttp2-settings: AAA\r\n\r\n";
    let answer = edge.raw(h2c).await.to_lowercase();
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert!(
        !answer.contains("h2c") && !answer.contains("http2-settings"),
        "{answer}"
    );

    let mut client = http2_client::<Empty<Bytes>>(edge.address).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = "https://edge/".parse().unwrap();
    request
        .extensions_mut()
        .insert(Protocol::from_static("connect-udp"));
    let answer = client.send_request(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_IMPLEMENTED);
}

#[tokio::test]
async fn a_refusal_of_the_upstream_is_passed_on() {
    let upstream = Upstream::start(|mut stream, _| async move {
        read_head(&mut stream).await;
        let answer = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno";
        let _ = stream.write_all(answer).await;
    })
    .await;
    let edge = Edge::start(Kind::Http, &upstream.url(), Limits::default()).await;
    let mut client = TcpStream::connect(edge.address).await.unwrap();
    client.write_all(UPGRADE.as_bytes()).await.unwrap();
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 403"));
    expect(&mut client, "no").await;
}

#[tokio::test]
async fn a_side_that_breaks_or_the_end_of_the_process_closes_both() {
    let upstream = Upstream::start(|stream, _| switching(stream)).await;
    let edge = Edge::start(Kind::Http, &upstream.url(), Limits::default()).await;
    let edge = Arc::new(edge);
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client = TcpStream::connect(edge.address).await.unwrap();
        client.write_all(UPGRADE.as_bytes()).await.unwrap();
        read_head(&mut client).await;
        expect(&mut client, "hello").await;
        held.push(client);
    }
    assert_eq!(edge.connections_in_use(), 2);
    let broken = held.pop().unwrap();
    broken.set_zero_linger().unwrap();
    drop(broken);
    soon("one is closed", || edge.connections_in_use() == 1).await;
    edge.trigger.advance(ShutdownPhase::Cut);
    soon("the other is cut", || edge.connections_in_use() == 0).await;
    soon("no task is left", || edge.tasks.is_empty()).await;
}

#[tokio::test]
async fn silence_ends_a_tunnel() {
    let upstream = Upstream::start(|stream, _| switching(stream)).await;
    let limits = Limits {
        upstream_stream_idle: Duration::from_millis(300),
        ..Limits::default()
    };
    let edge = Edge::start(Kind::Http, &upstream.url(), limits).await;
    let mut client = TcpStream::connect(edge.address).await.unwrap();
    client.write_all(UPGRADE.as_bytes()).await.unwrap();
    read_head(&mut client).await;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        client.write_all(b"a").await.unwrap();
    }
    assert_eq!(edge.connections_in_use(), 1, "it is used");
    soon("it stood still", || edge.connections_in_use() == 0).await;
}
