//! slowhttptest against the real binary: whoever sends or reads slowly is closed by a deadline,
//! and nobody else notices.
//!
//! The limits are a few seconds here instead of 10 to 60, so that each attack meets them. The
//! connections come in at 100 a second and stay below the bound of one address.

use std::{
    fs,
    io::Write,
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    Duogate, Port, Settings, Standin, command, fetch,
    frames::{INITIAL_WINDOW_SIZE, SETTINGS, frame, get_of, preface, setting},
    have, run,
};

/// slowhttptest's own end; the limits below close everything long before.
const TEST_SECONDS: u64 = 20;

const CONNECTIONS: u64 = 200;

/// What 200 readers that take nothing may add while they last: two parts of an answer and TLS each.
const READERS_BYTES: u64 = CONNECTIONS * 768 * 1024;

/// What slowhttptest saw in one second.
#[derive(Debug)]
struct Second {
    closed: u64,
    connected: u64,
    available: bool,
}

/// An edge before an upstream, with short limits.
fn edge() -> (Duogate, Standin) {
    let upstream = Standin::start("http_api", &[]);
    let edge = Settings::public()
        .gateway(&upstream.url())
        .set("limits.request_head_seconds", 3)
        .set("limits.request_body_idle_seconds", 3)
        .set("limits.request_body_rate_after_seconds", 3)
        .set("limits.response_body_idle_seconds", 3)
        .set("limits.keep_alive_idle_seconds", 3)
        .start();
    (edge, upstream)
}

/// Attacks, while another client asks without a pause; what the attacker saw, second by second.
fn attack(edge: &Duogate, mode: &str, path: &str, length: u64) -> Vec<Second> {
    let report = edge.folder().join("slow");
    let mut attacker = command("slowhttptest");
    attacker
        .args(mode.split_whitespace())
        .args(["-c", &CONNECTIONS.to_string(), "-r", "100", "-i", "1"])
        // a probe of its own, that must be answered within this many seconds
        .args(["-p", "5", "-l", &length.to_string(), "-g", "-o"])
        .arg(&report)
        .arg("-u")
        .arg(format!("https://{}{path}", edge.https()));
    let over = Arc::new(AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                others_are_served(edge);
                thread::sleep(Duration::from_millis(100));
            }
        });
        // it exits with 1 when the server was judged unavailable at some time
        let limit = Duration::from_secs(length + 20);
        let outcome = run(attacker, limit);
        over.store(true, Ordering::Relaxed);
        outcome.success();
    });
    let lines = fs::read_to_string(report.with_extension("csv")).unwrap();
    let seconds = lines.lines().skip(1).map(|line| {
        let numbers = line.split(',').map(|number| number.trim().parse().unwrap());
        let numbers: Vec<u64> = numbers.collect();
        Second {
            closed: numbers[1],
            connected: numbers[3],
            available: numbers[4] > 0,
        }
    });
    seconds.collect()
}

/// What a client at another address meanwhile gets: an answer of the upstream.
#[track_caller]
fn others_are_served(edge: &Duogate) {
    let begin = Instant::now();
    let answer = fetch(edge, &["--interface", "127.0.0.9"], "/v1/models");
    assert_eq!(answer.status, 200, "{answer:?}\n{}", edge.log());
    // a deadline that the attack held against it would be longer
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(3), "took {took:?}");
}

/// All were let in, the service stayed available, and the edge closed them all in the end.
#[track_caller]
fn all_were_closed(edge: &Duogate, seconds: &[Second]) {
    assert!(!seconds.is_empty(), "no report");
    assert!(seconds.iter().all(|second| second.available), "{seconds:?}");
    let most = seconds.iter().map(|second| second.connected).max();
    assert!(most >= Some(CONNECTIONS / 2), "no attack: {seconds:?}");
    // it stops on its own when nothing is open any more
    assert!(
        seconds.len() < usize::try_from(TEST_SECONDS).unwrap(),
        "{seconds:?}"
    );
    let last = seconds.last().unwrap();
    assert!(last.closed >= CONNECTIONS / 2, "{seconds:?}");
    others_are_served(edge);
}

#[test]
fn slow_heads() {
    if !have("slowhttptest") {
        return;
    }
    let (edge, _upstream) = edge();
    let seconds = attack(&edge, "-H", "/v1/x", TEST_SECONDS);
    all_were_closed(&edge, &seconds);
}

#[test]
fn slow_bodies() {
    if !have("slowhttptest") {
        return;
    }
    let (edge, _upstream) = edge();
    let seconds = attack(&edge, "-B -s 100000", "/v1/x", TEST_SECONDS);
    all_were_closed(&edge, &seconds);
}

#[test]
fn slow_readers() {
    if !have("slowhttptest") {
        return;
    }
    let (edge, _upstream) = edge();
    let before = edge.resident_bytes();
    // 5 bytes a second from a window of 10 to 20 bytes: a segment that never fits
    let mode = "-X -w 10 -y 20 -n 1 -z 5";
    let seconds = attack(&edge, mode, "/bytes?size=3000000", 10);
    assert!(seconds.iter().all(|second| second.available), "{seconds:?}");
    // the attacker does not learn of the end, which stands in the kernel behind bytes that it
    // does not take: the edge tells
    let log = edge.log();
    let ended = "the client took nothing of the answer for 3 s";
    let ended = log.lines().filter(|line| line.contains(ended)).count() as u64;
    assert!(ended >= CONNECTIONS / 2, "{ended} were ended:\n{log}");
    let added = edge.resident_bytes().saturating_sub(before);
    assert!(added < READERS_BYTES, "{added} bytes more");
    others_are_served(&edge);
}

#[test]
fn overlapping_ranges() {
    if !have("slowhttptest") {
        return;
    }
    let (edge, _upstream) = edge();
    let before = edge.resident_bytes();
    let seconds = attack(&edge, "-R -a 5 -b 3000", "/v1/x", TEST_SECONDS);
    assert!(seconds.iter().all(|second| second.available), "{seconds:?}");
    // nothing of ours reads ranges: a head of 16 kB each, and no more
    let added = edge.resident_bytes().saturating_sub(before);
    assert!(added < 64 * 1024 * 1024, "{added} bytes more");
    others_are_served(&edge);
}

#[test]
fn windows_at_zero_do_not_hold_the_upstream() {
    let upstream = Standin::start("http_api", &[]);
    let port = Port::free();
    let mut edge = Settings::public()
        .gateway(&upstream.url())
        .set("listen.gateway", port.address().to_string())
        .set("limits.upstream_connections", 20)
        .set("limits.requests_in_flight", 40)
        .set("limits.response_body_idle_seconds", 2)
        .start();
    let no_window = setting(INITIAL_WINDOW_SIZE, 0);
    let requests = (0..25).flat_map(|number| get_of(number * 2 + 1, "/v1/x"));
    let bytes = [preface(), frame(SETTINGS, 0, 0, &no_window)].concat();
    let bytes: Vec<u8> = bytes.into_iter().chain(requests).collect();
    let mut holders = [(); 2].map(|()| TcpStream::connect(port.address()).unwrap());
    for holder in &mut holders {
        holder.write_all(&bytes).unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut saw_refusal = false;
    loop {
        let answer = fetch(&edge, &[], "/v1/models");
        match answer.status {
            200 if saw_refusal => break,
            200 => {}
            _ => saw_refusal = true,
        }
        assert!(
            Instant::now() < deadline,
            "everything is still held:\n{answer:?}\n{}",
            edge.log()
        );
        thread::sleep(Duration::from_millis(50));
    }
    // the log is written a moment later
    edge.log_line("the client took nothing of the answer for 2 s");
}
