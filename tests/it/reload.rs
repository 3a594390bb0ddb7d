//! A changed configuration is put in force whole or not at all, and no stream notices.

use std::{
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Port, Settings, Standin, fetch, get, wire::Wire};

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
    let mut file = edge.configuration();
    file["gateway"] = new.url().into();
    drop(old);
    assert_eq!(fetch(&edge, &[], "/sse?count=1&gap=0").status, 502);
    edge.replace_configuration(&file.to_string());
    edge.wait_for_reload("ok", 0);
    assert_eq!(fetch(&edge, &[], "/sse?count=1&gap=0").status, 200);
}

#[test]
fn listeners_come_and_go() {
    let edge = Settings::public().start();
    let extra = Port::free();
    assert!(!listens(extra.address()));
    let old = edge.configuration();
    let mut file = old.clone();
    file["listen"]["gateway"] = extra.address().to_string().into();
    edge.reload(&file, "ok");
    let answer = get(extra.address(), "/monitoring/healthz").unwrap();
    assert_eq!(answer.status, 200);
    edge.reload(&old, "ok");
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
    let good = edge.configuration();
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
        edge.reload(&file, "refused");
        edge.log_line(words);
        assert!(!listens(extra.address()), "{path}");
        assert_eq!(
            fetch(&edge, &[], "/sse?count=1&gap=0").status,
            200,
            "{path}"
        );
    }
    let before = edge.reloads("refused");
    edge.replace_configuration("domains: [\n");
    edge.wait_for_reload("refused", before);
    let ready = edge.operator("/readyz");
    assert_eq!(ready.status, 200);
    assert!(
        ready.body.contains("the last reload was refused"),
        "{}",
        ready.body
    );
    edge.reload(&good, "ok");
    assert!(!edge.operator("/readyz").body.contains("refused"));
}

#[test]
fn the_level_of_the_log_changes() {
    let mut edge = Settings::public().start();
    let mut file = edge.configuration();
    file["log"]["level"] = "debug".into();
    edge.reload(&file, "ok");
    // A connection that is no TLS is a matter of debugging.
    let _ = get(edge.https(), "/");
    edge.log_line("no TLS connection");
}

/// A request with this many fields.
fn request(fields: usize) -> Vec<u8> {
    let more: Vec<String> = (1..fields).map(|number| format!("X-{number}: x")).collect();
    let more = more.join("\r\n");
    format!("GET /monitoring/healthz HTTP/1.1\r\nHost: a\r\n{more}\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn changed_limits_apply_to_new_connections_only() {
    let clear = Port::free();
    let settings = Settings::public().set("listen.gateway", clear.address().to_string());
    let edge = settings.set("limits.request_head_fields", 50).start();
    let mut old = Wire::connect(clear.address()).await;
    old.send(&request(40)).await;
    assert_eq!(old.answer().await.unwrap().status, 200);
    let mut file = edge.configuration();
    file["limits"]["request_head_fields"] = 30.into();
    edge.reload(&file, "ok");
    let mut new = Wire::connect(clear.address()).await;
    new.send(&request(40)).await;
    assert_eq!(new.answer().await.unwrap().status, 431);
    old.send(&request(40)).await;
    assert_eq!(old.answer().await.unwrap().status, 200);
    file["limits"]["request_head_fields"] = 60.into();
    edge.reload(&file, "ok");
    old.send(&request(55)).await;
    assert_eq!(old.answer().await.unwrap().status, 431);
    let mut new = Wire::connect(clear.address()).await;
    new.send(&request(55)).await;
    assert_eq!(new.answer().await.unwrap().status, 200);
}
