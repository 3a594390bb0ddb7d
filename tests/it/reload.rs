//! A changed configuration is put in force whole or not at all, and no stream notices.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Duogate, Port, Process, Settings, Standin, fetch, get, python};

/// The configuration file as it stands.
fn configuration(edge: &Duogate) -> Value {
    let text = fs::read_to_string(edge.folder().join("duogate.yaml")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Replaces the file by renaming, as editors do.
fn replace(edge: &Duogate, text: &str) {
    let next = edge.folder().join("next.yaml");
    fs::write(&next, text).unwrap();
    fs::rename(&next, edge.folder().join("duogate.yaml")).unwrap();
}

/// Reloads so far with this outcome.
fn reloads(edge: &Duogate, outcome: &str) -> u64 {
    let sample = format!("duogate_config_reloads_total{{outcome=\"{outcome}\"}}");
    let text = edge.operator("/metrics").body;
    let line = text.lines().find_map(|line| line.strip_prefix(&sample));
    line.map_or(0, |count| count.trim().parse().unwrap())
}

#[track_caller]
fn wait_for_reload(edge: &Duogate, outcome: &str, more_than: u64) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while reloads(edge, outcome) <= more_than {
        assert!(Instant::now() < deadline, "no reload:\n{}", edge.log());
        thread::sleep(Duration::from_millis(20));
    }
}

/// Puts a file in force by SIGHUP.
#[track_caller]
fn reload(edge: &Duogate, file: &Value, outcome: &str) {
    let before = reloads(edge, outcome);
    replace(edge, &file.to_string());
    edge.process.signal(Signal::HUP);
    wait_for_reload(edge, outcome, before);
}

fn listens(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}

#[test]
fn a_changed_file_is_followed_without_a_signal() {
    let (old, new) = (
        Standin::start("http_api", &[]),
        Standin::start("http_api", &[]),
    );
    let edge = Settings::public().gateway(&old.url()).start();
    let mut file = configuration(&edge);
    file["gateway"] = new.url().into();
    drop(old);
    assert_eq!(fetch(&edge, &[], "/sse?count=1&gap=0").status, 502);
    replace(&edge, &file.to_string());
    wait_for_reload(&edge, "ok", 0);
    assert_eq!(fetch(&edge, &[], "/sse?count=1&gap=0").status, 200);
}

#[test]
fn listeners_come_and_go() {
    let edge = Settings::public().start();
    let extra = Port::free();
    assert!(!listens(extra.address()));
    let old = configuration(&edge);
    let mut file = old.clone();
    file["listen"]["gateway"] = extra.address().to_string().into();
    reload(&edge, &file, "ok");
    let answer = get(extra.address(), "/monitoring/healthz").unwrap();
    assert_eq!(answer.status, 200);
    reload(&edge, &old, "ok");
    let deadline = Instant::now() + Duration::from_secs(5);
    while listens(extra.address()) {
        assert!(Instant::now() < deadline, "still open:\n{}", edge.log());
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(fetch(&edge, &[], "/monitoring/healthz").status, 200);
}

#[test]
fn bad_reloads_are_refused_whole() {
    let web = Standin::start("http_api", &[]);
    let mut edge = Settings::public().gateway(&web.url()).start();
    let good = configuration(&edge);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let extra = Port::free();
    let cases: [(&str, Value, &str); 6] = [
        ("gatewey", "x".into(), "gatewey"),
        (
            "tls/files/certificate",
            "nowhere.crt".into(),
            "tls.files.certificate",
        ),
        (
            "listen/agent_platform",
            taken.local_addr().unwrap().to_string().into(),
            "listen.agent_platform",
        ),
        ("workers", 7.into(), "needs a restart"),
        ("tls/state", "elsewhere".into(), "needs a restart"),
        ("log/format", "text".into(), "needs a restart"),
    ];
    for (path, value, words) in cases {
        let mut file = good.clone();
        // a change that is fine by itself must not be made either
        file["listen"]["gateway"] = extra.address().to_string().into();
        let place = path
            .split('/')
            .fold(&mut file, |place, word| &mut place[word]);
        *place = value;
        reload(&edge, &file, "refused");
        edge.log_line(words);
        assert!(!listens(extra.address()), "{path}");
        assert_eq!(
            fetch(&edge, &[], "/sse?count=1&gap=0").status,
            200,
            "{path}"
        );
    }
    let before = reloads(&edge, "refused");
    replace(&edge, "domains: [\n");
    wait_for_reload(&edge, "refused", before);
    let ready = edge.operator("/readyz");
    assert_eq!(ready.status, 200);
    assert!(
        ready.body.contains("the last reload was refused"),
        "{}",
        ready.body
    );
    reload(&edge, &good, "ok");
    assert!(!edge.operator("/readyz").body.contains("refused"));
}

#[test]
fn the_level_of_the_log_changes() {
    let mut edge = Settings::public().start();
    let mut file = configuration(&edge);
    file["log"]["level"] = "debug".into();
    reload(&edge, &file, "ok");
    // A connection that is no TLS is a matter of debugging.
    let _ = get(edge.https(), "/");
    edge.log_line("no TLS connection");
}

fn streams(edge: &Duogate, kinds: &[&str]) -> Process {
    let mut command = python("clients/streams_client.py");
    command
        .arg(edge.https().to_string())
        .arg(edge.root())
        .args([&STREAMS.to_string(), "70"])
        .args(kinds);
    let mut streams = Process::start("streams_client", command);
    streams.line_with("open", Duration::from_secs(60));
    streams
}

/// How the streams ended, by kind.
fn ends(streams: &mut Process) -> Value {
    streams.wait(Duration::from_secs(20));
    let output = streams.output();
    serde_json::from_str(output.lines().last().unwrap()).unwrap()
}

#[test]
fn no_stream_is_lost_by_reloads_and_file_swaps_and_each_ends_properly() {
    let web = Standin::start("http_api", &[]);
    let echo = Standin::start("websocket_echo", &[]);
    let platform = Standin::start("grpc_service", &[]);
    let mut edge = Settings::public()
        .gateway(&web.url())
        .agent_platform(&platform.url())
        .set("drain.grace_seconds", 20)
        .set("limits.connections_per_client", 1000)
        .start();
    let mut events = streams(&edge, &["sse"]);
    let mut file = configuration(&edge);
    // Streams go on at the upstream they began with; what comes now goes to the other.
    file["gateway"] = echo.url().into();
    reload(&edge, &file, "ok");
    let mut others = streams(&edge, &["websocket", "grpc"]);
    for round in 0..20 {
        file["drain"]["delay_seconds"] = (round % 2).into();
        reload(&edge, &file, "ok");
        edge.swap_certificate();
    }
    for streams in [&events, &others] {
        assert!(!streams.output().contains("ended"), "{}", streams.output());
    }
    edge.terminate();
    others.signal(Signal::USR1);
    let status = edge.wait(Duration::from_secs(40));
    assert_eq!(status.code(), Some(0), "{}", edge.log());
    assert_eq!(ends(&mut events), json!({"sse": {"whole": STREAMS}}));
    let expected = json!({"websocket": {"1001": STREAMS}, "grpc": {"OK": STREAMS}});
    assert_eq!(ends(&mut others), expected, "{}", edge.log());
}

/// Of each kind.
const STREAMS: usize = 50;
