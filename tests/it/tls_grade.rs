//! The grade of our TLS, judged by clients others wrote: what SSL Labs calls A+ and what Mozilla
//! calls intermediate and modern.

use std::{fs, path::Path, process::Command, time::Duration};

use rcgen::{KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::Value;

use crate::support::{Duogate, Settings, certificate::leaf, command, python, run, sslyze};

/// A scan waits for the refusals of several hundred handshakes: 5 s on an idle machine.
const SCAN: Duration = Duration::from_secs(90);

/// What SSL Labs asks for A+: half a year of Strict-Transport-Security.
const HALF_A_YEAR_SECONDS: u64 = 180 * 86_400;

/// An edge whose chain is a leaf of this key and an intermediate, valid as long as a certificate
/// of a public authority.
fn edge(key: &KeyPair, minimum: &str) -> Duogate {
    let settings = Settings::public();
    let (intermediate, intermediate_pem) = settings.authority().intermediate();
    let mut params = leaf("edge.test", &["edge.test", "localhost", "127.0.0.1"]);
    let now = time::OffsetDateTime::now_utc();
    params.not_before = now - time::Duration::hours(1);
    params.not_after = now + time::Duration::days(89);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let folder = settings.folder();
    let (leaf_file, key_file) = intermediate.issue_for(folder, "leaf", &params, key);
    let chain = fs::read_to_string(leaf_file).unwrap() + &intermediate_pem;
    let chain = folder.write("chain.pem", chain);
    settings
        .set("tls.files.certificate", chain.to_str().unwrap())
        .set("tls.files.key", key_file.to_str().unwrap())
        .set("tls.min_version", minimum)
        .start()
}

/// Scans an edge against one of Mozilla's profiles; the result of each command by its name.
fn scan(edge: &Duogate, profile: &str, commands: &str) -> Value {
    let report = edge.folder().join("report.json");
    let mut scan = sslyze();
    scan.arg("--quiet")
        .arg(format!("--json_out={}", report.display()))
        .arg(format!("--mozilla_config={profile}"))
        .arg("--certinfo")
        .arg("--certinfo_ca_file")
        .arg(edge.root())
        .args(commands.split_whitespace())
        .args(["--sni", "edge.test"])
        .arg(edge.https().to_string());
    let outcome = run(scan, SCAN);
    // its exit code is its verdict on the profile, its output the reasons
    let words = outcome.success();
    assert!(words.contains("OK - Compliant"), "{words}");
    // the modulus of an RSA key is a number too long for most readers of JSON
    let report = fs::read_to_string(report).unwrap();
    let lines = report.lines().filter(|line| !line.contains("\"rsa_n\":"));
    let report = lines.collect::<String>();
    let mut report: Value = serde_json::from_str(&report).unwrap();
    let server = report["server_scan_results"][0].take();
    assert_eq!(server["scan_status"], "COMPLETED", "{server}");
    server["scan_result"].clone()
}

#[track_caller]
fn result<'a>(report: &'a Value, command: &str) -> &'a Value {
    let command = &report[command];
    assert_eq!(command["status"], "COMPLETED", "{command}");
    &command["result"]
}

/// The words at `path` in each element of a list.
fn words(list: &Value, path: &str) -> Vec<String> {
    let list = list.as_array().unwrap();
    let words = list.iter().map(|element| element.pointer(path).unwrap());
    words
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

#[track_caller]
fn accepted(report: &Value, version: &str) -> Vec<String> {
    let result = result(report, version);
    let mut suites = words(&result["accepted_cipher_suites"], "/cipher_suite/name");
    suites.sort();
    suites
}

#[test]
fn the_default_is_an_a_plus_with_an_ecdsa_key() {
    let edge = edge(&KeyPair::generate().unwrap(), "1.2");
    is_an_a_plus(&edge, "ECDSA");
}

#[test]
fn the_default_is_an_a_plus_with_an_rsa_key() {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let edge = edge(&key, "1.2");
    is_an_a_plus(&edge, "RSA");
}

#[track_caller]
fn is_an_a_plus(edge: &Duogate, signature: &str) {
    let report = scan(
        edge,
        "intermediate",
        "--sslv2 --sslv3 --tlsv1 --tlsv1_1 --tlsv1_2 --tlsv1_3 --compression --reneg --heartbleed \
         --robot --openssl_ccs --elliptic_curves --resum --early_data --ems --fallback \
         --http_headers",
    );
    only_modern_suites(&report, signature);
    no_known_hole(&report);
    let curves = &result(&report, "elliptic_curves")["supported_curves"];
    // sslyze's OpenSSL knows no X25519MLKEM768; the test of the groups below does
    let mut curves = words(curves, "/name");
    curves.sort();
    assert_eq!(curves, ["X25519", "secp256r1", "secp384r1"]);
    chain_is_whole(&report);
    let header = &result(&report, "http_headers")["strict_transport_security_header"];
    assert!(
        header["max_age"].as_u64() >= Some(HALF_A_YEAR_SECONDS),
        "{header}"
    );
}

/// TLS 1.2 and 1.3 alone, forward secrecy and authenticated encryption alone.
#[track_caller]
fn only_modern_suites(report: &Value, signature: &str) {
    for version in ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"] {
        let suites = accepted(report, &format!("{version}_cipher_suites"));
        assert!(suites.is_empty(), "{version}: {suites:?}");
    }
    for version in ["tls_1_0", "tls_1_1"] {
        let result = result(report, &format!("{version}_cipher_suites"));
        let reasons = words(&result["rejected_cipher_suites"], "/error_message");
        assert!(
            reasons
                .iter()
                .all(|reason| reason.contains("protocol version")),
            "{version}: {reasons:?}"
        );
    }
    let of_1_2 = [
        format!("TLS_ECDHE_{signature}_WITH_AES_128_GCM_SHA256"),
        format!("TLS_ECDHE_{signature}_WITH_AES_256_GCM_SHA384"),
        format!("TLS_ECDHE_{signature}_WITH_CHACHA20_POLY1305_SHA256"),
    ];
    assert_eq!(accepted(report, "tls_1_2_cipher_suites"), of_1_2);
    let of_1_3 = [
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
    ];
    assert_eq!(accepted(report, "tls_1_3_cipher_suites"), of_1_3);
}

#[track_caller]
fn no_known_hole(report: &Value) {
    let is = |command: &str, field: &str, expected: Value| {
        let result = result(report, command);
        assert_eq!(result[field], expected, "{command}: {result}");
    };
    is("tls_compression", "supports_compression", false.into());
    is("heartbleed", "is_vulnerable_to_heartbleed", false.into());
    is(
        "robot",
        "robot_result",
        "NOT_VULNERABLE_RSA_NOT_SUPPORTED".into(),
    );
    is(
        "openssl_ccs_injection",
        "is_vulnerable_to_ccs_injection",
        false.into(),
    );
    is(
        "session_renegotiation",
        "supports_secure_renegotiation",
        true.into(),
    );
    is(
        "session_renegotiation",
        "is_vulnerable_to_client_renegotiation_dos",
        false.into(),
    );
    is(
        "session_renegotiation",
        "client_renegotiations_success_count",
        0.into(),
    );
    is(
        "tls_extended_master_secret",
        "supports_ems_extension",
        true.into(),
    );
    // 0-RTT could be replayed
    is("tls_1_3_early_data", "supports_early_data", false.into());
    is("tls_fallback_scsv", "supports_fallback_scsv", true.into());
    is(
        "session_resumption",
        "session_id_resumption_result",
        "FULLY_SUPPORTED".into(),
    );
}

#[track_caller]
fn chain_is_whole(report: &Value) {
    let certificates = result(report, "certificate_info");
    let deployments = certificates["certificate_deployments"].as_array().unwrap();
    let [deployment] = deployments.as_slice() else {
        panic!("one chain is served, not {}", deployments.len())
    };
    let chain = words(
        &deployment["received_certificate_chain"],
        "/subject/rfc4514_string",
    );
    assert_eq!(
        chain,
        ["CN=edge.test", "CN=Duogate's tests\\, intermediate"]
    );
    assert_eq!(deployment["received_chain_has_valid_order"], true);
    // a root is known to clients or useless to them
    assert_eq!(
        deployment["received_chain_contains_anchor_certificate"],
        false
    );
    assert_eq!(deployment["verified_chain_has_sha1_signature"], false);
    // authorities give none any more, and the certificate asks for none
    assert_eq!(
        deployment["leaf_certificate_has_must_staple_extension"],
        false
    );
    let validations = deployment["path_validation_results"].as_array().unwrap();
    assert!(
        validations
            .iter()
            .any(|result| result["was_validation_successful"] == true),
        "the root that clients trust does not verify the chain"
    );
}

#[test]
fn minimum_1_3_is_what_mozilla_calls_modern() {
    let edge = edge(&KeyPair::generate().unwrap(), "1.3");
    let report = scan(&edge, "modern", "--tlsv1_2 --tlsv1_3");
    assert!(accepted(&report, "tls_1_2_cipher_suites").is_empty());
    assert_eq!(accepted(&report, "tls_1_3_cipher_suites").len(), 3);
}

/// `openssl s_client`, which ends after its handshake; both outputs.
fn s_client(edge: &Duogate, arguments: &[&str]) -> String {
    let mut client: Command = command("openssl");
    client
        .args(["s_client", "-servername", "edge.test", "-CAfile"])
        .arg(edge.root())
        .arg("-connect")
        .arg(edge.https().to_string())
        .args(arguments);
    let outcome = run(client, Duration::from_secs(30));
    outcome.stdout + &outcome.stderr
}

#[test]
fn the_hybrid_group_is_negotiated_and_x25519_alone_is_served() {
    let edge = Settings::public().start();
    let mut client = python("clients/tls_group_client.py");
    client
        .arg(edge.https().to_string())
        .arg("edge.test")
        .arg(edge.root());
    let seen = run(client, Duration::from_secs(30)).json();
    assert_eq!(seen["group"], "X25519MLKEM768", "{seen}");
    assert_eq!(seen["version"], "TLSv1.3", "{seen}");
    assert_eq!(seen["status"], "200", "{seen}");
    for (groups, key) in [
        ("X25519", "X25519, 253 bits"),
        ("P-256", "ECDH, prime256v1, 256 bits"),
        ("P-384", "ECDH, secp384r1, 384 bits"),
    ] {
        let words = s_client(&edge, &["-groups", groups]);
        assert!(
            words.contains(&format!("Server Temp Key: {key}")),
            "{words}"
        );
        assert!(words.contains("Verify return code: 0 (ok)"), "{words}");
    }
    let words = s_client(&edge, &["-groups", "X448:P-521"]);
    assert!(words.contains("alert handshake failure"), "{words}");
    let metrics = edge.operator("/metrics").body;
    for group in ["X25519MLKEM768", "X25519", "secp256r1", "secp384r1"] {
        let label = format!("group=\"{group}\"");
        assert!(metrics.contains(&label), "no {label} in\n{metrics}");
    }
}

#[test]
fn clients_older_than_tls_1_2_are_told_that_it_is_their_version() {
    let edge = Settings::public().start();
    for version in ["-tls1", "-tls1_1"] {
        // Debian's OpenSSL offers these versions only where its own policy is lowered
        let words = s_client(&edge, &[version, "-cipher", "DEFAULT@SECLEVEL=0"]);
        assert!(words.contains("SSL alert number 70"), "{version}: {words}");
    }
    let modern = Settings::public().set("tls.min_version", "1.3").start();
    let words = s_client(&modern, &["-tls1_2"]);
    assert!(words.contains("SSL alert number 70"), "{words}");
}

#[test]
fn sessions_of_tls_1_2_resume_by_ticket_and_by_number() {
    let edge = Settings::public().start();
    // sslyze counts a ticket that is renewed at each resumption, as ours are, as none
    for more in [[].as_slice(), &["-no_ticket"]] {
        let session = edge.folder().join("session.pem");
        let [first, second] = ["-sess_out", "-sess_in"].map(|direction| {
            let session: &Path = &session;
            let mut arguments = vec!["-tls1_2", direction, session.to_str().unwrap()];
            arguments.extend(more);
            s_client(&edge, &arguments)
        });
        assert!(first.contains("New, TLSv1.2"), "{first}");
        assert!(second.contains("Reused, TLSv1.2"), "{more:?}: {second}");
        assert_eq!(first.contains("TLS session ticket:"), more.is_empty());
    }
}
