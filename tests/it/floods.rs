//! Hostile clients: bounded memory and time, and others do not notice.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, TcpStream},
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    Duogate, Port, Settings, fetch,
    flood::{connect_from, raise_descriptor_limit},
    request,
};

/// A process with built-in doors serves anything from less than 20 MB; floods may add this much.
const ADDED_BYTES: u64 = 150_000_000;

/// Whether the other side has closed, within the time.
fn is_closed(stream: &mut TcpStream, within: Duration) -> bool {
    stream.set_read_timeout(Some(within)).unwrap();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

/// What another client meanwhile gets, and how fast.
#[track_caller]
fn others_are_served(edge: &Duogate) {
    let start = Instant::now();
    let answer = fetch(edge, &["--interface", "127.0.0.9"], "/monitoring/healthz");
    assert_eq!(answer.status, 200, "{answer:?}\n{}", edge.log());
    // well over what it takes, well under any deadline that a flood could hold
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "took {:?}",
        start.elapsed()
    );
}

#[test]
fn ten_thousand_idle_connections_of_one_address() {
    raise_descriptor_limit();
    let edge = Settings::public()
        .set("limits.tls_handshake_seconds", 6)
        .start();
    let before = edge.resident_bytes();
    let source = Ipv4Addr::new(127, 0, 0, 2);
    let start = Instant::now();
    let mut streams = (0..10_000)
        .map_while(|_| {
            (start.elapsed() < Duration::from_secs(60)).then(|| connect_from(source, edge.https()))
        })
        .flatten()
        .collect::<Vec<_>>();
    assert!(
        streams.len() >= 9_000,
        "only {} connections were made",
        streams.len()
    );
    others_are_served(&edge);
    let added = edge.resident_bytes().saturating_sub(before);
    assert!(added < ADDED_BYTES, "{added} bytes more");
    // over the bound they are closed at once, below it by the handshake's deadline
    let last = streams.last_mut().unwrap();
    assert!(
        is_closed(last, Duration::from_secs(4)),
        "the 10 000th is still open"
    );
    let first = streams.first_mut().unwrap();
    assert!(
        is_closed(first, Duration::from_secs(10)),
        "the first outlives its deadline"
    );
    others_are_served(&edge);
}

/// An edge whose HTTP API is also on a port in clear, where bytes are easy to send slowly.
fn edge_in_clear(limits: &[(&str, u64)]) -> (Duogate, Port) {
    let port = Port::free();
    let mut settings = Settings::public().set("listen.gateway", port.address().to_string());
    for (name, value) in limits {
        settings = settings.set(&format!("limits.{name}"), *value);
    }
    (settings.start(), port)
}

#[test]
fn slow_heads_end_at_their_deadline() {
    let (edge, port) = edge_in_clear(&[("request_head_seconds", 2)]);
    let mut streams = (0..200)
        .map(|_| connect_from(Ipv4Addr::new(127, 0, 0, 3), port.address()).unwrap())
        .collect::<Vec<_>>();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(3500) {
        for stream in &mut streams {
            // fails once the edge has closed
            let _ = stream.write_all(b"X");
        }
        thread::sleep(Duration::from_millis(100));
    }
    others_are_served(&edge);
    for stream in &mut streams {
        assert!(
            is_closed(stream, Duration::from_secs(2)),
            "a slow head is still read"
        );
    }
}

#[test]
fn slow_bodies_end() {
    let limits = [
        ("request_body_idle_seconds", 2),
        ("request_body_rate_after_seconds", 2),
        ("request_body_minimum_rate", 256),
    ];
    let upstream = crate::support::Standin::start("http_api", &[]);
    let port = Port::free();
    let mut settings = Settings::public()
        .gateway(&upstream.url())
        .set("listen.gateway", port.address().to_string());
    for (name, value) in limits {
        settings = settings.set(&format!("limits.{name}"), value);
    }
    let edge = settings.start();
    let head = b"POST /v1/x HTTP/1.1\r\nHost: edge.test\r\nContent-Length: 1000000\r\n\r\nx";
    let mut silent = TcpStream::connect(port.address()).unwrap();
    silent.write_all(head).unwrap();
    let mut trickling = TcpStream::connect(port.address()).unwrap();
    trickling.write_all(head).unwrap();
    let start = Instant::now();
    let mut ended = None;
    while start.elapsed() < Duration::from_secs(12) {
        if trickling.write_all(b"x").is_err() {
            ended = Some(start.elapsed());
            break;
        }
        thread::sleep(Duration::from_millis(200));
    }
    assert!(
        is_closed(&mut silent, Duration::from_secs(1)),
        "a silent body is still awaited"
    );
    assert!(
        ended.is_some(),
        "five bytes a second are still taken:\n{}",
        edge.log()
    );
}

#[test]
fn header_bombs_are_refused_and_leave_no_memory() {
    let (edge, port) = edge_in_clear(&[]);
    let before = edge.resident_bytes();
    let bomb = format!(
        "GET / HTTP/1.1\r\nHost: edge.test\r\nX: {}\r\n\r\n",
        "a".repeat(1_000_000)
    );
    let refused = request(port.address(), &bomb);
    // the edge may reset while we still write
    assert!(
        refused.is_none_or(|answer| answer.status == 431),
        "a head of 1 MB is read"
    );
    let fields = "X: a\r\n".repeat(300);
    let many = format!("GET / HTTP/1.1\r\nHost: edge.test\r\n{fields}\r\n");
    assert_eq!(request(port.address(), &many).unwrap().status, 431);
    // 800 heads that stop one byte before their end
    let partial = format!(
        "GET / HTTP/1.1\r\nHost: edge.test\r\nX: {}",
        "a".repeat(60_000)
    );
    let streams = (0..800)
        .filter_map(|_| {
            let mut stream = connect_from(Ipv4Addr::new(127, 0, 0, 4), port.address())?;
            stream
                .set_write_timeout(Some(Duration::from_secs(2)))
                .unwrap();
            stream.write_all(partial.as_bytes()).ok()?;
            Some(stream)
        })
        .collect::<Vec<_>>();
    assert!(
        streams.len() > 700,
        "only {} heads were sent",
        streams.len()
    );
    others_are_served(&edge);
    let added = edge.resident_bytes().saturating_sub(before);
    assert!(added < ADDED_BYTES, "{added} bytes more");
}

#[test]
fn noise_on_the_tls_port_ends_at_once() {
    let edge = Settings::public().start();
    let before = edge.resident_bytes();
    let noise = (0..4000_u32)
        .map(|number| (number * 31 % 251) as u8)
        .collect::<Vec<_>>();
    let hello_cut_short = [0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3];
    let start = Instant::now();
    for round in 0..300 {
        let Some(mut stream) = connect_from(Ipv4Addr::new(127, 0, 0, 5), edge.https()) else {
            continue;
        };
        let _ = stream.write_all(if round % 2 == 0 {
            &noise
        } else {
            &hello_cut_short
        });
        if round % 2 == 0 {
            assert!(
                is_closed(&mut stream, Duration::from_secs(5)),
                "noise is still listened to"
            );
        } else {
            let _ = stream.shutdown(Shutdown::Write);
            assert!(
                is_closed(&mut stream, Duration::from_secs(5)),
                "half a hello is awaited"
            );
        }
    }
    assert!(start.elapsed() < Duration::from_secs(30));
    others_are_served(&edge);
    assert!(edge.resident_bytes().saturating_sub(before) < ADDED_BYTES);
    let plain = request(edge.https(), "GET / HTTP/1.1\r\nHost: edge.test\r\n\r\n").unwrap();
    assert_eq!(plain.status, 400, "{plain:?}");
    assert!(
        plain.body.to_lowercase().contains("https"),
        "a plain sentence: {plain:?}"
    );
}
