//! SIGTERM: listeners end, streams finish within the grace, the exit code is 0.

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    process::{Child, ChildStdout, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    Duogate, Port, Process, Settings, Standin, curl, fetch, get, python, wire::Wire,
};

fn edge_before(web: &Standin, grpc: &Standin, grace: u64) -> Duogate {
    Settings::public()
        .gateway(&web.url())
        .agent_platform(&grpc.url())
        .set("drain.grace_seconds", grace)
        .start()
}

/// Starts curl on a stream and waits for its first event.
fn open_stream(edge: &Duogate, version: &str, path: &str) -> (Child, BufReader<ChildStdout>) {
    let mut curl = curl(edge, &[version], path);
    let mut child = curl
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(line.starts_with("data: "), "{line}");
    (child, output)
}

fn grpc(edge: &Duogate, scenario: &[&str]) -> Process {
    let mut command = python("clients/grpc_client.py");
    command
        .arg(edge.https().to_string())
        .arg(edge.root())
        .args(scenario);
    Process::start("grpc_client", command)
}

#[test]
fn streams_finish_and_the_exit_code_is_0() {
    let web = Standin::start("http_api", &[]);
    let platform = Standin::start("grpc_service", &[]);
    let mut edge = edge_before(&web, &platform, 20);
    let streams = ["--http1.1", "--http2"].map(|version| {
        let (child, output) = open_stream(&edge, version, "/sse?count=20&gap=0.2");
        (version, child, output)
    });
    let mut held = grpc(&edge, &["held", "3"]);
    held.line_with("open", Duration::from_secs(30));

    edge.terminate();
    for (version, mut child, output) in streams {
        let events = output
            .lines()
            .map(Result::unwrap)
            .filter(|line| !line.is_empty())
            .count();
        assert_eq!(events, 19, "{version}");
        assert!(
            child.wait().unwrap().success(),
            "{version} did not end cleanly"
        );
    }
    held.wait(Duration::from_secs(20));
    assert!(
        held.output().contains("\"code\": \"OK\""),
        "{}",
        held.output()
    );
    let status = edge.wait(Duration::from_secs(20));
    assert_eq!(status.code(), Some(0), "{}", edge.log());
}

#[test]
fn new_connections_are_refused_and_idle_ones_do_not_delay() {
    let mut edge = Settings::public().set("drain.grace_seconds", 30).start();
    let idle = TcpStream::connect(edge.https()).unwrap();
    let (address, start) = (edge.https(), Instant::now());
    edge.terminate();
    assert_eq!(
        edge.wait(Duration::from_secs(12)).code(),
        Some(0),
        "{}",
        edge.log()
    );
    assert!(start.elapsed() < Duration::from_secs(12));
    assert!(TcpStream::connect(address).is_err());
    drop(idle);
}

#[test]
fn the_grace_ends() {
    let web = Standin::start("http_api", &[]);
    let platform = Standin::start("grpc_service", &[]);
    let mut edge = edge_before(&web, &platform, 2);
    let streams = ["--http1.1", "--http2"].map(|version| open_stream(&edge, version, "/endless"));
    let start = Instant::now();
    edge.terminate();
    let status = edge.wait(Duration::from_secs(15));
    assert_eq!(status.code(), Some(0), "{}", edge.log());
    assert!(
        start.elapsed() >= Duration::from_millis(1800),
        "{:?}",
        start.elapsed()
    );
    for (mut child, output) in streams {
        output.lines().for_each(drop);
        assert!(!child.wait().unwrap().success(), "a cut stream looks cut");
    }
}

#[test]
fn a_websocket_is_told() {
    let web = Standin::start("websocket_echo", &[]);
    let mut edge = Settings::public()
        .gateway(&web.url())
        .set("drain.grace_seconds", 2)
        .start();
    let mut command = python("clients/websocket_client.py");
    command
        .arg(edge.https().to_string())
        .arg(edge.root())
        .args(["held", "30"]);
    let mut held = Process::start("websocket_client", command);
    held.line_with("open", Duration::from_secs(30));
    edge.terminate();
    assert_eq!(
        edge.wait(Duration::from_secs(15)).code(),
        Some(0),
        "{}",
        edge.log()
    );
    held.wait(Duration::from_secs(10));
    // 1001: going away, so that the client dials again
    assert!(
        held.output().contains("\"code\": 1001"),
        "{}",
        held.output()
    );
}

#[test]
fn readiness_falls_before_the_listeners_close() {
    let mut edge = Settings::public().set("drain.delay_seconds", 3).start();
    assert_eq!(edge.operator("/readyz").status, 200);
    edge.terminate();
    let deadline = Instant::now() + Duration::from_secs(2);
    while get(edge.admin(), "/readyz").is_none_or(|answer| answer.status != 503) {
        assert!(Instant::now() < deadline, "still ready:\n{}", edge.log());
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(
        edge.operator("/healthz").status,
        200,
        "alive while it drains"
    );
    assert_eq!(
        fetch(&edge, &[], "/monitoring/healthz").status,
        200,
        "serving while it drains"
    );
    assert_eq!(
        edge.wait(Duration::from_secs(15)).code(),
        Some(0),
        "{}",
        edge.log()
    );
}

#[tokio::test]
async fn while_it_leaves_each_answer_says_that_the_connection_ends() {
    let clear = Port::free();
    let settings = Settings::public().set("listen.gateway", clear.address().to_string());
    let mut edge = settings.set("drain.delay_seconds", 3).start();
    let request = b"GET /monitoring/healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let says_so = |head: &str| head.to_ascii_lowercase().contains("connection: close");
    let mut open = Wire::connect(clear.address()).await;
    open.send(request).await;
    assert!(!says_so(&open.answer().await.unwrap().head));
    edge.terminate();
    edge.log_line("leaving");
    // Who was connected, and who comes now.
    for mut wire in [open, Wire::connect(clear.address()).await] {
        wire.send(request).await;
        let answer = wire.answer().await.unwrap();
        assert_eq!(answer.status, 200);
        assert!(says_so(&answer.head), "{}", answer.head);
        assert!(wire.rest().await.is_empty());
    }
    let status = edge.wait(Duration::from_secs(15));
    assert_eq!(status.code(), Some(0), "{}", edge.log());
}

#[test]
fn a_killed_process_starts_again_at_once() {
    let edge = Settings::public().start();
    assert_eq!(fetch(&edge, &[], "/monitoring/healthz").status, 200);
    let again = edge.kill().start();
    assert_eq!(fetch(&again, &[], "/monitoring/healthz").status, 200);
}
