//! The HTTP API forwarded: what goes in comes out, as it arrives, and failures are JSON.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::support::{Duogate, Port, Settings, Standin, curl, fetch, run};

const BOTH: [&str; 2] = ["--http1.1", "--http2"];

fn edge_before(upstream: &Standin) -> Duogate {
    Settings::public().gateway(&upstream.url()).start()
}

/// The values of a request field as the upstream saw them.
fn seen(answer: &Value, name: &str) -> Vec<String> {
    let fields = answer["fields"].as_array().unwrap().iter();
    let named = fields.filter(|field| field[0].as_str().unwrap().eq_ignore_ascii_case(name));
    named
        .map(|field| field[1].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn requests_pass_as_they_are() {
    let upstream = Standin::start("http_api", &[]);
    let edge = edge_before(&upstream);
    for version in BOTH {
        let target = "/v1/prompts/model%2Fcheck//a/../b;c?x=%20&y=[1]&empty=";
        let answer = fetch(
            &edge,
            &[version, "-H", "X-Odd: a, b;c=\"d\"", "-H", "X-Empty;"],
            target,
        );
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.version, version.trim_start_matches("--http"));
        let request = answer.json();
        assert_eq!(request["target"], target);
        assert_eq!(
            seen(&request, "host"),
            [format!("edge.test:{}", edge.https().port())]
        );
        assert_eq!(seen(&request, "x-odd"), ["a, b;c=\"d\""]);
        assert_eq!(seen(&request, "x-empty"), [""]);
        assert_eq!(answer.fields("set-cookie"), ["a=1", "b=2"]);
        assert_eq!(answer.field("x-upstream"), Some("stand-in"));
        assert_eq!(
            answer.field("keep-alive"),
            None,
            "hop-by-hop fields stay on their hop"
        );
        assert!(
            answer
                .field("via")
                .is_some_and(|via| via.contains("duogate")),
            "{answer:?}"
        );
    }
}

#[test]
fn bodies_stream_through_both_ways() {
    let upstream = Standin::start("http_api", &[]);
    let edge = edge_before(&upstream);
    let folder = edge.folder();
    let body = (0..3_000_000_u32)
        .map(|number| (number % 251) as u8)
        .collect::<Vec<_>>();
    std::fs::write(folder.join("body"), &body).unwrap();
    let from_file = format!("@{}", folder.join("body").display());
    let digest = run_sha256(&folder.join("body"));
    for version in BOTH {
        for framing in ["Expect: 100-continue", "Transfer-Encoding: chunked"] {
            if version == "--http2" && framing.starts_with("Transfer") {
                continue;
            }
            let arguments = [version, "-H", framing, "--data-binary", &from_file];
            let answer = fetch(&edge, &arguments, "/v1/x%2Fy");
            assert_eq!(answer.status, 200, "{answer:?}");
            let request = answer.json();
            assert_eq!(request["method"], "POST");
            assert_eq!(request["target"], "/v1/x%2Fy");
            assert_eq!(request["body_bytes"], 3_000_000, "{version} {framing}");
            assert_eq!(request["body_sha256"], digest.as_str());
        }
        let answer = fetch(&edge, &[version], "/bytes?size=5000000");
        assert_eq!((answer.status, answer.body.len()), (200, 5_000_000));
        let answer = fetch(&edge, &[version, "--head"], "/bytes?size=77");
        assert_eq!(answer.field("content-length"), Some("77"), "{answer:?}");
    }
}

fn run_sha256(path: &std::path::Path) -> String {
    let mut command = crate::support::command("sha256sum");
    command.arg(path);
    run(command, Duration::from_secs(20))
        .success()
        .split(' ')
        .next()
        .unwrap()
        .to_owned()
}

#[test]
fn the_client_is_named_by_us_and_by_listed_proxies_only() {
    let upstream = Standin::start("http_api", &[]);
    let claims = [
        "-H",
        "X-Forwarded-For: 203.0.113.9",
        "-H",
        "X-Forwarded-Proto: http",
        "-H",
        "X-Forwarded-Host: elsewhere.test",
        "-H",
        "X-Real-IP: 203.0.113.9",
        "-H",
        "X_Forwarded_For: 203.0.113.9",
        "-H",
        "X_Real_IP: 203.0.113.9",
        "-H",
        "X-Forwarded_Host: elsewhere.test",
    ];
    let edge = edge_before(&upstream);
    for version in BOTH {
        let request = fetch(&edge, &[&[version][..], &claims].concat(), "/").json();
        assert_eq!(seen(&request, "x-forwarded-for"), ["127.0.0.1"]);
        assert_eq!(seen(&request, "x-real-ip"), ["127.0.0.1"]);
        assert_eq!(seen(&request, "x-forwarded-proto"), ["https"]);
        let host = format!("edge.test:{}", edge.https().port());
        assert_eq!(seen(&request, "x-forwarded-host"), [host]);
        let text = request.to_string();
        assert!(
            !text.contains("203.0.113.9") && !text.contains("elsewhere"),
            "{text}"
        );
    }
    let trusting = Settings::public()
        .gateway(&upstream.url())
        .set("listen.trusted_proxies", json!(["127.0.0.0/8"]))
        .start();
    let request = fetch(&trusting, &claims, "/").json();
    assert!(
        seen(&request, "x-forwarded-for")[0].starts_with("203.0.113.9"),
        "{request}"
    );
    assert_eq!(seen(&request, "x-real-ip"), ["203.0.113.9"]);
    assert_eq!(seen(&request, "x-forwarded-proto"), ["http"]);
    assert_eq!(seen(&request, "x-forwarded-host"), ["elsewhere.test"]);
    assert!(
        seen(&request, "x_forwarded_for").is_empty(),
        "twins go even from proxies: {request}"
    );
}

#[test]
fn events_arrive_one_by_one() {
    let upstream = Standin::start("http_api", &[]);
    let edge = edge_before(&upstream);
    for version in BOTH {
        for path in ["/sse?count=5&gap=0.4", "/chunked?count=5&gap=0.4"] {
            let mut curl = curl(&edge, &[version], path);
            let mut child = curl.stdout(Stdio::piped()).spawn().unwrap();
            let lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let events = lines
                .map(Result::unwrap)
                .filter(|line| line.starts_with("data: "));
            let delays = events.map(|line| delay_since(&line)).collect::<Vec<_>>();
            assert!(child.wait().unwrap().success());
            assert_eq!(delays.len(), 5);
            // a buffer anywhere would hold the first one 1.6 s
            assert!(
                delays.iter().all(|delay| *delay < 0.3),
                "{version} {path}: {delays:?}"
            );
        }
    }
}

/// Seconds since the time that the stand-in wrote into an event.
fn delay_since(event: &str) -> f64 {
    let value: Value = serde_json::from_str(event.trim_start_matches("data: ")).unwrap();
    now() - value["at"].as_f64().unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "compared with another process's clock"
)]
fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
}

#[test]
fn bodies_over_the_limit_are_413() {
    let upstream = Standin::start("http_api", &[]);
    let edge = Settings::public()
        .gateway(&upstream.url())
        .set("limits.api_body_bytes", 100_000)
        .start();
    let body = "x".repeat(100_001);
    std::fs::write(edge.folder().join("body"), &body).unwrap();
    let from_file = format!("@{}", edge.folder().join("body").display());
    for version in BOTH {
        let announced = fetch(&edge, &[version, "--data-binary", &from_file], "/v1/x");
        assert_eq!(announced.status, 413, "{announced:?}");
        assert!(announced.json()["detail"].is_string(), "{announced:?}");
    }
    let chunked = [
        "--http1.1",
        "-H",
        "Transfer-Encoding: chunked",
        "--data-binary",
        &from_file,
    ];
    let unannounced = fetch(&edge, &chunked, "/v1/x");
    assert_eq!(unannounced.status, 413, "{unannounced:?}");
    let exactly = fetch(&edge, &["--data-binary", &"x".repeat(100_000)], "/v1/x");
    assert_eq!(exactly.json()["body_bytes"], 100_000);
}

#[test]
fn upstreams_that_fail_before_they_answer() {
    let nobody = Port::free();
    let edge = Settings::public()
        .gateway(&format!("http://{}", nobody.address()))
        .start();
    for version in BOTH {
        let answer = fetch(
            &edge,
            &[version, "-H", "X-Request-ID: down-1"],
            "/v1/x?token=hidden",
        );
        assert_eq!(answer.status, 502, "{answer:?}");
        assert_eq!(answer.field("content-type"), Some("application/json"));
        assert_eq!(answer.field("x-request-id"), Some("down-1"));
        assert!(
            answer
                .field("server")
                .is_some_and(|name| name.starts_with("duogate/"))
        );
        assert!(answer.json()["detail"].is_string(), "{answer:?}");
    }
    let log = edge.log();
    assert!(
        log.contains("down-1"),
        "the correlation id is in the log:\n{log}"
    );
    assert!(!log.contains("hidden"), "a query may hold secrets:\n{log}");

    let nameless = Settings::public()
        .gateway("http://gateway.invalid:5052")
        .start();
    assert_eq!(fetch(&nameless, &[], "/v1/x").status, 502);

    let upstream = Standin::start("http_api", &[]);
    let garbage = edge_before(&upstream);
    assert_eq!(fetch(&garbage, &[], "/garbage").status, 502);

    let slow = Settings::public()
        .gateway(&upstream.url())
        .set("limits.upstream_headers_seconds", 1)
        .start();
    let start = Instant::now();
    let answer = fetch(&slow, &[], "/slow?seconds=20");
    assert_eq!(answer.status, 504, "{answer:?}");
    assert!(answer.json()["detail"].is_string(), "{answer:?}");
    assert!(start.elapsed() < Duration::from_secs(8));
}

#[test]
fn an_answer_that_is_cut_looks_cut() {
    let mut upstream = Standin::start("http_api", &[]);
    let edge = edge_before(&upstream);
    for version in BOTH {
        for path in ["/cut", "/cut-chunks"] {
            let answer = fetch(&edge, &[version], path);
            assert_eq!(answer.status, 200);
            assert_ne!(answer.exit, 0, "{version} {path} ended cleanly: {answer:?}");
        }
    }
    // the same when the upstream is killed in the middle of its stream
    let mut curl = curl(&edge, &["--http2"], "/sse?count=100&gap=0.1");
    let mut child = curl
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("data: "));
    let start = Instant::now();
    upstream.process.kill();
    lines.by_ref().for_each(drop);
    assert!(!child.wait().unwrap().success());
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(fetch(&edge, &[], "/").status, 502);
}

#[test]
fn a_client_that_leaves_frees_the_upstream() {
    let upstream = Standin::start("http_api", &[]);
    let edge = edge_before(&upstream);
    for (count, version) in BOTH.iter().enumerate() {
        let left = run(
            curl(&edge, &[version, "--max-time", "1"], "/endless"),
            Duration::from_secs(9),
        );
        assert!(!left.status.success());
        let deadline = Instant::now() + Duration::from_secs(3);
        while fetch(&edge, &[], "/").json()["left_early"] != count + 1 {
            assert!(
                Instant::now() < deadline,
                "the upstream still writes ({version})"
            );
            thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn connections_to_the_upstream_are_kept() {
    let upstream = Standin::start("http_api", &[]);
    let edge = edge_before(&upstream);
    let connection = |_| {
        fetch(&edge, &["--data", "x"], "/").json()["connection"]
            .as_u64()
            .unwrap()
    };
    let connections = (0..6).map(connection).collect::<Vec<_>>();
    assert_eq!(connections, [connections[0]; 6]);
}

#[test]
fn each_request_leaves_one_line() {
    let upstream = Standin::start("http_api", &[]);
    let mut edge = edge_before(&upstream);
    let secrets = [
        "-H",
        "Authorization: Bearer secret-token",
        "-H",
        "X-Request-ID: line-1",
    ];
    let body = ["--http2", "--data", "secret-body"];
    let answer = fetch(
        &edge,
        &[&secrets[..], &body].concat(),
        "/v1/chat?key=secret-query",
    );
    assert_eq!(answer.field("x-request-id"), Some("line-1"));
    let line: Value = serde_json::from_str(&edge.log_line("line-1")).unwrap();
    let text = line.to_string();
    for word in [
        "gateway",
        "200",
        "127.0.0.1",
        "TLSv1.3",
        &upstream.address.to_string(),
    ] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    thread::sleep(Duration::from_millis(200));
    let log = edge.log();
    assert_eq!(log.matches("line-1").count(), 1, "{log}");
    assert!(!log.contains("secret-"), "{log}");
}
