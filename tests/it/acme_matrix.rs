//! Pebble in each of its moods.

use std::time::Duration;

use serde_json::json;

use super::{
    acme::{Pebble, available, settings, wait_for, wait_until_valid},
    support::{Port, command, run},
};

/// What clients of the edge are shown, in PEM, the edge's own certificate first.
fn served_chain(https: &Port) -> Vec<String> {
    let mut openssl = command("openssl");
    openssl.args([
        "s_client",
        "-showcerts",
        "-servername",
        "edge.test",
        "-connect",
    ]);
    openssl.arg(https.address().to_string());
    let shown = run(openssl, Duration::from_secs(10)).stdout;
    let parts = shown.split("-----BEGIN CERTIFICATE-----").skip(1);
    parts.map(ToOwned::to_owned).collect()
}

/// Pebble 2.4 itself ends with a panic at length 0; our mock authority issues without any
/// intermediate.
#[test]
fn chains_of_every_length_are_served_whole_though_half_the_nonces_are_refused() {
    if !available() {
        return;
    }
    let started = [1, 2, 3].map(|length| {
        let (https, http) = (Port::free(), Port::free());
        let text = format!("{length}");
        let variables = [
            ("PEBBLE_WFE_NONCEREJECT", "50"),
            ("PEBBLE_CHAIN_LENGTH", &*text),
        ];
        let pebble = Pebble::with(&https, &http, 7200, &variables);
        let server = settings(&pebble, &https, &http, &["tls-alpn-01", "http-01"]).start();
        (length, server, pebble, https, http)
    });
    for (length, server, _, https, _) in &started {
        let shown = wait_until_valid(server);
        assert_eq!(shown["failures"], 0, "{shown}");
        let chain = served_chain(https);
        assert_eq!(chain.len(), 1 + length, "{chain:?}");
    }
}

/// The chain that the server offers first is served, whatever others it links to.
#[test]
fn further_chains_change_nothing() {
    if !available() {
        return;
    }
    let (https, http) = (Port::free(), Port::free());
    let variables = [
        ("PEBBLE_ALTERNATE_ROOTS", "2"),
        ("PEBBLE_CHAIN_LENGTH", "2"),
    ];
    let pebble = Pebble::with(&https, &http, 7200, &variables);
    let server = settings(&pebble, &https, &http, &["tls-alpn-01"]).start();
    wait_until_valid(&server);
    assert_eq!(served_chain(&https).len(), 3);
    let mut curl = command("curl");
    curl.args(["--silent", "--show-error", "--fail", "--noproxy", "*"]);
    // the first of its three roots
    curl.arg("--cacert").arg(&pebble.issuer).arg("--resolve");
    curl.arg(format!("edge.test:{}:127.0.0.1", https.number()));
    curl.arg(format!(
        "https://edge.test:{}/monitoring/healthz",
        https.number()
    ));
    run(curl, Duration::from_secs(20)).success();
}

/// With every authorization used again nothing has to be proved at a renewal, with none everything.
#[test]
fn authorizations_are_used_again_or_proved_again() {
    if !available() {
        return;
    }
    let started = ["0", "100"].map(|reuse| {
        let (https, http) = (Port::free(), Port::free());
        let variables = [
            ("PEBBLE_WFE_NONCEREJECT", "0"),
            ("PEBBLE_AUTHZREUSE", reuse),
        ];
        let pebble = Pebble::with(&https, &http, 16, &variables);
        let server = settings(&pebble, &https, &http, &["tls-alpn-01"]).start();
        (reuse, server, pebble, https, http)
    });
    for (reuse, server, ..) in &started {
        let first = wait_until_valid(server);
        server.next_certificate(&first);
        let proofs = server
            .log()
            .matches("answered a tls-alpn-01 challenge")
            .count();
        // Pebble looks several times for one proof
        let orders = server.log().matches("ordered a certificate").count();
        assert!(orders >= 2, "{reuse}: {orders}");
        if *reuse == "100" {
            let first_proofs = server
                .log()
                .split("obtained a certificate")
                .next()
                .unwrap()
                .matches("answered a tls-alpn-01 challenge")
                .count();
            assert_eq!(proofs, first_proofs, "nothing was proved again");
        } else {
            let later = server.log();
            let later = later.split_once("obtained a certificate").unwrap().1;
            assert!(
                later.contains("answered a tls-alpn-01 challenge"),
                "{later}"
            );
        }
    }
}

/// Each address has a certificate of its own beside that of the names.
#[test]
fn an_address_gets_a_certificate_of_its_own() {
    if !available() {
        return;
    }
    for challenge in ["tls-alpn-01", "http-01"] {
        let (https, http) = (Port::free(), Port::free());
        let pebble = Pebble::start(&https, &http, 7200);
        let server = settings(&pebble, &https, &http, &[challenge])
            .set("domains", json!(["edge.test", "127.0.0.1"]))
            .start();
        wait_for(Duration::from_secs(40), || {
            let shown = server.certificates();
            shown
                .iter()
                .all(|shown| shown["state"] == "valid")
                .then_some(())
        });
        let shown = server.certificates();
        assert_eq!(shown.len(), 2);
        assert_eq!(shown[1]["domains"], json!(["127.0.0.1"]));
        let port = https.number();
        for host in [format!("127.0.0.1:{port}"), format!("edge.test:{port}")] {
            let mut curl = command("curl");
            curl.args([
                "--silent",
                "--show-error",
                "--fail",
                "--noproxy",
                "*",
                "--cacert",
            ]);
            curl.arg(&pebble.issuer).arg("--resolve");
            curl.arg(format!("edge.test:{port}:127.0.0.1"));
            curl.arg(format!("https://{host}/monitoring/healthz"));
            run(curl, Duration::from_secs(20)).success();
        }
    }
}
