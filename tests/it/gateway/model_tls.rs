//! TLS towards model servers: private authorities, certificates of ours, and neither.

use std::time::Duration;

use serde_json::{Value, json};

use super::{open_gateway, post};
use crate::support::{
    Duogate, Folder, Settings, Standin, TestAuthority,
    certificate::{TestAuthority as Authority, leaf},
    command, run,
};

/// A model server behind TLS, and the files around it.
struct Scene {
    server: Standin,
    folder: Folder,
    /// Of the server's certificate.
    authority: Authority,
    /// Of clients' certificates.
    clients: Authority,
}

impl Scene {
    fn start(asks_for_certificates: bool) -> Self {
        let (folder, clients_folder) = (Folder::new(), Folder::new());
        let authority = TestAuthority::new(&folder);
        let clients = TestAuthority::new(&clients_folder);
        let (certificate, key) = authority.issue(&folder, "model", &["localhost", "127.0.0.1"]);
        let root = folder.write("clients.pem", std::fs::read(&clients.root).unwrap());
        let mut arguments = vec![certificate.to_str().unwrap(), key.to_str().unwrap()];
        if asks_for_certificates {
            arguments.push(root.to_str().unwrap());
        }
        let server = Standin::start("tls_model", &arguments);
        Self {
            server,
            folder,
            authority,
            clients,
        }
    }

    /// A certificate of ours and its key.
    fn identity(&self) -> (String, String) {
        let mut params = leaf("duogate", &["duogate.test"]);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        let (certificate, key) = self.clients.issue_from(&self.folder, "duogate", &params);
        (certificate.display().to_string(), key.display().to_string())
    }

    fn root(&self) -> String {
        self.authority.root.display().to_string()
    }

    /// Status and body of the model check.
    fn check(&self, edge: &Duogate) -> (u16, String) {
        let endpoint = format!("https://localhost:{}/v1", self.server.address.port());
        let body: Value = json!({
            "inputs": {},
            "model_metadata": {
                "provider": "openai", "name": "general", "endpoint": endpoint,
                "api_key": null, "identifier": "custom_openai/m",
            },
        });
        let answer = post(edge, &[], "/v1/prompts/model_configuration%2Fcheck", &body);
        (answer.status, answer.body)
    }
}

fn unreachable(answer: &(u16, String)) -> bool {
    answer.0 == 421
        && answer
            .1
            .contains("500: Internal Server Error - the model server cannot be")
}

#[test]
fn a_private_authority_is_believed_where_it_is_named() {
    let scene = Scene::start(false);
    let stranger = open_gateway().start();
    assert!(
        unreachable(&scene.check(&stranger)),
        "{:?}",
        scene.check(&stranger)
    );
    let hello = (200, "\"hello stranger\"".to_owned());
    let ways: [fn(Settings, &str) -> Settings; 4] = [
        |settings, root| settings.set("models.tls.ca_file", root),
        |settings, _| settings.set("models.tls.verify", false),
        |settings, root| settings.environment("SSL_CERT_FILE", root),
        |settings, root| {
            settings
                .environment("AIGW_MTLS__ENABLED", "true")
                .environment("AIGW_MTLS__CA_BUNDLE", root)
        },
    ];
    for (number, way) in ways.into_iter().enumerate() {
        let edge = way(open_gateway(), &scene.root()).start();
        assert_eq!(scene.check(&edge), hello, "way {number}");
        let warned = edge.log().contains("models.tls.verify is off");
        assert_eq!(warned, number == 1, "only what is dangerous is warned of");
    }
}

#[test]
fn our_certificate_is_shown_to_those_who_ask() {
    let scene = Scene::start(true);
    let (certificate, key) = scene.identity();
    let without = open_gateway()
        .set("models.tls.ca_file", scene.root())
        .start();
    assert_eq!(scene.check(&without).0, 421, "{:?}", scene.check(&without));
    let hello = (200, "\"hello duogate\"".to_owned());
    let by_file = open_gateway()
        .set("models.tls.ca_file", scene.root())
        .set("models.tls.certificate", certificate.as_str())
        .set("models.tls.key", key.as_str())
        .start();
    assert_eq!(scene.check(&by_file), hello);
    let by_variables = open_gateway()
        .environment("AIGW_MTLS__ENABLED", "true")
        .environment("AIGW_MTLS__CA_BUNDLE", &scene.root())
        .environment("AIGW_MTLS__CERT_FILE", &certificate)
        .environment("AIGW_MTLS__KEY_FILE", &key)
        .start();
    assert_eq!(scene.check(&by_variables), hello);
}

#[test]
fn the_key_of_our_certificate_may_have_a_password() {
    let scene = Scene::start(true);
    let (certificate, key) = scene.identity();
    let sealed = scene.folder.path().join("sealed.key").display().to_string();
    let password = "a password: {of many} 'signs'";
    let mut openssl = command("openssl");
    openssl.args(["pkey", "-aes256", "-in", &key, "-out", &sealed, "-passout"]);
    openssl.arg(format!("pass:{password}"));
    run(openssl, LIMIT).success();
    let with = |password: &str| {
        let mut settings = open_gateway()
            .environment("AIGW_MTLS__ENABLED", "true")
            .environment("AIGW_MTLS__CA_BUNDLE", &scene.root())
            .environment("AIGW_MTLS__CERT_FILE", &certificate)
            .environment("AIGW_MTLS__KEY_FILE", &sealed);
        if !password.is_empty() {
            settings = settings.environment("AIGW_MTLS__KEY_PASSWORD", password);
        }
        settings
    };
    let hello = (200, "\"hello duogate\"".to_owned());
    assert_eq!(scene.check(&with(password).start()), hello);
    for (wrong, words) in [
        ("of-another-key", "sealed.key: the password does not open"),
        ("", "sealed.key: the private key is encrypted"),
    ] {
        let mut refused = with(wrong).spawn();
        assert!(!refused.wait(LIMIT).success());
        let log = refused.log();
        assert!(log.contains(words), "{log}");
        assert!(!log.contains("of-another-key"), "{log}");
    }
}

#[test]
fn the_bundle_replaces_every_other_root_and_nothing_counts_without_the_switch() {
    let scene = Scene::start(false);
    let others = Folder::new();
    let other = TestAuthority::new(&others).root.display().to_string();
    let replaced = open_gateway()
        .environment("SSL_CERT_FILE", &scene.root())
        .set("models.tls.ca_file", other)
        .start();
    assert!(unreachable(&scene.check(&replaced)));
    let off = open_gateway()
        .environment("AIGW_MTLS__VERIFY", "false")
        .start();
    assert!(unreachable(&scene.check(&off)));
    let on = open_gateway()
        .environment("AIGW_MTLS__ENABLED", "true")
        .environment("AIGW_MTLS__VERIFY", "false")
        .start();
    assert_eq!(scene.check(&on).0, 200);
}

/// For programs that end at once.
const LIMIT: Duration = Duration::from_secs(20);
