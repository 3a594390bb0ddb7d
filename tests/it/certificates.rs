//! Handshakes as clients meet them, and the two sources that need no ACME server.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use duogate::{
    config::{Domain, TlsFiles, TlsVersion},
    foundation::{Clock, Shutdown, ShutdownPhase, ShutdownTrigger, SystemClock, Tasks},
    telemetry::{Metrics, OutcomeLabels},
    tls::{
        CertificateStore, FilePair, FileSource, InternalSource, ServerParameters, UnknownNames,
        temporary_certificate,
    },
};
use rustls::{
    NamedGroup,
    crypto::{CryptoProvider, aws_lc_rs},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    clock::MovableClock,
    scratch::Scratch,
    tls_client::{Asking, TlsServer, parameters},
};

fn domain(name: &str) -> Domain {
    name.parse()
        .map_or_else(|_| Domain::Name(name.to_owned()), Domain::Address)
}

fn store_for(names: &[&str], unknown: UnknownNames) -> Arc<CertificateStore> {
    let domains: Vec<Domain> = names.iter().map(|name| domain(name)).collect();
    let store = CertificateStore::new(domains.clone(), unknown, parameters(), Arc::default());
    let certificate = temporary_certificate(&domains, &SystemClock).expect("rcgen works");
    store.install(&domains, certificate).expect("it serves");
    Arc::new(store)
}

async fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(bytes).await.expect("it reads");
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(6), reading)
        .await
        .expect("it closes");
    answer
}

#[tokio::test]
async fn the_hybrid_group_comes_first_and_alpn_is_followed() {
    let server = TlsServer::start(store_for(&["a.example"], UnknownNames::Refused), None).await;
    let h2 = Asking::new("a.example", &[b"h2", b"http/1.1"])
        .connect(server.address)
        .await
        .expect("served");
    assert_eq!(h2.group, Some(NamedGroup::X25519MLKEM768));
    assert_eq!(h2.alpn.as_deref(), Some(&b"h2"[..]));
    let h1 = Asking::new("a.example", &[b"http/1.1"])
        .connect(server.address)
        .await
        .expect("served");
    assert_eq!(h1.alpn.as_deref(), Some(&b"http/1.1"[..]));
    let none = Asking::new("127.0.0.1", &[])
        .connect(server.address)
        .await
        .expect("no name and no ALPN are served");
    assert_eq!(none.alpn, None);
    assert!(none.names().iter().any(|name| name.contains("a.example")));
    for protocol in [&b"acme-tls/1"[..], b"spdy/3"] {
        let error = Asking::new("a.example", &[protocol])
            .connect(server.address)
            .await
            .expect_err("no such protocol");
        assert!(
            error.to_string().contains("NoApplicationProtocol"),
            "{error}"
        );
    }
    drop((h2, h1, none));
    let outcomes = server.outcomes();
    assert!(
        outcomes.contains(&"TLSv1.3 X25519MLKEM768 Some(\"a.example\") Some(true)".to_owned()),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn an_old_client_gets_tls_1_2_unless_1_3_is_the_minimum() {
    let server = TlsServer::start(store_for(&["a.example"], UnknownNames::Refused), None).await;
    let only_12 = CryptoProvider {
        kx_groups: vec![aws_lc_rs::kx_group::SECP256R1],
        cipher_suites: aws_lc_rs::ALL_CIPHER_SUITES
            .iter()
            .copied()
            .filter(|suite| suite.version().version == rustls::ProtocolVersion::TLSv1_2)
            .collect(),
        ..aws_lc_rs::default_provider()
    };
    let mut asking = Asking::with_provider("a.example", &[b"http/1.1"], only_12.clone());
    asking.config = {
        let mut config = (*asking.config).clone();
        config.resumption = rustls::client::Resumption::in_memory_sessions(8);
        Arc::new(config)
    };
    for resumed in [false, true] {
        let mut seen = asking
            .connect(server.address)
            .await
            .expect("TLS 1.2 is served");
        assert_eq!(seen.resumed, resumed);
        assert!(seen.echoes().await);
    }
    let strict = CertificateStore::new(
        vec![domain("a.example")],
        UnknownNames::Refused,
        ServerParameters::new(TlsVersion::V13).expect("the provider works"),
        Arc::default(),
    );
    let certificate = temporary_certificate(&[domain("a.example")], &SystemClock);
    strict
        .install(&[domain("a.example")], certificate.expect("rcgen works"))
        .expect("it serves");
    let server = TlsServer::start(Arc::new(strict), None).await;
    let error = asking.connect(server.address).await.expect_err("too old");
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");
}

#[tokio::test]
async fn an_unknown_name_gets_its_alert_and_files_serve_any() {
    let server = TlsServer::start(store_for(&["a.example"], UnknownNames::Refused), None).await;
    let error = Asking::new("b.example", &[b"h2"])
        .connect(server.address)
        .await
        .expect_err("not ours");
    assert!(error.to_string().contains("UnrecognisedName"), "{error}");
    let files = store_for(&["a.example"], UnknownNames::ServedTheFirst);
    let server = TlsServer::start(files, None).await;
    let seen = Asking::new("b.example", &[b"h2"])
        .connect(server.address)
        .await
        .expect("served all the same");
    assert!(seen.names().iter().any(|name| name.contains("a.example")));
}

#[tokio::test]
async fn sessions_resume_also_after_the_certificate_was_replaced() {
    let store = store_for(&["a.example"], UnknownNames::Refused);
    let server = TlsServer::start(Arc::clone(&store), None).await;
    let asking = Asking::new("a.example", &[b"h2"]);
    let mut first = asking.connect(server.address).await.expect("served");
    assert!(first.echoes().await && !first.resumed);
    let domains = [domain("a.example")];
    store
        .install(
            &domains,
            temporary_certificate(&domains, &SystemClock).expect("rcgen works"),
        )
        .expect("it serves");
    let second = asking.connect(server.address).await.expect("served");
    assert!(second.resumed, "the ticket keys are shared");
    let third = Asking::new("a.example", &[b"h2"])
        .connect(server.address)
        .await
        .expect("served");
    assert_ne!(
        third.certificate, first.certificate,
        "new connections see it"
    );
    assert!(first.echoes().await, "the open connection was not touched");
}

#[tokio::test]
async fn plain_http_garbage_and_silence_are_answered_and_closed() {
    let server = TlsServer::start(store_for(&["a.example"], UnknownNames::Refused), None).await;
    for request in [
        &b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = raw(server.address, request).await;
        let answer = String::from_utf8(answer).expect("text");
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{answer}"
        );
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
        assert!(answer.contains("\r\nServer: duogate/"), "{answer}");
        assert!(answer.contains("https://"), "{answer}");
    }
    let garbage = raw(server.address, &[0xff; 64]).await;
    assert_eq!(garbage.first(), Some(&21), "an alert: {garbage:?}");
    let begun = Instant::now();
    let silence = raw(server.address, &[0x16, 0x03, 0x01]).await;
    assert!(silence.is_empty());
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    let outcomes = server.outcomes();
    assert!(
        outcomes
            .iter()
            .any(|outcome| outcome.contains("plain HTTP"))
    );
    assert!(outcomes.iter().any(|outcome| outcome.contains("in time")));
}

#[tokio::test]
async fn curl_and_openssl_trust_the_internal_authority() {
    let scratch = Scratch::new("internal");
    let domains: Vec<Domain> = ["localhost", "127.0.0.1", "::1"].map(domain).into();
    let store = Arc::new(CertificateStore::new(
        domains.clone(),
        UnknownNames::Refused,
        parameters(),
        Arc::default(),
    ));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let open = || {
        InternalSource::open(
            scratch.path(),
            domains.clone(),
            Arc::clone(&store),
            Arc::clone(&clock),
        )
    };
    let source = open().expect("the folder is writable");
    let serial = store.entries()[0].certificate().serial().to_owned();
    let server = TlsServer::start(Arc::clone(&store), None).await;
    let root = source.root_path();
    let port = server.address.port();
    for host in ["localhost", "127.0.0.1"] {
        // The server echoes the request and waits for more: curl prints it and gives up.
        let mut curl = Command::new("curl");
        curl.args([
            "-sS",
            "--http0.9",
            "--no-alpn",
            "--max-time",
            "2",
            "--cacert",
        ])
        .arg(&root)
        .arg(format!("https://{host}:{port}/"));
        let output = run(curl).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.starts_with("GET / HTTP/1.1"), "{host}: {output:?}");
    }
    let folder = scratch.path().join("internal");
    let mut verify = Command::new("openssl");
    verify
        .args(["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile"])
        .args([&root, &folder.join("server.pem")]);
    let verify = run(verify).await;
    assert!(verify.status.success(), "{verify:?}");
    for file in ["root.key.pem", "server.pem"] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
    open().expect("the folder is writable");
    let again = store.entries()[0].certificate().serial().to_owned();
    assert_eq!(serial, again, "kept over a restart");
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

/// Runs a command without holding up the servers of the test.
async fn run(mut command: Command) -> std::process::Output {
    tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("it does not panic")
        .expect("the command exists")
}

/// Runs openssl in `folder`.
fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .expect("openssl is there");
    assert!(output.status.success(), "openssl {arguments}: {output:?}");
}

/// A key of kind `algorithm` and a certificate for it, as `NAME.key` and `NAME.pem`.
fn make_pair(folder: &Path, name: &str, algorithm: &str) {
    openssl(
        folder,
        &format!(
            "req -x509 -newkey {algorithm} -nodes -keyout {name}.key -out {name}.pem -days 9 \
             -subj /CN={name}.example -addext subjectAltName=DNS:{name}.example"
        ),
    );
}

fn pair(folder: &Path, certificate: &str, key: &str) -> FilePair {
    FilePair::main(TlsFiles {
        certificate: folder.join(certificate),
        key: folder.join(key),
    })
}

#[test]
fn every_usual_form_of_key_is_read_and_bad_pairs_are_explained() {
    let scratch = Scratch::new("pairs");
    let folder = scratch.path();
    make_pair(folder, "rsa", "rsa:2048");
    make_pair(folder, "ec", "ec -pkeyopt ec_paramgen_curve:P-256");
    make_pair(folder, "ed", "ed25519");
    openssl(folder, "rsa -in rsa.key -traditional -out rsa1.key");
    openssl(folder, "ec -in ec.key -out ec1.key");
    openssl(
        folder,
        "pkey -in ec.key -aes256 -passout pass:secret -out encrypted.key",
    );
    for (certificate, key) in [
        ("rsa.pem", "rsa.key"),
        ("rsa.pem", "rsa1.key"),
        ("ec.pem", "ec.key"),
        ("ec.pem", "ec1.key"),
        ("ed.pem", "ed.key"),
    ] {
        let loaded = pair(folder, certificate, key).load();
        assert!(loaded.is_ok(), "{certificate} {key}: {loaded:?}");
    }
    fs::write(folder.join("empty.pem"), "").expect("writable");
    for (certificate, key, words) in [
        ("rsa.pem", "ec.key", "does not belong"),
        ("rsa.pem", "encrypted.key", "without a passphrase"),
        ("rsa.pem", "missing.key", "tls.files.key: cannot read"),
        ("rsa.key", "rsa.key", "holds no certificate"),
        ("empty.pem", "rsa.key", "tls.files.certificate"),
        ("rsa.pem", "rsa.pem", "holds no private key"),
    ] {
        let error = pair(folder, certificate, key).load().expect_err("bad");
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// Waits until `condition` holds, for at most ten seconds.
async fn soon(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "not seen: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[derive(Debug)]
struct Watched {
    store: Arc<CertificateStore>,
    metrics: Arc<Metrics>,
    trigger: ShutdownTrigger,
    tasks: Tasks,
}

impl Watched {
    fn open(pair: FilePair, clock: &MovableClock) -> Self {
        let metrics = Arc::new(Metrics::new());
        let store = Arc::new(CertificateStore::new(
            Vec::new(),
            UnknownNames::ServedTheFirst,
            parameters(),
            Arc::clone(&metrics),
        ));
        let source = FileSource::open(
            pair,
            Vec::new(),
            Arc::clone(&store),
            Arc::clone(&metrics),
            Arc::new(clock.clone()),
        );
        let (trigger, shutdown): (ShutdownTrigger, Shutdown) = ShutdownTrigger::new();
        let tasks = Tasks::new();
        source.expect("a good pair").watch(&tasks, shutdown);
        Self {
            store,
            metrics,
            trigger,
            tasks,
        }
    }

    fn name(&self) -> String {
        self.store.entries().first().expect("installed").name()
    }

    fn reloads(&self, outcome: &'static str) -> u64 {
        let labels = OutcomeLabels { outcome };
        self.metrics
            .certificate_reloads
            .get_or_create(&labels)
            .get()
    }
}

#[tokio::test]
async fn certbots_folder_is_followed_and_a_bad_pair_leaves_the_old_in_force() {
    use std::os::unix::fs::symlink;
    let scratch = Scratch::new("certbot");
    let (live, archive) = (scratch.path().join("live"), scratch.path().join("archive"));
    for folder in [&live, &archive] {
        fs::create_dir(folder).expect("writable");
    }
    let curve = "ec -pkeyopt ec_paramgen_curve:P-256";
    for name in ["one", "two", "three"] {
        make_pair(&archive, name, curve);
    }
    let turn = |certificate: &str, key: &str| {
        for (link, target) in [("fullchain.pem", certificate), ("privkey.pem", key)] {
            let new = live.join("new");
            symlink(Path::new("../archive").join(target), &new).expect("writable");
            fs::rename(&new, live.join(link)).expect("writable");
        }
    };
    turn("one.pem", "one.key");
    // Sleeps of a minute stay long: what is seen below is seen by the watch, not by the poll.
    let clock = MovableClock::new(Duration::from_secs(60));
    let watched = Watched::open(pair(&live, "fullchain.pem", "privkey.pem"), &clock);
    assert_eq!(watched.name(), "one.example");

    turn("two.pem", "two.key");
    soon("the turned links", || watched.name() == "two.example").await;

    turn("three.pem", "two.key");
    soon("the complaint", || watched.reloads("failed") == 1).await;
    assert_eq!(watched.name(), "two.example");
    fs::write(archive.join("touched"), "x").expect("writable");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(watched.reloads("failed"), 1, "said once");

    turn("three.pem", "three.key");
    soon("the good pair", || watched.name() == "three.example").await;

    make_pair(&archive, "three", curve);
    soon("the rewritten target", || watched.reloads("ok") >= 3).await;
    assert_eq!(watched.reloads("failed"), 1);

    watched.trigger.advance(ShutdownPhase::Cut);
    watched.tasks.finished().await;
}

#[tokio::test]
async fn the_poll_finds_what_no_event_told() {
    let scratch = Scratch::new("poll");
    let (folder, moved) = (scratch.path().join("a"), scratch.path().join("b"));
    fs::create_dir_all(folder.join("deep")).expect("writable");
    let curve = "ec -pkeyopt ec_paramgen_curve:P-256";
    make_pair(&folder.join("deep"), "one", curve);
    // Two folders away from the files nothing is watched.
    let clock = MovableClock::new(Duration::from_millis(100));
    let files = pair(&folder.join("deep"), "one.pem", "one.key");
    let watched = Watched::open(files, &clock);
    let before = watched.store.entries()[0].certificate().serial().to_owned();
    fs::rename(&folder, &moved).expect("writable");
    fs::create_dir_all(folder.join("deep")).expect("writable");
    make_pair(&folder.join("deep"), "one", curve);
    soon("the new pair", || {
        watched.store.entries()[0].certificate().serial() != before
    })
    .await;
    watched.trigger.advance(ShutdownPhase::Cut);
    watched.tasks.finished().await;
}
