//! The built-in doors and the ways to start that need no file.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{Port, Settings, command, fetch, get, grpcurl, python, request, run, skip};

#[test]
fn the_printed_curl_works_as_printed() {
    let settings = Settings::without_file(true);
    let start = Instant::now();
    let mut edge = settings.start();
    let started = start.elapsed();
    let line = edge.log_line("curl ");
    let line = &line[line.find("curl ").unwrap()..];
    // in a JSON log the line ends at the quotation mark
    let line = line.split('"').next().unwrap();
    let mut shell = command("sh");
    shell.args(["-c", line]).current_dir(edge.folder());
    let answer = run(shell, Duration::from_secs(30)).success();
    assert!(answer.contains(r#"{"status":"ok"}"#), "{line}: {answer}");
    assert!(started < Duration::from_secs(5), "started in {started:?}");
}

#[test]
fn local_mode_stays_on_loopback() {
    let mut edge = Settings::without_file(false)
        .environment("DUOGATE_LISTEN__HTTPS", "0.0.0.0:8443")
        .spawn();
    let status = edge.wait(Duration::from_secs(20));
    assert_eq!(status.code(), Some(1), "{}", edge.log());
    assert!(edge.log().contains("listen.https") || edge.log().contains("DUOGATE_LISTEN__HTTPS"));
}

#[test]
fn the_api_door_answers_as_documented() {
    let edge = Settings::public().start();
    for version in ["--http1.1", "--http2"] {
        let healthy = fetch(&edge, &[version], "/monitoring/healthz");
        assert_eq!(
            (healthy.status, healthy.body.as_str()),
            (200, r#"{"status":"ok"}"#)
        );
        let policy = healthy.field("strict-transport-security");
        assert!(
            policy.is_some_and(|policy| policy.starts_with("max-age=")),
            "{policy:?}"
        );
        for path in ["/", "/v1/x", "/v1%2Fx", "/monitoring", "/healthz"] {
            let stranger = fetch(&edge, &[version], path);
            assert_eq!(stranger.status, 401, "{stranger:?}");
            assert_eq!(
                stranger.body,
                r#"{"error":"No authorization header presented"}"#
            );
            assert_eq!(stranger.field("content-type"), Some("application/json"));
            let known = fetch(&edge, &[version, "-H", "Authorization: Bearer x"], path);
            assert_eq!(known.status, 401, "{known:?}");
            assert!(known.body.contains("only OIDC is supported"), "{known:?}");
        }
        let posted = fetch(&edge, &[version, "--data", "{}"], "/v2/code/completions");
        assert_eq!(posted.status, 401);
        let named = fetch(
            &edge,
            &[version, "-H", "X-Request-ID: mine"],
            "/monitoring/healthz",
        );
        assert_eq!(named.field("x-request-id"), Some("mine"));
        let unnamed = fetch(&edge, &[version], "/monitoring/healthz");
        assert!(
            unnamed.field("x-request-id").is_some_and(|id| id.len() > 8),
            "{unnamed:?}"
        );
    }
}

#[test]
fn grpc_health_answers_both_services() {
    let edge = Settings::public().start();
    assert_eq!(
        health(&edge.https().to_string(), edge.root().to_str().unwrap()),
        serving()
    );
    let Some(mut command) = grpcurl() else {
        return skip("grpcurl is not installed (tests/parts.sh)");
    };
    let proto = "syntax = \"proto3\"; package grpc.health.v1;\n\
                 message HealthCheckRequest { string service = 1; }\n\
                 message HealthCheckResponse { enum S { UNKNOWN = 0; SERVING = 1; } S status = 1; }\n\
                 service Health { rpc Check(HealthCheckRequest) returns (HealthCheckResponse); }\n";
    std::fs::write(edge.folder().join("health.proto"), proto).unwrap();
    command
        .arg("-import-path")
        .arg(edge.folder())
        .args(["-proto", "health.proto"]);
    command
        .arg("-cacert")
        .arg(edge.root())
        .args(["-servername", "edge.test"]);
    command.args([
        "-d",
        "{\"service\": \"DuoWorkflow\"}",
        &edge.https().to_string(),
    ]);
    command.arg("grpc.health.v1.Health/Check");
    assert!(
        run(command, Duration::from_secs(60))
            .success()
            .contains("SERVING")
    );
}

fn health(target: &str, root: &str) -> serde_json::Value {
    let mut client = python("clients/grpc_client.py");
    client.args([target, root, "health", "", "DuoWorkflow", "Nothing"]);
    run(client, Duration::from_secs(60)).json()
}

fn serving() -> serde_json::Value {
    json!({"": "SERVING", "DuoWorkflow": "SERVING", "Nothing": "NOT_FOUND"})
}

#[test]
fn the_documented_docker_variables_open_both_ports() {
    let (_api, _platform) = (Port::exactly(5052), Port::exactly(50052));
    let loopback = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    if [5052, 50052]
        .iter()
        .any(|port| std::net::TcpListener::bind(loopback(*port)).is_err())
    {
        return skip("ports 5052 and 50052 are in use here");
    }
    let mut keys = command(env!("CARGO_BIN_EXE_duogate"));
    keys.args(["keys", "new"]);
    let key = run(keys, Duration::from_secs(60)).success();
    assert!(key.contains("PRIVATE KEY"), "{key}");
    let _edge = Settings::without_file(false)
        .environment("AIGW_GITLAB_URL", "https://gitlab.example.com/")
        .environment("AIGW_GITLAB_API_URL", "https://gitlab.example.com/api/v4/")
        .environment("DUO_WORKFLOW_SELF_SIGNED_JWT__SIGNING_KEY", &key)
        .start();
    let healthy = get(loopback(5052), "/monitoring/healthz").unwrap();
    assert_eq!(
        (healthy.status, healthy.body.as_str()),
        (200, r#"{"status":"ok"}"#)
    );
    let stranger = get(loopback(5052), "/").unwrap();
    assert_eq!(stranger.status, 401);
    assert_eq!(
        stranger.body,
        r#"{"error":"No authorization header presented"}"#
    );
    assert_eq!(health("127.0.0.1:50052", "clear"), serving());
}

#[test]
fn port_80_redirects_and_nothing_else() {
    let edge = Settings::public().start();
    let ask = |host: &str, path: &str| {
        let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        request(edge.http(), &head).unwrap()
    };
    for (host, target) in [
        ("edge.test", "https://edge.test/v1/x%2Fy?z=1"),
        ("edge.test:80", "https://edge.test/v1/x%2Fy?z=1"),
        ("EDGE.test", "https://edge.test/v1/x%2Fy?z=1"),
        ("elsewhere.test", "https://edge.test/v1/x%2Fy?z=1"),
    ] {
        let answer = ask(host, "/v1/x%2Fy?z=1");
        assert_eq!(answer.status, 308, "{answer:?}");
        let location = answer.field("location").unwrap();
        assert!(location.eq_ignore_ascii_case(target), "{host}: {location}");
    }
    assert_eq!(ask("", "/").status, 400);
    assert_eq!(ask("user@edge.test", "/").status, 400);
    let unknown = ask("edge.test", "/.well-known/acme-challenge/nothing-we-hold");
    assert!([404, 308].contains(&unknown.status), "{unknown:?}");
}
