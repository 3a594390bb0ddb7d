//! `duogate doctor` against a good server and against broken ones, each with its remedy.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{Duogate, Folder, Outcome, Port, Settings, Standin, command, have, run};

mod certificates;
mod nginx;
mod tokens;

use nginx::Nginx;

/// What the doctor said.
struct Said {
    code: Option<i32>,
    report: Value,
}

impl Said {
    /// What was seen and the remedy of the only finding about `check` that has this outcome.
    #[track_caller]
    fn one(&self, outcome: &str, check: &str) -> (&str, &str) {
        let checks = self.report["checks"].as_array().unwrap();
        let same = checks
            .iter()
            .filter(|finding| finding["outcome"] == outcome && finding["check"] == check);
        let found: Vec<&Value> = same.collect();
        assert_eq!(found.len(), 1, "{outcome} {check} in {:#}", self.report);
        (
            found[0]["seen"].as_str().unwrap(),
            found[0]["remedy"].as_str().unwrap_or_default(),
        )
    }

    /// One problem about `check` with these words in what was seen and in the remedy, and exit
    /// code 1.
    #[track_caller]
    fn problem(&self, check: &str, seen: &str, remedy: &str) {
        assert_eq!(self.code, Some(1), "{:#}", self.report);
        self.tells("problem", check, seen, remedy);
    }

    #[track_caller]
    fn tells(&self, outcome: &str, check: &str, seen: &str, remedy: &str) {
        let found = self.one(outcome, check);
        assert!(found.0.contains(seen), "{found:?}");
        assert!(found.1.contains(remedy), "{found:?}");
    }

    /// Every problem's subject, in order.
    fn problems(&self) -> Vec<&str> {
        let checks = self.report["checks"].as_array().unwrap().iter();
        checks
            .filter(|finding| finding["outcome"] == "problem")
            .map(|finding| finding["check"].as_str().unwrap())
            .collect()
    }
}

fn call(arguments: &[&str]) -> Outcome {
    let mut doctor = command(env!("CARGO_BIN_EXE_duogate"));
    doctor.arg("doctor").args(arguments).env_clear();
    run(doctor, Duration::from_secs(60))
}

fn ask(arguments: &[&str]) -> Said {
    let Outcome {
        status,
        stdout,
        stderr,
    } = call(&[arguments, &["--json"]].concat());
    let report = serde_json::from_str(&stdout)
        .unwrap_or_else(|error| panic!("{error} in {stdout:?} {stderr:?}"));
    Said {
        code: status.code(),
        report,
    }
}

/// Looks at `https://edge.test` on that loopback port.
fn look(https: SocketAddr, http: SocketAddr, root: &Path, more: &[&str]) -> Said {
    let url = format!("https://edge.test:{}", https.port());
    let (http_port, root) = (http.port().to_string(), root.to_str().unwrap());
    let arguments = ["--url", &url, "--address", "127.0.0.1"];
    let ports = ["--http-port", &http_port, "--ca-file", root];
    ask(&[&arguments[..], &ports, more].concat())
}

fn look_at(edge: &Duogate) -> Said {
    look(edge.https(), edge.http(), edge.root(), &[])
}

/// Duogate in front of stand-ins for both official services.
fn complete() -> (Duogate, Standin, Standin) {
    let gateway = Standin::start("http_api", &[]);
    let platform = Standin::start("grpc_service", &[]);
    let settings = Settings::public();
    let settings = settings.gateway(&gateway.url());
    let edge = settings.agent_platform(&platform.url()).start();
    (edge, gateway, platform)
}

#[test]
fn a_good_server_has_no_findings_and_its_settings_are_told() {
    let gateway = Standin::start("http_api", &[]);
    let platform = Standin::start("grpc_service", &[]);
    let settings = Settings::public().set("tls.source", "internal");
    let settings = settings.set("tls.files", json!({}));
    let settings = settings.gateway(&gateway.url());
    let edge = settings.agent_platform(&platform.url()).start();
    let root = edge.folder().join("state/internal/root.pem");
    let said = look(edge.https(), edge.http(), &root, &[]);
    assert_eq!(said.code, Some(0), "{:#}", said.report);
    assert_eq!(said.report["problems"], 0, "{:#}", said.report);
    assert_eq!(said.report["warnings"], 0, "{:#}", said.report);
    let port = edge.https().port();
    assert_eq!(
        said.report["gitlab"],
        json!({
            "ai_gateway_url": format!("https://edge.test:{port}"),
            "duo_agent_platform_service_url": format!("edge.test:{port}"),
            "duo_agent_platform_service_secure": true,
            "private_authority": true,
        })
    );
    for (check, seen) in [
        ("tls", "TLSv1.3 with X25519MLKEM768"),
        ("certificate", "89 days left"),
        ("alpn", "h2 and http/1.1"),
        ("healthz h2", "behind duogate"),
        ("grpc service", "SERVING"),
        ("grpc calls", "asks for a token"),
        ("http port", "308 to https://edge.test/"),
    ] {
        assert!(said.one("ok", check).0.contains(seen), "{:#}", said.report);
    }
    // the internal authority is not known without its root
    let url = format!("https://edge.test:{port}");
    let said = ask(&["--url", &url, "--address", "127.0.0.1"]);
    said.problem("certificate", "internal authority", "internal/root.pem");
}

#[test]
fn people_read_lines_and_the_settings_at_the_end() {
    let edge = Settings::public().start();
    let port = edge.https().port();
    let url = format!("https://edge.test:{port}");
    let http_port = edge.http().port().to_string();
    let root = edge.root().to_str().unwrap();
    let arguments = ["--url", &url, "--address", "127.0.0.1", "--ca-file", root];
    let outcome = call(&[&arguments[..], &["--http-port", &http_port]].concat());
    let text = outcome.success();
    assert!(
        text.contains("ok       healthz       200 from duogate/"),
        "{text}"
    );
    assert!(
        text.contains("ok       grpc calls    GitLab's service answers, and asks for a token"),
        "{text}"
    );
    assert!(text.contains("\n0 problems, 0 warnings\n"), "{text}");
    let (_, settings) = text.split_once("Type into GitLab").unwrap();
    assert!(
        settings.contains(&format!(" https://edge.test:{port}\n")),
        "{text}"
    );
    assert!(settings.contains(&format!(" edge.test:{port}\n")), "{text}");
}

#[test]
fn wrong_questions_are_usage_errors_and_a_missing_root_is_named() {
    for arguments in [
        &[][..],
        &["--url", "aigw.example.com"],
        &["--url", "http://aigw.example.com"],
        &["--url", "https://aigw.example.com/v1"],
        &["--url", "https://a.test", "--grpc", "a.test"],
        &["--url", "https://a.test", "--address", "a.test"],
        &["--url", "https://a.test", "--timeout", "0"],
    ] {
        let outcome = call(arguments);
        assert_eq!(outcome.status.code(), Some(2), "{arguments:?} {outcome:?}");
    }
    let outcome = call(&["--url", "https://a.test", "--ca-file", "/nowhere/root.pem"]);
    assert_eq!(outcome.status.code(), Some(1));
    assert!(outcome.stderr.contains("/nowhere/root.pem"), "{outcome:?}");
}

#[test]
fn a_name_that_does_not_resolve() {
    let said = ask(&["--url", "https://nothing.invalid", "--timeout", "3"]);
    said.problem("dns", "nothing.invalid cannot be resolved", "A record");
}

#[test]
fn nothing_listens() {
    let (https, http) = (Port::free(), Port::free());
    let url = format!("https://127.0.0.1:{}", https.number());
    let said = ask(&["--url", &url, "--http-port", &http.number().to_string()]);
    said.problem("https port", "refused", "is Duogate running there");
    said.tells("warning", "http port", "refused", "open TCP port 80");
    said.tells("warning", "dns", "this machine alone", "give GitLab a name");
}

#[test]
fn a_firewall_that_drops_everything() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    // a full queue drops SYNs
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queue.push(stream);
        assert!(queue.len() < 100, "the queue is never full");
    }
    let closed = Port::free().number().to_string();
    let url = format!("https://{address}");
    let said = ask(&["--url", &url, "--timeout", "1", "--http-port", &closed]);
    said.problem(
        "https port",
        "did not accept a connection within 1s",
        "firewall",
    );
}

#[test]
fn a_load_balancer_that_accepts_and_never_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let url = format!("https://127.0.0.1:{port}");
    let said = ask(&["--url", &url, "--timeout", "1", "--http-port", &port]);
    said.problem(
        "tls",
        "says nothing for 1s",
        "accepts in place of a server that is down",
    );
    said.tells(
        "warning",
        "http port",
        "does not answer within 1s",
        "give it the port",
    );
}

#[test]
fn plain_http_on_the_tls_port() {
    let edge = Settings::public().start();
    let said = look(edge.http(), edge.http(), edge.root(), &[]);
    said.problem("tls", "answers in clear", "let Duogate terminate TLS here");
}

#[test]
fn the_gateway_behind_is_down() {
    let platform = Standin::start("grpc_service", &[]);
    let nobody = Port::free();
    let settings = Settings::public().gateway(&format!("http://{}", nobody.address()));
    let edge = settings.agent_platform(&platform.url()).start();
    let said = look_at(&edge);
    said.problem(
        "healthz",
        "Duogate answers 502",
        "does `gateway` in Duogate's",
    );
    assert_eq!(said.problems(), ["healthz", "healthz h2"]);
    // GitLab's host probe takes any status for reachable, and so it says
    said.tells("ok", "HEAD /", "502", "");
}

#[test]
fn the_agent_platform_behind_is_down() {
    let gateway = Standin::start("http_api", &[]);
    let nobody = Port::free();
    let settings = Settings::public().gateway(&gateway.url());
    let edge = settings
        .agent_platform(&format!("http://{}", nobody.address()))
        .start();
    let said = look_at(&edge);
    said.problem("grpc", "UNAVAILABLE", "does `agent_platform` in Duogate's");
    assert_eq!(said.problems(), ["grpc", "grpc service", "grpc calls"]);
}

#[test]
fn port_80_is_closed_or_somebody_elses() {
    let (edge, gateway, _platform) = complete();
    let closed = Port::free();
    let said = look(edge.https(), closed.address(), edge.root(), &[]);
    assert_eq!(said.code, Some(0), "{:#}", said.report);
    said.tells("warning", "http port", "refused", "tls-alpn-01");

    let said = look(edge.https(), gateway.address, edge.root(), &[]);
    said.problem("http port", "200 in clear", "let Duogate have it");
    said.problem("challenges", "a page of its own", "acme-challenge");

    if !have("nginx") {
        return;
    }
    let other = Nginx::start(
        "listen 127.0.0.1:PORT; location / { return 301 https://login.example.com/; }",
    );
    let said = look(edge.https(), other.address(), edge.root(), &[]);
    said.problem(
        "http port",
        "redirects to https://login.example.com/",
        "308",
    );
    said.problem("challenges", "nginx", "http-01");
}

#[test]
fn a_clock_that_is_an_hour_off() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || answer_an_hour_early(&mut stream));
        }
    });
    let platform = Standin::start("grpc_service", &[]);
    let settings = Settings::public().gateway(&url);
    let edge = settings.agent_platform(&platform.url()).start();
    let said = look_at(&edge);
    said.problem("clock", "60 min behind this machine's", "NTP");
    assert_eq!(said.problems(), ["clock"]);
}

fn answer_an_hour_early(stream: &mut TcpStream) {
    let past = time::OffsetDateTime::now_utc() - time::Duration::hours(1);
    let format = time::format_description::parse_borrowed::<2>(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT",
    );
    let date = past.format(&format.unwrap()).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.extend(byte);
    }
    let body = if head.starts_with(b"HEAD") { "" } else { "{}" };
    let answer = format!(
        "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: application/json\r\n\
         Content-Length: 2\r\nConnection: close\r\n\r\n{body}"
    );
    let _ = stream.write_all(answer.as_bytes());
}

#[test]
fn http2_is_taken_away_on_the_way() {
    let (edge, _gateway, _platform) = complete();
    if !have("nginx") {
        return;
    }
    let between = Nginx::with_certificate(
        &edge,
        "listen 127.0.0.1:PORT ssl; location / { proxy_pass https://BEHIND; }",
    );
    let said = look(between.address(), edge.http(), edge.root(), &[]);
    said.problem("alpn", "something between terminates TLS", "inspection");
    assert_eq!(said.problems(), ["alpn"]);
}

#[test]
fn nginx_in_front_has_nothing_behind_it() {
    let (edge, _gateway, _platform) = complete();
    if !have("nginx") {
        return;
    }
    let nobody = Port::free();
    let server = format!(
        "listen 127.0.0.1:PORT ssl http2; location / {{ proxy_pass http://{}; }}",
        nobody.address()
    );
    let front = Nginx::with_certificate(&edge, &server);
    let said = look(front.address(), edge.http(), edge.root(), &[]);
    said.problem(
        "healthz",
        "502 Bad Gateway with a page of HTML from nginx",
        "point it to Duogate",
    );
    said.tells(
        "warning",
        "HEAD /",
        "not Duogate that answered",
        "has port 443",
    );
    said.problem("grpc", "nginx", "grpc_pass");
}

#[test]
fn nginx_in_front_does_not_route_grpc() {
    let (edge, gateway, _platform) = complete();
    if !have("nginx") {
        return;
    }
    let server = format!(
        "listen 127.0.0.1:PORT ssl http2; location / {{ proxy_pass {}; }}",
        gateway.url()
    );
    let front = Nginx::with_certificate(&edge, &server);
    let said = look(front.address(), edge.http(), edge.root(), &[]);
    said.tells("ok", "healthz", "nginx", "");
    said.problem("grpc", "gRPC does not get through: nginx", "grpc_pass");
    assert_eq!(said.problems(), ["grpc", "grpc service", "grpc calls"]);
}

#[test]
fn a_grpc_port_of_its_own_in_tls_in_clear_and_closed() {
    let (edge, _gateway, clear) = complete();
    let (certificate, key) = (
        edge.folder().join("edge.crt"),
        edge.folder().join("edge.key"),
    );
    let arguments = [certificate.to_str().unwrap(), key.to_str().unwrap()];
    let secure = Standin::start("grpc_service", &["--tls", arguments[0], arguments[1]]);
    let look = |port: u16| {
        let target = format!("edge.test:{port}");
        let said = look(edge.https(), edge.http(), edge.root(), &["--grpc", &target]);
        assert_eq!(
            said.report["gitlab"]["duo_agent_platform_service_url"],
            target
        );
        said
    };
    let said = look(secure.address.port());
    assert_eq!(said.report["problems"], 0, "{:#}", said.report);
    assert_eq!(
        said.report["gitlab"]["duo_agent_platform_service_secure"],
        true
    );

    let said = look(clear.address.port());
    assert_eq!(said.code, Some(0), "{:#}", said.report);
    said.tells("warning", "grpc port", "in clear", "turn TLS off in GitLab");
    said.tells("ok", "grpc", "SERVING", "");
    assert_eq!(
        said.report["gitlab"]["duo_agent_platform_service_secure"],
        false
    );

    let said = look(Port::free().number());
    said.problem("grpc port", "refused", "is Duogate running there");
}

/// A folder for whoever needs one beside an edge.
fn folder() -> Folder {
    Folder::new()
}
