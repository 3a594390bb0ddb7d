//! What the ACME server will never issue is shown, and not asked for again by itself.

use super::support::{
    Settings,
    mock_authority::{Behaviour, MockAuthority, Step},
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
