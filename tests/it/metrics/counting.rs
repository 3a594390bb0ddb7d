//! Streams, connections, handshakes and broken rules are counted as what they are.

use std::{
    io::Write,
    process::{Child, Stdio},
    time::Duration,
};

use crate::support::{
    Duogate, Process, Settings, Standin, command, curl, fetch, have, python, request, run, settles,
    value,
};

/// Starts a client that holds a stream, and waits for its first bytes.
fn hold(edge: &Duogate, path: &str) -> Child {
    use std::io::Read;
    let mut curl = curl(edge, &["--http2"], path);
    let mut child = curl
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut byte = [0];
    let output = child.stdout.as_mut().unwrap();
    output.read_exact(&mut byte).unwrap();
    child
}

fn client(edge: &Duogate, script: &str, seconds: &str) -> Process {
    let mut command = python(script);
    command
        .arg(edge.https().to_string())
        .arg(edge.root())
        .args(["held", seconds]);
    let mut process = Process::start(script, command);
    process.line_with("open", Duration::from_secs(30));
    process
}

const IN_FLIGHT: &str = "duogate_http_requests_in_flight";

#[test]
fn streams_in_flight_are_told_apart() {
    let web = Standin::start("http_api", &[]);
    let platform = Standin::start("grpc_service", &[]);
    let edge = Settings::public()
        .gateway(&web.url())
        .agent_platform(&platform.url())
        .start();
    let kinds = |http: f64, sse: f64, grpc: f64| {
        settles(&edge, &format!("{IN_FLIGHT}{{kind=\"http\"}}"), http);
        settles(&edge, &format!("{IN_FLIGHT}{{kind=\"sse\"}}"), sse);
        settles(&edge, &format!("{IN_FLIGHT}{{kind=\"grpc\"}}"), grpc);
    };
    kinds(0.0, 0.0, 0.0);
    let mut events = hold(&edge, "/endless");
    let mut call = client(&edge, "clients/grpc_client.py", "60");
    let mut slow = curl(&edge, &[], "/slow?seconds=60").spawn().unwrap();
    kinds(1.0, 1.0, 1.0);
    let connections = "duogate_upstream_connections";
    for (upstream, busy) in [("gateway", 2.0), ("agent_platform", 1.0)] {
        let labels = format!("upstream=\"{upstream}\",state=\"in_use\"");
        settles(&edge, &format!("{connections}{{{labels}}}"), busy);
    }
    for child in [&mut events, &mut slow] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    call.kill();
    kinds(0.0, 0.0, 0.0);
    settles(&edge, &format!("{connections}{{state=\"in_use\"}}"), 0.0);
    // a cancelled exchange of HTTP/1 costs its connection, a stream of HTTP/2 does not
    for (upstream, idle) in [("gateway", 0.0), ("agent_platform", 1.0)] {
        let labels = format!("upstream=\"{upstream}\",state=\"idle\"");
        settles(&edge, &format!("{connections}{{{labels}}}"), idle);
    }
    let finished = "duogate_http_request_duration_seconds_count{door=\"gateway\"}";
    settles(&edge, finished, 2.0);
    // the head of the slow answer never came
    let begun = "duogate_http_first_byte_duration_seconds_count{door=\"gateway\"}";
    settles(&edge, begun, 1.0);
}

#[test]
fn a_websocket_is_in_flight_until_its_end() {
    let web = Standin::start("websocket_echo", &[]);
    let edge = Settings::public().gateway(&web.url()).start();
    let mut held = client(&edge, "clients/websocket_client.py", "60");
    let tunnels = format!("{IN_FLIGHT}{{kind=\"websocket\"}}");
    settles(&edge, &tunnels, 1.0);
    held.kill();
    settles(&edge, &tunnels, 0.0);
}

#[test]
fn a_kept_connection_is_idle_and_a_failed_attempt_is_told() {
    let web = Standin::start("http_api", &[]);
    let edge = Settings::public()
        .gateway(&web.url())
        .agent_platform("http://127.0.0.1:1")
        .set("limits.upstream_keep_alive_idle_seconds", 3600)
        .start();
    assert_eq!(fetch(&edge, &[], "/v1/x").status, 200);
    assert_eq!(fetch(&edge, &[], "/v1/x").status, 200);
    let idle = "duogate_upstream_connections{upstream=\"gateway\",state=\"idle\"}";
    settles(&edge, idle, 1.0);
    let connects = "duogate_upstream_connects_total";
    let refused = format!("{connects}{{upstream=\"agent_platform\",outcome=\"refused\"}}");
    assert_eq!(value(&edge, &refused), Some(0.0), "there from the start");
    let one = format!("{connects}{{upstream=\"gateway\",outcome=\"ok\"}}");
    settles(&edge, &one, 1.0);
    fetch(
        &edge,
        &["-H", "content-type: application/grpc"],
        "/DuoWorkflow/X",
    );
    settles(&edge, &refused, 1.0);
    settles(&edge, "duogate_grpc_calls_total{code=\"14\"}", 1.0);
    let limit = "duogate_upstream_connections_limit{upstream=\"gateway\"}";
    assert_eq!(value(&edge, limit), Some(1024.0));
}

#[test]
fn a_drain_can_be_watched() {
    let web = Standin::start("http_api", &[]);
    let mut edge = Settings::public()
        .gateway(&web.url())
        .set("drain.grace_seconds", 60)
        .start();
    settles(&edge, "duogate_phase{phase=\"running\"}", 1.0);
    let mut events = hold(&edge, "/endless");
    edge.terminate();
    settles(&edge, "duogate_phase{phase=\"draining\"}", 1.0);
    settles(&edge, "duogate_phase", 1.0);
    settles(&edge, &format!("{IN_FLIGHT}{{kind=\"sse\"}}"), 1.0);
    assert_eq!(edge.operator("/readyz").status, 503);
    // who watches does not hold the end up
    let mut watcher = std::net::TcpStream::connect(edge.admin()).unwrap();
    watcher.write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
    events.kill().unwrap();
    events.wait().unwrap();
    let ended = edge.wait(Duration::from_secs(20));
    assert_eq!(ended.code(), Some(0), "{}", edge.log());
}

#[test]
fn handshakes_tell_how_they_went() {
    if !have("openssl") {
        return;
    }
    let edge = Settings::public().start();
    let handshakes = |labels: &str| format!("duogate_tls_handshakes_total{{{labels}}}");
    assert_eq!(fetch(&edge, &[], "/monitoring/healthz").status, 200);
    let full = handshakes("outcome=\"ok\",version=\"TLSv1.3\",kind=\"full\"");
    settles(&edge, &full, 1.0);
    // connects once and comes back five times
    let mut openssl = command("openssl");
    openssl.args(["s_client", "-tls1_2", "-reconnect", "-connect"]);
    openssl.arg(edge.https().to_string());
    openssl.args(["-servername", "edge.test"]);
    run(openssl, Duration::from_secs(30));
    let resumed = handshakes("outcome=\"ok\",version=\"TLSv1.2\",kind=\"resumed\"");
    settles(&edge, &resumed, 5.0);
    let mut stranger = command("curl");
    let resolve = format!("edge.test:{}:127.0.0.1", edge.https().port());
    stranger.args(["--silent", "--noproxy", "*", "--resolve", &resolve]);
    stranger.arg(format!("https://edge.test:{}/", edge.https().port()));
    assert_eq!(
        run(stranger, Duration::from_secs(30)).status.code(),
        Some(60)
    );
    settles(&edge, &handshakes("outcome=\"alert\""), 1.0);
    let mut outdated = command("openssl");
    outdated.args(["s_client", "-tls1_2", "-cipher", "AES128-SHA", "-connect"]);
    outdated.arg(edge.https().to_string());
    run(outdated, Duration::from_secs(30));
    settles(&edge, &handshakes("outcome=\"incompatible\""), 1.0);
    drop(std::net::TcpStream::connect(edge.https()).unwrap());
    settles(&edge, &handshakes("outcome=\"closed\""), 1.0);
}

#[test]
fn broken_rules_are_named() {
    let edge = Settings::public().start();
    request(edge.http(), "GET / HTTP/1.1\r\n\r\n").unwrap();
    request(edge.http(), "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").unwrap();
    request(edge.http(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n123456789");
    let rules = [
        ("http1", "host_missing"),
        ("http1", "host_repeated"),
        ("http2", "no_settings"),
    ];
    for (protocol, rule) in rules {
        let labels = format!("protocol=\"{protocol}\",rule=\"{rule}\"");
        let series = format!("duogate_http_gate_violations_total{{{labels}}}");
        settles(&edge, &series, 1.0);
    }
}
