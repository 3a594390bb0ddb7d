//! An upstream that is stopped and started again, on the same address or on another, is found.

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::support::{Duogate, Port, Settings, Standin, command, fetch, python, run, skip};

#[test]
fn an_upstream_started_again_on_its_address() {
    let port = Port::free();
    let address = port.address().to_string();
    let first = Standin::start("http_api", &["--listen", &address]);
    let edge = Settings::public().gateway(&first.url()).start();
    assert_eq!(fetch(&edge, &[], "/").status, 200);
    drop(first);
    assert_eq!(fetch(&edge, &[], "/").status, 502);
    let _second = Standin::start("http_api", &["--listen", &address]);
    // the kept connection is dead; nothing was sent on it, so even a POST goes by a new one
    for _ in 0..3 {
        let answer = fetch(&edge, &["--data", "once"], "/v1/x");
        assert_eq!(
            (answer.status, &answer.json()["body_bytes"]),
            (200, &4.into())
        );
    }
}

#[test]
fn a_kept_connection_that_died_unseen_costs_no_request() {
    let port = Port::free();
    let address = port.address().to_string();
    let first = Standin::start("http_api", &["--listen", &address]);
    let edge = Settings::public().gateway(&first.url()).start();
    for _ in 0..2 {
        assert_eq!(fetch(&edge, &[], "/").status, 200);
    }
    drop(first);
    let _second = Standin::start("http_api", &["--listen", &address]);
    assert_eq!(fetch(&edge, &["--data", "once"], "/v1/x").status, 200);
}

#[test]
fn an_upstream_recreated_on_another_address() {
    if !private_mounts_are_possible() {
        return skip("a private hosts file needs root and mount namespaces");
    }
    let (web_port, grpc_port) = (Port::free(), Port::free());
    let (web_port, grpc_port) = (web_port.number(), grpc_port.number());
    let settings = Settings::public()
        .gateway(&format!("http://gateway.test:{web_port}"))
        .agent_platform(&format!("http://gateway.test:{grpc_port}"));
    let hosts = settings
        .folder()
        .write("hosts", "127.0.0.1 localhost\n127.0.0.2 gateway.test\n");
    let start = |host: &str| {
        (
            Standin::start("http_api", &["--listen", &format!("{host}:{web_port}")]),
            Standin::start(
                "grpc_service",
                &["--listen", &format!("{host}:{grpc_port}")],
            ),
        )
    };
    let first = start("127.0.0.2");
    let mut edge = settings.spawn_by(with_hosts(&hosts));
    edge.wait_until_ready(Duration::from_secs(20));
    assert_eq!(fetch(&edge, &[], "/").status, 200);
    assert_eq!(echo(&edge), "OK");

    drop(first);
    let _second = start("127.0.0.3");
    // written in place: the mount shows this very file
    fs::write(&hosts, "127.0.0.1 localhost\n127.0.0.3 gateway.test\n").unwrap();
    found_soon("http", || fetch(&edge, &["--data", "x"], "/").status == 200);
    found_soon("gRPC", || echo(&edge) == "OK");
}

/// A program started behind this sees `hosts` as /etc/hosts.
fn with_hosts(hosts: &Path) -> Command {
    let mut command = command("unshare");
    command.args(["--mount", "--propagation", "private", "--", "sh", "-c"]);
    command
        .arg("mount --bind \"$0\" /etc/hosts && exec \"$@\"")
        .arg(hosts);
    command.arg(env!("CARGO_BIN_EXE_duogate"));
    command
}

fn private_mounts_are_possible() -> bool {
    let mut command = command("unshare");
    command.args([
        "--mount",
        "--propagation",
        "private",
        "--",
        "mount",
        "--bind",
        "/etc/hosts",
    ]);
    command.arg("/etc/hosts");
    run(command, Duration::from_secs(10)).status.success()
}

fn echo(edge: &Duogate) -> String {
    let mut client = python("clients/grpc_client.py");
    client
        .arg(edge.https().to_string())
        .arg(edge.root())
        .arg("echo");
    let answer = run(client, Duration::from_secs(60)).json();
    answer["code"].as_str().unwrap().to_owned()
}

/// The documented upgrade loses requests until NGINX is restarted; here a few seconds are allowed,
/// for a failed connection is what tells that the name has to be looked up again.
fn found_soon(what: &str, mut found: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(8);
    while !found() {
        assert!(
            Instant::now() < deadline,
            "the new address is not found ({what})"
        );
        thread::sleep(Duration::from_millis(200));
    }
}
