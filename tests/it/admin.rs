//! What the operator sees: metrics, liveness, readiness, certificates.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Port, Settings, command, fetch, get, have, request, run};

#[test]
fn metrics_pass_the_linter() {
    if !have("promtool") {
        return;
    }
    let edge = Settings::public().start();
    for path in ["/monitoring/healthz", "/v1/x"] {
        fetch(&edge, &["--http2"], path);
        fetch(&edge, &["--http1.1"], path);
    }
    let metrics = edge.operator("/metrics");
    assert_eq!(metrics.status, 200);
    assert!(
        metrics
            .field("content-type")
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let file = edge.folder().join("metrics.txt");
    std::fs::write(&file, &metrics.body).unwrap();
    let mut promtool = command("sh");
    promtool
        .args(["-c", "promtool check metrics < \"$0\""])
        .arg(file);
    let lint = run(promtool, Duration::from_secs(30));
    assert!(lint.status.success() && lint.stderr.is_empty(), "{lint:?}");
    for words in [
        "duogate_http_requests_total{",
        "duogate_tls_handshakes_total{",
        "duogate_connections_open{",
        "duogate_certificate_not_after_timestamp_seconds{name=\"edge.test\"}",
        "status=\"401\"",
    ] {
        assert!(
            metrics.body.contains(words),
            "{words} is not in\n{}",
            metrics.body
        );
    }
}

#[test]
fn open_metrics_come_when_asked_for() {
    let edge = Settings::public().start();
    let head = "GET /metrics HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\
                Accept: application/openmetrics-text;version=1.0.0\r\n\r\n";
    let answer = request(edge.admin(), head).unwrap();
    let kind = answer.field("content-type").unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    assert!(answer.body.contains("# EOF"), "{}", answer.body);
}

#[test]
fn liveness_readiness_and_certificates() {
    let edge = Settings::public().start();
    assert_eq!(edge.operator("/healthz").status, 200);
    assert_eq!(edge.operator("/readyz").status, 200);
    let certificates = edge.operator("/certs");
    assert_eq!(certificates.status, 200);
    let certificates: Value = serde_json::from_str(&certificates.body).unwrap();
    let text = certificates.to_string();
    assert!(text.contains("edge.test"), "{text}");
    assert!(!text.contains("PRIVATE"), "{text}");
    assert_eq!(edge.operator("/nothing").status, 404);
}

#[test]
fn metrics_listeners_serve_metrics_alone() {
    let port = Port::free();
    let _edge = Settings::public()
        .set("listen.metrics", json!([port.address().to_string()]))
        .start();
    assert_eq!(get(port.address(), "/metrics").unwrap().status, 200);
    assert_eq!(get(port.address(), "/certs").unwrap().status, 404);
}

#[test]
fn the_health_command_agrees() {
    let edge = Settings::public().start();
    let health = |admin: &str| {
        let mut command = command(env!("CARGO_BIN_EXE_duogate"));
        command.arg("health").env("DUOGATE_LISTEN__ADMIN", admin);
        run(command, Duration::from_secs(20)).status.code()
    };
    assert_eq!(health(&edge.admin().to_string()), Some(0));
    let nobody = Port::free();
    assert_eq!(health(&nobody.address().to_string()), Some(1));
}
