//! What the operator chooses: kinds of certificates and further servers.

use std::{fs, time::Duration};

use serde_json::json;

use super::support::{
    Settings,
    mock_authority::{Behaviour, MockAuthority, Reply, Step},
};

fn edge(authority: &MockAuthority) -> Settings {
    Settings::public().acme(&authority.directory(), &authority.root)
}

/// An authority of short lives that offers two kinds.
fn two_kinds() -> MockAuthority {
    MockAuthority::with(Behaviour {
        life: Duration::from_secs(10),
        profiles: vec!["classic", "shortlived"],
        ..Behaviour::default()
    })
}

#[test]
fn a_chosen_profile_is_ordered_and_kept_at_renewals() {
    let authority = two_kinds();
    let server = edge(&authority)
        .set("tls.acme.profile", "shortlived")
        .start();
    let first = server.certificate_with("a first one", |shown| shown["serial"].is_string());
    assert_eq!(first["profile"], "shortlived");
    server.next_certificate(&first);
    let orders = authority.requests(Step::NewOrder);
    assert!(orders.len() >= 2);
    for order in orders {
        assert_eq!(order.payload["profile"], "shortlived", "{order:?}");
    }
}

#[test]
fn a_profile_that_is_not_offered_blocks_without_an_order_and_the_offers_are_told() {
    let authority = two_kinds();
    let server = edge(&authority).set("tls.acme.profile", "eternal").start();
    let shown = server.certificate_with("blocked", |shown| shown["state"] == "blocked");
    let words = shown["last_error"].as_str().unwrap();
    for word in ["eternal", "classic, shortlived"] {
        assert!(words.contains(word), "{words}");
    }
    assert_eq!(authority.count(Step::NewOrder), 0);
}

#[test]
fn addresses_get_the_short_lived_kind_and_names_the_usual_one() {
    for (domain, profile) in [
        ("127.0.0.1", json!("shortlived")),
        ("edge.test", json!(null)),
    ] {
        let authority = two_kinds();
        let server = edge(&authority).set("domains", json!([domain])).start();
        server.certificate_with("one", |shown| shown["serial"].is_string());
        let order = &authority.requests(Step::NewOrder)[0];
        assert_eq!(order.payload["profile"], profile, "{domain}");
    }
}

#[test]
fn a_further_server_issues_while_the_first_wants_to_be_left_alone() {
    for status in [429, 503] {
        let (first, second) = (MockAuthority::start(), two_kinds());
        let refusal = Reply::problem(status, "rateLimited", "busy").with("Retry-After", "7200");
        first.script(Step::NewOrder, 20, &refusal);
        let settings = edge(&first);
        let roots = [&first, &second].map(|authority| fs::read_to_string(&authority.root).unwrap());
        let roots = settings.folder().write("roots.pem", roots.concat());
        let server = settings
            .set("tls.acme.ca_file", json!(roots))
            .set("tls.acme.fallback_directories", json!([second.directory()]))
            .start();
        let shown = server.certificate_with("one", |shown| shown["serial"].is_string());
        assert_eq!(shown["directory"], second.directory());
        first.unscript();
        server.next_certificate(&shown);
        let asked = first.count(Step::NewOrder);
        assert_eq!(asked, 1, "{status}: again before its Retry-After");
    }
}
