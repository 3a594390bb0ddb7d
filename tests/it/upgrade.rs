//! A new binary takes the place of the old one while clients keep coming.

use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Process, Settings, get, python};

#[test]
fn no_connection_is_refused_while_a_holder_of_sockets_restarts_the_process() {
    let prepared = Settings::public().set("drain.delay_seconds", 1).prepare();
    let mut command = python("clients/socket_holder.py");
    command
        .arg(prepared.https().to_string())
        .arg(env!("CARGO_BIN_EXE_duogate"))
        .arg("serve")
        .arg("--config")
        .arg(prepared.folder().join("duogate.yaml"))
        .current_dir(prepared.folder());
    let (mut holder, mut orders) = Process::start_with_input("socket_holder", command);
    let deadline = Instant::now() + Duration::from_secs(20);
    while get(prepared.admin(), "/healthz").is_none() {
        assert!(Instant::now() < deadline, "{}", holder.output());
        thread::sleep(Duration::from_millis(20));
    }

    let mut command = python("clients/load_client.py");
    command
        .arg(prepared.https().to_string())
        .arg(prepared.root())
        .args(["10", "4"]);
    let mut load = Process::start("load_client", command);
    load.line_with("open", Duration::from_secs(20));
    for restarts in 1..=2 {
        orders.write_all(b"restart\n").unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while holder.output().matches("ended 0").count() < restarts {
            assert!(Instant::now() < deadline, "{}", holder.output());
            thread::sleep(Duration::from_millis(20));
        }
        // a process that has not come to its signal handlers yet dies of the next signal
        while get(prepared.admin(), "/healthz").is_none() {
            assert!(Instant::now() < deadline, "{}", holder.output());
            thread::sleep(Duration::from_millis(20));
        }
    }
    load.wait(Duration::from_secs(60));
    let output = load.output();
    let facts: Value = serde_json::from_str(output.lines().last().unwrap()).unwrap();
    let outcomes = facts["outcomes"].as_object().unwrap();
    assert_eq!(outcomes.len(), 1, "{facts}\n{}", holder.output());
    assert!(facts["slowest_seconds"].as_f64().unwrap() < 10.0, "{facts}");
    assert!(outcomes["200"].as_u64().unwrap() > 100, "{facts}");
    drop(orders);
    holder.wait(Duration::from_secs(20));
}

#[test]
fn a_service_manager_is_told_how_far_it_is() {
    use std::os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    };
    let name = format!("duogate-upgrade-test-{}", std::process::id());
    let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let said = || {
        let mut buffer = [0; 256];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let mut edge = Settings::public()
        .environment("NOTIFY_SOCKET", &format!("@{name}"))
        .start();
    assert_eq!(said(), "READY=1");
    edge.process.signal(rustix::process::Signal::HUP);
    let reloading = said();
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    assert_eq!(said(), "READY=1");
    edge.terminate();
    assert_eq!(said(), "STOPPING=1");
    assert_eq!(
        edge.wait(Duration::from_secs(20)).code(),
        Some(0),
        "{}",
        edge.log()
    );
}
