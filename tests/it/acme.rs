//! Certificates from a real ACME server (Pebble, which refuses 30 % of all nonces).

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::support::{
    Duogate, Folder, Port, Process, Settings, Standin, TestAuthority, command, python, run, skip,
};

/// Pebble and its DNS server.
pub(crate) struct Pebble {
    _dns: DnsServer,
    process: Process,
    address: String,
    root: PathBuf,
    /// The root of the certificates it issues, which it makes anew at each start.
    pub(crate) issuer: PathBuf,
    _folder: Folder,
}

impl Pebble {
    /// Validates on `https` and `http`; certificates live for `life` seconds.
    pub(crate) fn start(https: &Port, http: &Port, life: u64) -> Self {
        let usual = [("PEBBLE_WFE_NONCEREJECT", "30"), ("PEBBLE_AUTHZREUSE", "0")];
        Self::with(https, http, life, &usual)
    }

    /// With these variables of its own.
    pub(crate) fn with(https: &Port, http: &Port, life: u64, variables: &[(&str, &str)]) -> Self {
        Self::configured(
            https,
            http,
            &json!({"certificateValidityPeriod": life}),
            variables,
        )
    }

    /// With these keys in its file and these variables.
    pub(crate) fn configured(
        https: &Port,
        http: &Port,
        keys: &Value,
        variables: &[(&str, &str)],
    ) -> Self {
        let folder = Folder::new();
        let authority = TestAuthority::new(&folder);
        let (certificate, key) = authority.issue(&folder, "pebble", &["localhost", "127.0.0.1"]);
        let (listen, management) = (Port::free(), Port::free());
        let dns = Port::free();
        let mut settings = json!({"pebble": {
            "listenAddress": listen.address().to_string(),
            "managementListenAddress": management.address().to_string(),
            "certificate": certificate,
            "privateKey": key,
            "httpPort": http.number(),
            "tlsPort": https.number(),
        }});
        for (key, value) in keys.as_object().unwrap() {
            settings["pebble"][key] = value.clone();
        }
        let file = folder.write("pebble.json", settings.to_string());
        let server = dns_server(&dns);
        let mut pebble = command("pebble");
        pebble
            .arg("-config")
            .arg(file)
            .args(["-dnsserver", &dns.address().to_string()]);
        pebble.env("PEBBLE_VA_NOSLEEP", "1");
        pebble.envs(variables.iter().copied());
        let mut process = Process::start("pebble", pebble);
        let address = format!("https://localhost:{}/dir", listen.number());
        // says why where it ends or hangs; RSA keys of its chain take their time
        process.line_with("ACME directory available", Duration::from_secs(30));
        let mut fetch = command("curl");
        fetch
            .args(["--silent", "--fail", "--noproxy", "*", "--cacert"])
            .arg(&authority.root);
        fetch.arg(format!("https://localhost:{}/roots/0", management.number()));
        let issuer = folder.write("issuer.pem", run(fetch, Duration::from_secs(10)).success());
        Self {
            issuer,
            _dns: server,
            process,
            address,
            root: authority.root,
            _folder: folder,
        }
    }
}

/// A DNS server to which every name is 127.0.0.1. It keeps its control port reserved: while the
/// program starts, another test would find the port free.
pub(crate) struct DnsServer {
    _process: Process,
    _control: Port,
}

pub(crate) fn dns_server(port: &Port) -> DnsServer {
    let control = Port::free();
    let mut server = command("pebble-challtestsrv");
    server.args([
        "-defaultIPv4",
        "127.0.0.1",
        "-defaultIPv6",
        "",
        "-http01",
        "",
        "-https01",
        "",
    ]);
    server.args(["-tlsalpn01", "", "-dns01", &port.address().to_string()]);
    server.args(["-management", &control.address().to_string()]);
    DnsServer {
        _process: Process::start("challtestsrv", server),
        _control: control,
    }
}

#[track_caller]
pub(crate) fn wait_for<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "it did not happen within {limit:?}"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn settings(
    pebble: &Pebble,
    https: &Port,
    http: &Port,
    challenges: &[&str],
) -> Settings {
    Settings::public()
        .set("listen.https", https.address().to_string())
        .set("listen.http", http.address().to_string())
        .set(
            "tls",
            json!({
                "source": "acme",
                "state": "state",
                "acme": {
                    "directory": pebble.address,
                    "ca_file": pebble.root,
                    "challenges": challenges,
                    "contact": ["ops@example.com"],
                },
            }),
        )
}

/// The first certificate as `/certs` tells it.
fn certificate(server: &Duogate) -> Value {
    let answer: Value = serde_json::from_str(&server.operator("/certs").body).unwrap();
    answer["certificates"][0].clone()
}

#[track_caller]
pub(crate) fn wait_until_valid(server: &Duogate) -> Value {
    let deadline = Instant::now() + Duration::from_secs(40);
    loop {
        let shown = certificate(server);
        if shown["serial"].is_string() && shown["state"] == "valid" {
            return shown;
        }
        assert!(
            Instant::now() < deadline,
            "no certificate: {shown}\n{}",
            server.log()
        );
        thread::sleep(Duration::from_millis(100));
    }
}

pub(crate) fn available() -> bool {
    let have = Path::new("/usr/bin/pebble").exists();
    if !have {
        skip("pebble is absent");
    }
    have
}

#[test]
fn each_challenge_brings_a_certificate() {
    if !available() {
        return;
    }
    for challenge in ["tls-alpn-01", "http-01"] {
        let (https, http) = (Port::free(), Port::free());
        let pebble = Pebble::start(&https, &http, 7200);
        let server = settings(&pebble, &https, &http, &[challenge]).start();
        let shown = wait_until_valid(&server);
        assert_eq!(shown["challenge"], challenge);
        assert!(
            shown["issuer"].as_str().unwrap().contains("Pebble"),
            "{shown}"
        );
        assert_eq!(server.operator("/readyz").status, 200);
    }
}

#[test]
fn the_other_challenge_is_tried_when_one_fails() {
    if !available() {
        return;
    }
    let (https, http, elsewhere) = (Port::free(), Port::free(), Port::free());
    // Pebble looks for tls-alpn-01 where nobody listens.
    let pebble = Pebble::start(&elsewhere, &http, 7200);
    let server = settings(&pebble, &https, &http, &["tls-alpn-01", "http-01"]).start();
    let shown = wait_until_valid(&server);
    assert_eq!(shown["challenge"], "http-01");
}

/// A server with a certificate that lives 20 seconds, before these upstreams.
struct Renewed {
    server: Duogate,
    pebble: Pebble,
    https: Port,
    _http: Port,
    first: Value,
}

impl Renewed {
    fn start(upstreams: impl FnOnce(Settings) -> Settings) -> Self {
        let (https, http) = (Port::free(), Port::free());
        let pebble = Pebble::start(&https, &http, 20);
        let settings = settings(&pebble, &https, &http, &["tls-alpn-01", "http-01"]);
        let server = upstreams(settings).start();
        let first = wait_until_valid(&server);
        Self {
            server,
            pebble,
            https,
            _http: http,
            first,
        }
    }

    /// A client script that keeps a stream open for a while.
    fn held(&self, script: &str) -> Process {
        let mut command = python(script);
        command
            .arg(self.https.address().to_string())
            .arg(&self.pebble.issuer);
        command.args(["held", STREAM_SECONDS]);
        let mut held = Process::start(script, command);
        held.line_with("open", Duration::from_secs(10));
        held
    }

    fn events(&self) -> Process {
        let mut curl = command("curl");
        let port = self.https.number();
        curl.args([
            "--silent",
            "--show-error",
            "--no-buffer",
            "--noproxy",
            "*",
            "--cacert",
        ]);
        curl.arg(&self.pebble.issuer).arg("--resolve");
        curl.arg(format!("edge.test:{port}:127.0.0.1"));
        curl.arg(format!(
            "https://edge.test:{port}/sse?count={EVENTS}&gap=0.2"
        ));
        let mut events = Process::start("curl", curl);
        events.line_with("data: ", Duration::from_secs(10));
        events
    }

    #[track_caller]
    fn wait_until_renewed(&self) {
        let renewed = wait_for(Duration::from_secs(40), || {
            let shown = certificate(&self.server);
            (shown["serial"].is_string() && shown["serial"] != self.first["serial"])
                .then_some(shown)
        });
        assert_eq!(renewed["failures"], 0, "{renewed}");
    }
}

#[test]
fn certificates_are_renewed_while_streams_stay_open() {
    if !available() {
        return;
    }
    let (web, platform) = (
        Standin::start("http_api", &[]),
        Standin::start("grpc_service", &[]),
    );
    let echo = Standin::start("websocket_echo", &[]);
    let streams =
        Renewed::start(|settings| settings.gateway(&web.url()).agent_platform(&platform.url()));
    let sockets = Renewed::start(|settings| settings.gateway(&echo.url()));
    let (mut events, mut calls) = (streams.events(), streams.held("clients/grpc_client.py"));
    let mut messages = sockets.held("clients/websocket_client.py");
    streams.wait_until_renewed();
    sockets.wait_until_renewed();
    for stream in [&mut events, &mut calls, &mut messages] {
        assert!(
            stream.has_ended().is_none(),
            "it outlives a renewal: {}",
            stream.output()
        );
    }
    assert!(
        events.wait(Duration::from_secs(40)).success(),
        "{}",
        events.output()
    );
    let arrived = events
        .output()
        .lines()
        .filter(|line| line.starts_with("data: "))
        .count();
    assert_eq!(arrived, EVENTS);
    calls.wait(Duration::from_secs(40));
    assert!(
        calls.output().contains("\"code\": \"OK\""),
        "{}",
        calls.output()
    );
    messages.wait(Duration::from_secs(40));
    assert!(
        messages.output().contains("\"code\": 1000"),
        "{}",
        messages.output()
    );
}

/// Longer than a certificate's life of 20 s, so that streams see a renewal or two.
const STREAM_SECONDS: &str = "24";

/// Events in as many seconds, five a second.
const EVENTS: usize = 120;

#[test]
fn a_restart_keeps_account_and_certificate() {
    if !available() {
        return;
    }
    let (https, http) = (Port::free(), Port::free());
    let pebble = Pebble::start(&https, &http, 7200);
    let server = settings(&pebble, &https, &http, &["http-01"]).start();
    let first = wait_until_valid(&server);
    let server = server.kill().start();
    let second = wait_until_valid(&server);
    assert_eq!(first["serial"], second["serial"]);
    assert!(
        !server.log().contains("made an account"),
        "{}",
        server.log()
    );
    assert!(
        !server.log().contains("ordered a certificate"),
        "{}",
        server.log()
    );
}

#[test]
fn killed_between_order_and_certificate() {
    if !available() {
        return;
    }
    let (https, http) = (Port::free(), Port::free());
    let pebble = Pebble::start(&https, &http, 7200);
    let mut server = settings(&pebble, &https, &http, &["http-01"]).start();
    server.log_line("ordered a certificate");
    let server = server.kill().start();
    wait_until_valid(&server);
}

#[test]
fn an_acme_server_that_is_down_changes_nothing() {
    if !available() {
        return;
    }
    let (https, http) = (Port::free(), Port::free());
    let mut pebble = Pebble::start(&https, &http, 7200);
    pebble.process.kill();
    let mut server = settings(&pebble, &https, &http, &["http-01"]).start();
    server.log_line("no certificate; what is served stays");
    let shown = certificate(&server);
    assert_eq!(shown["state"], "backing_off");
    assert_eq!(shown["failures"], 1);
    assert_eq!(server.operator("/readyz").status, 503);
    assert_eq!(server.operator("/healthz").status, 200);
}
