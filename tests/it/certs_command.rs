//! `duogate certs`: the table, the JSON, and renewal on the operator's wish.

use std::time::Duration;

use serde_json::Value;

use super::support::{
    Duogate, Outcome, Settings, command,
    mock_authority::{Behaviour, MockAuthority, Reply, Step},
    request, run,
};

/// `duogate certs ARGUMENTS` towards this process.
fn certs(server: &Duogate, arguments: &[&str]) -> Outcome {
    let mut command = command(env!("CARGO_BIN_EXE_duogate"));
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command.env("DUOGATE_LISTEN__ADMIN", server.admin().to_string());
    command.arg("certs").args(arguments);
    run(command, Duration::from_secs(20))
}

fn edge(authority: &MockAuthority) -> Settings {
    Settings::public().acme(&authority.directory(), &authority.root)
}

#[test]
fn the_list_is_a_table_or_json() {
    let authority = MockAuthority::start();
    let server = edge(&authority).start();
    let shown = server.valid_certificate();
    let table = certs(&server, &["list"]).success();
    let mut lines = table.lines();
    let (head, row) = (lines.next().unwrap(), lines.next().unwrap());
    assert!(
        head.starts_with("NAME       DOMAINS    STATE  ISSUER"),
        "{table}"
    );
    assert!(
        row.starts_with("edge.test  edge.test  valid  CN=mock root"),
        "{table}"
    );
    assert!(
        row.contains(shown["not_after"].as_str().unwrap()),
        "{table}"
    );
    assert!(row.contains("  89  ") && row.ends_with('-'), "{table}");
    let list = certs(&server, &["list", "--json"]).json();
    assert_eq!(list["certificates"][0]["serial"], shown["serial"]);
    assert_eq!(list["directory"], authority.directory());
}

#[test]
fn a_renewal_is_one_order_and_unknown_names_are_told() {
    let authority = MockAuthority::start();
    let server = edge(&authority).start();
    let first = server.valid_certificate();
    let renewed = certs(&server, &["renew", "edge.test"]).success();
    assert!(renewed.contains("edge.test: an attempt"), "{renewed}");
    server.next_certificate(&first);
    assert_eq!(authority.orders().len(), 2, "{:#?}", authority.history());
    let unknown = certs(&server, &["renew", "other.test"]);
    assert_eq!(unknown.status.code(), Some(1));
    let words = "no certificate is called \"other.test\"; there are: edge.test";
    assert!(unknown.stderr.contains(words), "{unknown:?}");
    assert_eq!(certs(&server, &["renew"]).status.code(), Some(2));
    assert_eq!(certs(&server, &[]).status.code(), Some(2));
    assert_eq!(authority.orders().len(), 2);
}

#[test]
fn an_operator_overrides_our_pause_and_not_the_authoritys() {
    let authority = MockAuthority::start();
    authority.script(Step::NewOrder, 1, &Reply::bad_gateway());
    let server = edge(&authority).start();
    let failed = |count: u64| move |shown: &Value| shown["failures"] == count;
    server.certificate_with("a failure", failed(1));
    authority.script(Step::NewOrder, 1, &Reply::rate_limited("slow down", "7200"));
    assert!(certs(&server, &["renew", "edge.test"]).status.success());
    server.certificate_with("a refusal", failed(2));
    let waits = certs(&server, &["renew", "edge.test"]);
    assert_eq!(waits.status.code(), Some(1), "{waits:?}");
    assert!(
        waits.stderr.contains("asked us to wait until 20"),
        "{waits:?}"
    );
    let table = certs(&server, &["list"]).success();
    assert!(
        table.contains("backing_off") && table.contains("slow down"),
        "{table}"
    );
    assert_eq!(authority.count(Step::NewOrder), 2);
}

#[test]
fn what_was_blocked_is_tried_again_on_the_operators_wish() {
    let authority = MockAuthority::with(Behaviour {
        rejected: vec!["edge.test"],
        ..Behaviour::default()
    });
    let server = edge(&authority).start();
    server.certificate_with("blocked", |shown| shown["state"] == "blocked");
    authority.change(|behaviour| behaviour.rejected.clear());
    assert!(certs(&server, &["renew", "edge.test"]).status.success());
    server.valid_certificate();
    assert_eq!(authority.count(Step::NewOrder), 2);
}

#[test]
fn sources_that_renew_by_themselves_say_so() {
    for source in ["files", "internal"] {
        let mut settings = Settings::public().set("tls.source", source);
        if source == "internal" {
            settings = settings.set("tls.files", Value::Null);
        }
        let server = settings.start();
        let table = certs(&server, &["list"]).success();
        assert!(
            table.contains("edge.test") && table.contains("valid"),
            "{table}"
        );
        let refused = certs(&server, &["renew", "edge.test"]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            refused.stderr.contains("tls.source is not acme"),
            "{refused:?}"
        );
    }
}

#[test]
fn nobody_but_a_command_on_this_machine_renews() {
    let authority = MockAuthority::start();
    let server = edge(&authority).start();
    server.valid_certificate();
    let ask = |method: &str, fields: &str| {
        let text = format!(
            "{method} /certs/edge.test/renew HTTP/1.1\r\nHost: {}\r\n{fields}Content-Length: 0\r\nConnection: close\r\n\r\n",
            server.admin()
        );
        request(server.admin(), &text).unwrap().status
    };
    assert_eq!(ask("POST", ""), 403);
    assert_eq!(ask("POST", "Origin: https://evil.test\r\n"), 403);
    let page = "X-Duogate-Request: page\r\nOrigin: http://rebound.test\r\n";
    assert_eq!(ask("POST", page), 403);
    assert_eq!(ask("GET", "X-Duogate-Request: command\r\n"), 405);
    assert_eq!(authority.orders().len(), 1);
    assert_eq!(ask("POST", "X-Duogate-Request: command\r\n"), 202);
    authority.wait_for(Step::NewOrder, 2, Duration::from_secs(10));
}

#[test]
fn a_process_that_is_not_there_is_told() {
    let mut command = command(env!("CARGO_BIN_EXE_duogate"));
    command.args(["certs", "list"]);
    command.env("DUOGATE_LISTEN__ADMIN", "127.0.0.1:1");
    let dead = run(command, Duration::from_secs(20));
    assert_eq!(dead.status.code(), Some(1));
    assert!(dead.stderr.contains("is the process running"), "{dead:?}");
}
