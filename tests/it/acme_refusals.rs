//! What the ACME server will never issue is shown, and not asked for again by itself.

use std::{fs, time::Duration};

use serde_json::{Value, json};

use super::support::{
    Settings, command,
    mock_authority::{Behaviour, MockAuthority, Step, Validation},
    run,
};

#[test]
fn a_blocked_certificate_waits_for_a_restart() {
    let authority = MockAuthority::with(Behaviour {
        rejected: vec!["edge.test"],
        ..Behaviour::default()
    });
    let server = Settings::public()
        .acme(&authority.directory(), &authority.root)
        .start();
    let blocked = server.certificate_with("blocked", |shown| shown["state"] == "blocked");
    assert!(blocked["next_attempt"].is_null(), "{blocked}");
    assert!(
        server.log().contains("a certificate changed its state"),
        "{}",
        server.log()
    );
    assert_eq!(authority.count(Step::NewOrder), 1);
    authority.change(|behaviour| behaviour.rejected.clear());
    let server = server.kill().start();
    server.valid_certificate();
    assert_eq!(authority.count(Step::NewOrder), 2);
}

/// Else a name could fail more proofs within an hour than the authority allows.
#[test]
fn failed_proofs_still_count_after_a_certificate() {
    let authority = MockAuthority::with(Behaviour {
        validation: Validation::Refused,
        ..Behaviour::default()
    });
    let server = Settings::public()
        .acme(&authority.directory(), &authority.root)
        .start();
    server.certificate_with("a failure", |shown| shown["failures"] == 1);
    let history = || {
        let file = server
            .folder()
            .join("state/certificates/edge.test/history.json");
        let text = fs::read_to_string(file).unwrap();
        let history: Value = serde_json::from_str(&text).unwrap();
        history["failed_proofs"].clone()
    };
    let failed = history();
    assert_ne!(failed, json!([]));
    authority.change(|behaviour| behaviour.validation = Validation::Believed);
    let mut certs = command(env!("CARGO_BIN_EXE_duogate"));
    certs.env("DUOGATE_LISTEN__ADMIN", server.admin().to_string());
    certs.args(["certs", "renew", "edge.test"]);
    run(certs, Duration::from_secs(20)).success();
    server.valid_certificate();
    assert_eq!(history(), failed);
}
