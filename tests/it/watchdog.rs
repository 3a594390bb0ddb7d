//! What blocks for ever must not keep the process for ever.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::support::{
    Process, Settings, Standin, command, mock_authority::MockAuthority, python, run,
};

/// Whoever opens this file waits until somebody writes: like a network's file system that hangs.
fn replace_by_a_pipe(path: &Path) {
    let pipe = path.with_extension("pipe");
    let mut command = command("mkfifo");
    command.arg(&pipe);
    run(command, Duration::from_secs(10)).success();
    fs::rename(pipe, path).unwrap();
}

#[test]
fn a_reload_that_hangs_does_not_hold_up_the_end() {
    let web = Standin::start("websocket_echo", &[]);
    let settings = Settings::public().gateway(&web.url()).set("workers", 1);
    let mut edge = settings.set("drain.grace_seconds", 1).start();
    let mut client = python("clients/websocket_client.py");
    client.arg(edge.https().to_string()).arg(edge.root());
    client.args(["held", "30"]);
    let mut held = Process::start("websocket_client", client);
    held.line_with("open", Duration::from_secs(30));
    replace_by_a_pipe(&edge.folder().join("duogate.yaml"));
    edge.process.signal(Signal::HUP);
    thread::sleep(Duration::from_secs(1));
    edge.terminate();
    let status = edge.wait(Duration::from_secs(20));
    assert_eq!(status.code(), Some(0), "{}", edge.log());
    held.wait(Duration::from_secs(10));
    assert!(
        held.output().contains("\"code\": 1001"),
        "{}",
        held.output()
    );
}

#[test]
fn a_process_whose_threads_are_blocked_is_cut_off_and_says_so() {
    let authority = MockAuthority::start();
    let settings = Settings::public().acme(&authority.directory(), &authority.root);
    let settings = settings.set("workers", 1).set("drain.grace_seconds", 1);
    let mut edge = settings.start();
    edge.valid_certificate();
    // Something to wait for.
    let open = TcpStream::connect(edge.http()).unwrap();
    let mut file = edge.configuration();
    file["domains"] = ["edge.test", "other.test"].into();
    // The keeper of the new certificate meets it on the only thread there is.
    replace_by_a_pipe(&edge.folder().join("state/lock"));
    edge.replace_configuration(&file.to_string());
    edge.process.signal(Signal::HUP);
    edge.log_line("the configuration was reloaded");
    thread::sleep(Duration::from_millis(500));
    let begin = Instant::now();
    edge.terminate();
    let status = edge.wait(Duration::from_secs(30));
    assert_eq!(status.code(), Some(3), "{}", edge.log());
    assert!(begin.elapsed() >= Duration::from_secs(5), "not too early");
    let log = edge.log();
    let line = log.lines().find(|line| line.contains("does not end"));
    assert!(
        line.is_some_and(|line| line.contains("\"exit_code\":3")),
        "{log}"
    );
    drop(open);
}

#[test]
fn a_start_that_hangs_can_be_ended() {
    let settings = Settings::public().set("tls.source", "internal");
    let settings = settings.set("tls.files", serde_json::Value::Null);
    let settings = settings.set("drain.grace_seconds", 1);
    let authority = settings.folder().path().join("state/internal");
    fs::create_dir_all(&authority).unwrap();
    replace_by_a_pipe(&authority.join("root.key.pem"));
    let mut edge = settings.spawn();
    thread::sleep(Duration::from_secs(2));
    edge.terminate();
    let status = edge.wait(Duration::from_secs(30));
    assert_eq!(status.code(), Some(3), "{}", edge.log());
}
