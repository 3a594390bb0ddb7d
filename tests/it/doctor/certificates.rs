//! Chains that clients do not believe.

use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use time::OffsetDateTime;

use super::{Said, ask, look, look_at};
use crate::support::{Duogate, Port, Settings, certificate::leaf};

/// Duogate with another certificate for its name: PEM texts of chain and key.
fn serving(settings: Settings, chain: &str, key: &str) -> Duogate {
    settings.folder().write("edge.crt", chain);
    settings.folder().write("edge.key", key);
    settings.start()
}

fn between(mut params: CertificateParams, from_days: i64, to_days: i64) -> CertificateParams {
    let now = OffsetDateTime::now_utc();
    params.not_before = now + time::Duration::days(from_days);
    params.not_after = now + time::Duration::days(to_days);
    params
}

/// Looks with a certificate of the test authority that is valid between these days from now.
fn look_at_validity(from_days: i64, to_days: i64) -> Said {
    let settings = Settings::public();
    let params = between(leaf("edge", &["edge.test"]), from_days, to_days);
    settings
        .authority()
        .issue_from(settings.folder(), "edge", &params);
    look_at(&settings.start())
}

#[test]
fn expired_or_due() {
    let said = look_at_validity(-40, -3);
    said.problem("certificate", "it expired 3 days ago", "why renewal fails");
    assert_eq!(said.problems(), ["certificate"]);
    let said = look_at_validity(-87, 3);
    assert_eq!(said.code, Some(0), "{:#}", said.report);
    said.tells(
        "warning",
        "certificate",
        "2 days left",
        "should have been renewed",
    );
}

#[test]
fn for_another_name() {
    let edge = Settings::public().start();
    let port = edge.https().port();
    let url = format!("https://other.test:{port}");
    let root = edge.root().to_str().unwrap();
    let said = ask(&["--url", &url, "--address", "127.0.0.1", "--ca-file", root]);
    let seen = "it is for edge.test, localhost, 127.0.0.1 and not for other.test";
    said.problem("certificate", seen, "add other.test to `domains`");
}

#[test]
fn without_its_intermediate() {
    let settings = Settings::public();
    let (intermediate, pem) = settings.authority().intermediate();
    intermediate.issue(settings.folder(), "edge", &["edge.test"]);
    let read = |name: &str| std::fs::read_to_string(settings.folder().path().join(name)).unwrap();
    let (own, key) = (read("edge.crt"), read("edge.key"));
    let edge = settings.start();
    look_at(&edge).problem("certificate", "incomplete chain", "fullchain.pem");

    let whole = serving(edge.kill(), &format!("{own}{pem}"), &key);
    assert_eq!(look_at(&whole).report["problems"], 0);
    // and to who does not know the root
    let url = format!("https://edge.test:{}", whole.https().port());
    let said = ask(&["--url", &url, "--address", "127.0.0.1"]);
    said.problem(
        "certificate",
        "unknown authority: none of the 2",
        "/etc/gitlab/trusted-certs",
    );
}

#[test]
fn signed_by_itself() {
    let key = KeyPair::generate().unwrap();
    let certificate = leaf("edge", &["edge.test"]).self_signed(&key).unwrap();
    let edge = serving(Settings::public(), &certificate.pem(), &key.serialize_pem());
    look_at(&edge).problem("certificate", "self-signed by CN=edge", "tls.source: acme");
}

#[test]
fn waiting_for_the_authority() {
    let nobody = Port::free();
    let directory = format!("https://{}/directory", nobody.address());
    let settings = Settings::public().set("tls.source", "acme");
    let settings = settings.set("tls.files", serde_json::json!({}));
    let mut edge = settings.set("tls.acme.directory", directory).spawn();
    edge.wait_until_ready(Duration::from_secs(20));
    let said = look(edge.https(), edge.http(), edge.root(), &[]);
    said.problem(
        "certificate",
        "temporary certificate",
        "what the ACME server says",
    );
}
