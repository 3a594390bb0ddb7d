//! The ACME life against an authority that does what real ones seldom do.

#![expect(
    clippy::disallowed_methods,
    reason = "tests compare with the machine's clock"
)]

use std::time::{Duration, SystemTime};

use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::support::{
    Settings,
    mock_authority::{Behaviour, MockAuthority, Offer, Reply, Step, Validation},
};

/// A Duogate that gets its certificates from this authority.
fn edge(authority: &MockAuthority) -> Settings {
    Settings::public().acme(&authority.directory(), &authority.root)
}

#[test]
fn an_honest_authority_issues_after_a_real_look() {
    for (challenge, offer) in [
        ("http-01", Offer::Http01),
        ("tls-alpn-01", Offer::TlsAlpn01),
    ] {
        let authority = MockAuthority::start();
        let settings = edge(&authority).set("tls.acme.challenges", json!([challenge]));
        let validation = Validation::Real {
            http: settings.http(),
            https: settings.https(),
        };
        authority.change(|behaviour| {
            behaviour.validation = validation;
            behaviour.offers = vec![Offer::Dns01, Offer::DnsPersist01, Offer::Unheard, offer];
        });
        let server = settings.start();
        let shown = server.valid_certificate();
        assert_eq!(shown["challenge"], challenge);
        assert_eq!(shown["issuer"], "CN=mock root");
        assert_eq!(authority.orders().len(), 1);
        let account = &authority.accounts()[0];
        assert_eq!(account["contact"], json!(["mailto:ops@example.com"]));
        for request in authority.requests(Step::NewOrder) {
            assert!(request.user_agent.starts_with("duogate/"), "{request:?}");
        }
        assert_eq!(server.operator("/readyz").status, 200);
    }
}

#[test]
fn refused_nonces_slow_issuance_and_unheard_challenges_cost_no_order() {
    let authority = MockAuthority::with(Behaviour {
        refused_nonce_every: 3,
        processing_looks: 2,
        offers: vec![Offer::DnsPersist01, Offer::Unheard, Offer::Http01],
        ..Behaviour::default()
    });
    let server = edge(&authority).start();
    let shown = server.valid_certificate();
    assert_eq!(shown["challenge"], "http-01");
    assert_eq!(authority.orders().len(), 1, "{:#?}", authority.history());
    let refused = authority.requests(Step::NewOrder);
    assert!(refused.len() <= 2, "{refused:?}");
}

#[test]
fn retry_after_is_obeyed_in_both_forms_and_a_page_of_html_is_told_as_it_is() {
    let in_two_hours = OffsetDateTime::from(SystemTime::now() + Duration::from_secs(7230));
    let date = format!(
        "{}, {:02} {} {} {:02}:{:02}:{:02} GMT",
        &in_two_hours.weekday().to_string()[..3],
        in_two_hours.day(),
        &in_two_hours.month().to_string()[..3],
        in_two_hours.year(),
        in_two_hours.hour(),
        in_two_hours.minute(),
        in_two_hours.second()
    );
    let paused = "the name edge.test is paused; see https://ca.test/unpause";
    let cases = [
        (
            Step::NewOrder,
            Reply::rate_limited(paused, "7200"),
            7100..7500,
            "https://ca.test/unpause",
        ),
        (
            Step::NewAccount,
            Reply::rate_limited("too many accounts", &date),
            7100..7500,
            "too many accounts",
        ),
        (
            Step::NewNonce,
            Reply::text(503, "text/plain", "busy".to_owned()).with("Retry-After", "7200"),
            7100..7500,
            "503",
        ),
        (Step::Directory, Reply::bad_gateway(), 50..70, "502"),
        (Step::Finalize, Reply::bad_gateway(), 50..70, "502"),
        (Step::NewOrder, Reply::broken_json(), 50..70, "JSON"),
        (Step::Authorization, Reply::broken_json(), 50..70, "JSON"),
    ];
    let running = cases.map(|(step, reply, pause, words)| {
        let authority = MockAuthority::start();
        // the library asks for an order's authorizations once more after a broken answer
        authority.script(step, 3, &reply);
        (edge(&authority).start(), authority, step, pause, words)
    });
    for (server, authority, step, pause, words) in running {
        let shown = server.certificate_with("a pause", |shown| shown["failures"] == 1);
        let shown_error = shown["last_error"].as_str().unwrap();
        assert!(shown_error.contains(words), "{step:?}: {shown}");
        let next = shown["next_attempt"].as_str().unwrap();
        let next = OffsetDateTime::parse(next, &Rfc3339).unwrap();
        let left = (next - OffsetDateTime::from(SystemTime::now())).whole_seconds();
        assert!(pause.contains(&left), "{step:?}: {left} s: {shown}");
        assert!(authority.orders().len() <= 1);
        assert_eq!(server.operator("/healthz").status, 200);
    }
}

#[test]
fn a_rejected_name_is_blocked_and_told_with_its_explanation() {
    let authority = MockAuthority::with(Behaviour {
        rejected: vec!["edge.test"],
        ..Behaviour::default()
    });
    let server = edge(&authority).start();
    let shown = server.certificate_with("blocked", |shown| shown["state"] == "blocked");
    let words = shown["last_error"].as_str().unwrap();
    assert!(words.contains("forbidden by policy"), "{shown}");
    assert_eq!(authority.count(Step::NewOrder), 1);
}

#[test]
fn renewals_follow_a_short_life_one_order_each() {
    let authority = MockAuthority::with(Behaviour {
        life: Duration::from_secs(8),
        ..Behaviour::default()
    });
    let server = edge(&authority).start();
    let mut shown = server.valid_certificate();
    for _ in 0..3 {
        shown = server.next_certificate(&shown);
        assert_eq!(shown["failures"], 0, "{shown}");
    }
    let (orders, certificates) = (authority.orders().len(), authority.certificates().len());
    assert!(orders - certificates <= 1, "{:#?}", authority.history());
    assert_eq!(authority.accounts().len(), 1);
}

#[test]
fn a_forgotten_account_is_made_again() {
    let authority = MockAuthority::with(Behaviour {
        life: Duration::from_secs(8),
        ..Behaviour::default()
    });
    let server = edge(&authority).start();
    let first = server.valid_certificate();
    authority.forget_accounts();
    server.next_certificate(&first);
    assert_eq!(authority.accounts().len(), 2);
}

#[test]
fn an_order_being_issued_is_followed_up_after_a_kill() {
    let authority = MockAuthority::with(Behaviour {
        processing_looks: 3,
        ..Behaviour::default()
    });
    let server = edge(&authority).spawn();
    authority.wait_for(Step::Finalize, 1, Duration::from_secs(20));
    let server = server.kill().start();
    server.valid_certificate();
    assert_eq!(authority.orders().len(), 1, "{:#?}", authority.history());
    assert_eq!(authority.certificates().len(), 1);
}

/// At every step in turn: the server is obeyed, and what is served stays.
#[test]
fn a_refused_renewal_leaves_the_certificate_where_it_is() {
    let steps = [
        Step::NewOrder,
        Step::Authorization,
        Step::Challenge,
        Step::Order,
        Step::Finalize,
        Step::Certificate,
    ];
    let running = steps.map(|step| {
        let authority = MockAuthority::with(Behaviour {
            life: Duration::from_secs(10),
            ..Behaviour::default()
        });
        let server = edge(&authority).start();
        let first = server.valid_certificate();
        let refusal = Reply::problem(503, "rateLimited", "busy").with("Retry-After", "7200");
        authority.script(step, 20, &refusal);
        (step, server, authority, first)
    });
    for (step, server, authority, first) in running {
        let shown = server.certificate_with("a refusal", |shown| shown["failures"] == 1);
        assert_eq!(shown["serial"], first["serial"], "{step:?}");
        assert_eq!(shown["state"], "backing_off", "{step:?}");
        let next = shown["next_attempt"].as_str().unwrap();
        let next = OffsetDateTime::parse(next, &Rfc3339).unwrap();
        let left = (next - OffsetDateTime::from(SystemTime::now())).whole_seconds();
        assert!((7100..7500).contains(&left), "{step:?}: {left} s: {shown}");
        assert!(authority.orders().len() <= 2, "{step:?}");
        assert_eq!(server.operator("/readyz").status, 200, "{step:?}");
    }
}
