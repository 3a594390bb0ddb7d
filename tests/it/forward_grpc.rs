//! gRPC forwarded: what grpcio and grpcurl see through the edge is what they see without it.

use std::{process::Command, time::Duration};

use serde_json::json;

use crate::support::{
    Duogate, Outcome, Port, Process, Settings, Standin, grpcurl, python, run,
    seconds_from_environment, skip,
};

fn edge_before(upstream: &Standin) -> Duogate {
    Settings::public().agent_platform(&upstream.url()).start()
}

/// A scenario of the client, through the edge.
fn client(edge: &Duogate, scenario: &[&str]) -> Command {
    let mut command = python("clients/grpc_client.py");
    command
        .arg(edge.https().to_string())
        .arg(edge.root())
        .args(scenario);
    command
}

fn outcome(edge: &Duogate, scenario: &[&str]) -> Outcome {
    run(client(edge, scenario), Duration::from_secs(300))
}

#[test]
fn calls_and_streams_pass() {
    let upstream = Standin::start("grpc_service", &[]);
    let edge = edge_before(&upstream);
    // 4 MiB is the largest message that gRPC takes by default
    for size in ["0", "1000", "4194304"] {
        assert_eq!(
            outcome(&edge, &["unary", size]).json(),
            json!({"equal": true, "head": "head", "trailer": "trailer", "binary": [0, 255]}),
        );
    }
    let counted = outcome(&edge, &["count", "5", "0.3"]).json();
    assert_eq!(counted["messages"], 5);
    assert!(
        counted["slowest"].as_f64().unwrap() < 0.25,
        "messages are held: {counted}"
    );
    // 20 MB is far over the 1 MB at which the documented NGINX cuts the sum of a stream
    let both_ways = outcome(&edge, &["bidi", "200", "100000"]).json();
    assert_eq!(
        (&both_ways["bytes"], &both_ways["code"]),
        (&json!(20_000_000), &json!("OK"))
    );
}

#[test]
fn a_silent_stream_with_pings_stays() {
    let upstream = Standin::start("grpc_service", &[]);
    let edge = edge_before(&upstream);
    // the documented NGINX cuts at 60 s; a run by hand raises this to 180
    let seconds = seconds_from_environment("DUOGATE_TEST_SILENCE_SECONDS", 65);
    let silent = outcome(&edge, &["silent", &seconds.to_string()]).json();
    assert_eq!(
        silent,
        json!({"answers": ["before", "after"], "code": "OK"})
    );
}

#[test]
fn large_metadata_passes() {
    let upstream = Standin::start("grpc_service", &[]);
    let edge = edge_before(&upstream);
    for sizes in [&["9000"][..], &["7500"; 5]] {
        let arguments = [&["metadata"][..], sizes].concat();
        let seen = outcome(&edge, &arguments).json();
        let lengths = seen["lengths"].as_array().unwrap().iter();
        let large = lengths.filter(|entry| entry[0].as_str().unwrap().starts_with("x-large-"));
        let large = large.map(|entry| entry[1].to_string()).collect::<Vec<_>>();
        assert_eq!(large, sizes);
        assert_eq!(seen["forwarded_for"], "127.0.0.1");
        assert!(
            seen["left"].as_f64().unwrap() < 31.0,
            "the deadline passes: {seen}"
        );
    }
}

#[test]
fn statuses_pass_and_failures_are_statuses() {
    let upstream = Standin::start("grpc_service", &[]);
    let edge = edge_before(&upstream);
    for code in [
        "RESOURCE_EXHAUSTED",
        "UNAUTHENTICATED",
        "NOT_FOUND",
        "UNAVAILABLE",
    ] {
        let words = "USAGE_QUOTA_EXCEEDED: 100% ü";
        let ended = outcome(&edge, &["status", code, words]).json();
        assert_eq!(
            (&ended["code"], &ended["details"]),
            (&json!(code), &json!(words))
        );
    }
    let nobody = Port::free();
    let down = Settings::public()
        .agent_platform(&format!("http://{}", nobody.address()))
        .start();
    let failed = outcome(&down, &["echo"]).json();
    assert_eq!(failed["code"], "UNAVAILABLE", "{failed}");
    let words = failed["details"].as_str().unwrap();
    assert!(
        !words.contains("HTTP") && !words.is_empty(),
        "a status of ours: {words}"
    );

    let web = Standin::start("http_api", &[]);
    let no_grpc = Settings::public().agent_platform(&web.url()).start();
    let failed = outcome(&no_grpc, &["echo"]).json();
    assert!(
        ["UNAVAILABLE", "INTERNAL"].contains(&failed["code"].as_str().unwrap()),
        "{failed}"
    );
}

#[test]
fn a_killed_upstream_ends_its_streams_only() {
    let mut upstream = Standin::start("grpc_service", &[]);
    let mut edge = edge_before(&upstream);
    let mut held = Process::start("client", client(&edge, &["held", "60"]));
    held.line_with("open", Duration::from_secs(30));
    upstream.process.kill();
    held.wait(Duration::from_secs(20));
    let output = held.output();
    assert!(
        output.contains("UNAVAILABLE") || output.contains("INTERNAL"),
        "{output}"
    );
    assert_eq!(edge.process.has_ended(), None);
    assert_eq!(outcome(&edge, &["echo"]).json()["code"], "UNAVAILABLE");
}

#[test]
fn the_upstream_may_speak_tls() {
    let settings = Settings::public();
    let authority = settings.authority();
    let (certificate, key) = authority.issue(settings.folder(), "platform", &["127.0.0.1"]);
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let upstream = Standin::start("grpc_service", &["--tls", certificate, key]);
    let root = authority.root.to_str().unwrap().to_owned();
    let edge = settings
        .agent_platform(&format!("https://{}", upstream.address))
        .environment("SSL_CERT_FILE", &root)
        .start();
    assert_eq!(outcome(&edge, &["unary", "100000"]).json()["equal"], true);
}

#[test]
fn grpcurl_works() {
    let upstream = Standin::start("grpc_service", &[]);
    let edge = edge_before(&upstream);
    let Some(mut command) = grpcurl() else {
        return skip("grpcurl is not installed (tests/parts.sh)");
    };
    command
        .arg("-cacert")
        .arg(edge.root())
        .args(["-authority", "edge.test"]);
    command.args([
        "-servername",
        "edge.test",
        &edge.https().to_string(),
        "list",
    ]);
    let services = run(command, Duration::from_secs(60)).success();
    assert!(services.contains("grpc.health.v1.Health"), "{services}");

    let mut command = grpcurl().unwrap();
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
