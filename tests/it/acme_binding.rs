//! Accounts that an ACME server ties to one of its customers (RFC 8555 7.3.4), with Pebble.

use std::time::Duration;

use serde_json::json;

use super::{
    acme::{Pebble, available, settings, wait_until_valid},
    support::{Port, command, run},
};

/// What the server's operator hands out.
const IDENTIFIER: &str = "customer-1";
const KEY: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
/// A key of the same form that belongs to nobody.
const OTHER_KEY: &str = "b10lLJs8l1GPIzsLP0s6pMt8O0XVGnfTaCeROxQM0BIt2XrJMDHJZBM5NuQmQJQH";

fn demanding(https: &Port, http: &Port) -> Pebble {
    let keys = json!({
        "certificateValidityPeriod": 7200,
        "externalAccountBindingRequired": true,
        "externalAccountMACKeys": {IDENTIFIER: KEY},
    });
    Pebble::configured(https, http, &keys, &[])
}

#[test]
fn a_bound_account_gets_a_certificate_and_its_key_stays_secret() {
    if !available() {
        return;
    }
    let (https, http) = (Port::free(), Port::free());
    let pebble = demanding(&https, &http);
    let server = settings(&pebble, &https, &http, &["tls-alpn-01"])
        .set("tls.acme.eab", json!({"kid": IDENTIFIER, "hmac_key": KEY}))
        .set("log.level", "debug")
        .start();
    wait_until_valid(&server);
    assert!(!server.log().contains(KEY));
    let mut print = command(env!("CARGO_BIN_EXE_duogate"));
    print.args(["config", "print", "--config", "duogate.yaml"]);
    print.current_dir(server.folder());
    let printed = run(print, Duration::from_secs(10)).success();
    assert!(printed.contains(IDENTIFIER), "{printed}");
    assert!(!printed.contains(KEY), "{printed}");
}

#[test]
fn without_the_right_binding_the_servers_words_are_shown() {
    if !available() {
        return;
    }
    for (binding, words) in [
        (json!(null), "externalAccountBinding"),
        (json!({"kid": IDENTIFIER, "hmac_key": OTHER_KEY}), "binding"),
        (json!({"kid": "customer-2", "hmac_key": KEY}), "not known"),
    ] {
        let (https, http) = (Port::free(), Port::free());
        let pebble = demanding(&https, &http);
        let server = settings(&pebble, &https, &http, &["tls-alpn-01"])
            .set("tls.acme.eab", binding.clone())
            .start();
        let shown = server.certificate_with("a refusal", |shown| shown["failures"] != 0);
        assert!(shown["serial"].is_null(), "{shown}");
        let error = shown["last_error"].as_str().unwrap();
        assert!(error.contains(words), "{binding}: {error}");
        assert!(
            !error.contains(KEY) && !error.contains(OTHER_KEY),
            "{error}"
        );
    }
}
