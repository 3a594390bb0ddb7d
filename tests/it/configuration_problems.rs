//! What is wrong with a configuration is told all at once, with place, value and remedy.

use std::path::Path;

use duogate::config::{self, LoadOptions};

use crate::command_line::{Answer, Folder, duogate};

fn check(file: &Path, variables: &[(&str, &str)]) -> Answer {
    duogate(&["check", "--config", &file.to_string_lossy()], variables)
}

/// A file with every kind of mistake; each line ends with what is expected of it.
const MISTAKES: &str = r#"
domains:
  - https://aigw.example.com/          # domains: "https://aigw.example.com/": is a URL | write only the name: aigw.example.com
  - "*.example.com"                    # wildcard
  - aigw.example.com:443               # write only the name: aigw.example.com
  - -bad.example.com                   # hyphen
  - under_score.example.com            # '_'
  - 1.2.3.256                          # ends in a number
  - "bücher.example"                   # xn--
  - ""                                 # is empty
domain: [a.example]                    # domain: is no known key | did you mean domains?
listen:
  https: 443                           # listen.https: "443" | "[::]:443"
  htpp: "[::]:80"                      # did you mean listen.http?
  http: localhost:80                   # "127.0.0.1:80"
  gateway: ["[::]:5052"]               # is a list, not a single value
  agent_platform: example.com:50052    # names are not looked up
  admin: 127.0.0.1:99999               # is no IP address with a port
  metrics: 127.0.0.1:9000              # write it in brackets: [127.0.0.1:9000]
  proxy_protocol_from: [10.0.0.0/99]   # is no network
  trusted_proxies: [lan]               # is no network
workers: per-core                      # shared or a whole number
gateway: gitlab-ai-gateway:5052        # write http://gitlab-ai-gateway:5052
agent_platform: http://user:hunter2@a  # agent_platform: "http://********@a": carries a user name
tls:
  source: acmee                        # write acme
  min_version: 1.20                    # tls.min_version: "1.20"
  state:                               # tls.state: needs a value
  acme:
    directory: http://ca.example.com/d # is not https
    contact: [admin]                   # is no e-mail address
    challenges: [dns-01]               # is none of tls-alpn-01, http-01
    preferred_chain: X1                # tls.acme.preferred_chain: is no known key
  files: /etc/ssl                      # is a section of keys, not a value
log:
  level: Info                          # write info
  format: {json: true}                 # is a value, not a section of keys
  levle: info                          # did you mean log.level?
drain:
  grace_seconds: 25s                   # drain.grace_seconds: "25s": is no whole number
  delay_seconds: -1                    # is no whole number
  grace: 25                            # did you mean drain.grace_seconds?
limits:
  connections: 0                       # is out of range
  connections_per_client: 1e3          # is no whole number
  http2_streams: 99999999999999999999  # is out of range
  http2_streams: 10                    # stands here a second time
  request_head_bytes: 0x10000          # limits.request_head_bytes: "0x10000"
  api_body: 1                          # did you mean limits.api_body_bytes?
  keep_alive_idle_seconds: on          # limits.keep_alive_idle_seconds: "on"
listen.admin: null                     # is written with dots
gitlab:
  - gitlab.example.com                 # gitlab.0: is no object | write an object with url, ca_file
  - url: gitlab.example.com            # gitlab.1.url: "gitlab.example.com": is no http or https URL
  - {uri: "https://a.example"}         # gitlab.2.uri: is no known key | did you mean url?
  - url: https://b.example
    url: https://c.example             # gitlab.3.url: stands here a second time
  - ca_file: [a.pem]                   # gitlab.4.ca_file: is a list, not a single value
customers_portal: https://a.example/?b # customers_portal: "https://a.example/?b": has a query
auth: {required: maybe}                # auth.required: "maybe": is none of true, false
keys:
  gateway:
    signing: ""                        # neither a key in PEM nor a path
    signin: x                          # did you mean keys.gateway.signing?
"#;

#[test]
fn every_mistake_of_a_file_is_told_at_once_with_its_line() {
    let folder = Folder::new();
    let file = folder.write("duogate.yaml", MISTAKES);
    let answer = check(
        &file,
        &[
            ("DUOGATE_LISTEN_HTTPS", "x"),
            ("DUOGATE_LOG__FORMAT", "xml"),
        ],
    );
    assert_eq!(answer.code, 1);
    let problems: Vec<_> = answer.errors.split(&*file.to_string_lossy()).collect();
    let mut expected = 0;
    for (index, text) in MISTAKES.lines().enumerate() {
        let Some((_, hints)) = text.rsplit_once(" # ") else {
            continue;
        };
        expected += 1;
        let place = format!(":{}: ", index + 1);
        let told: Vec<_> = problems
            .iter()
            .filter(|told| told.starts_with(&place))
            .collect();
        assert_eq!(
            told.len(),
            1,
            "line {}: {text}\n{}",
            index + 1,
            answer.errors
        );
        for hint in hints.split(" | ") {
            assert!(told[0].contains(hint), "{hint}: {}", told[0]);
        }
        assert!(told[0].contains("remedy: "), "{}", told[0]);
    }
    // the shape of log.format is told although the variable wins
    assert!(
        answer
            .errors
            .contains("environment DUOGATE_LISTEN_HTTPS: names no known key")
    );
    assert!(
        answer
            .errors
            .contains("did you mean DUOGATE_LISTEN__HTTPS?")
    );
    assert!(
        answer
            .errors
            .contains("environment DUOGATE_LOG__FORMAT: log.format: \"xml\"")
    );
    assert!(
        answer
            .errors
            .contains(&format!("{} problems", expected + 2)),
        "{}",
        answer.errors
    );
    assert!(!answer.errors.contains("hunter2"));
}

#[test]
fn serve_refuses_what_check_refuses() {
    let folder = Folder::new();
    let file = folder.write("duogate.yaml", MISTAKES);
    let serve = duogate(&["--config", &file.to_string_lossy()], &[]);
    assert_eq!(serve.code, 1);
    assert_eq!(serve.errors, check(&file, &[]).errors);
}

#[test]
fn a_file_that_is_none_is_told() {
    let folder = Folder::new();
    let large = "#".repeat(1_100_000).into_bytes();
    let cases: [(&str, &[u8], &str); 6] = [
        ("syntax.yaml", b"domains: [a.example\nlog: {", "is no YAML"),
        ("latin.yaml", b"# a\n# caf\xe9\n", "is not UTF-8 in line 2"),
        ("word.yaml", b"hello", "holds no keys"),
        ("large.yaml", &large, "is larger than"),
        ("twice.yaml", b"log: {}\n---\nlog: {}\n", "is no YAML"),
        (
            "deep.yaml",
            b"a: [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]",
            "is no YAML",
        ),
    ];
    for (name, content, expected) in cases {
        let answer = check(&folder.write(name, content), &[]);
        assert_eq!(answer.code, 1, "{name}: {answer:?}");
        assert!(
            answer.errors.contains(expected),
            "{name}: {}",
            answer.errors
        );
        assert!(answer.errors.contains(name), "{name}: {}", answer.errors);
    }
    let answer = check(
        &folder.0.join("missing.yaml"),
        &[("DUOGATE_WORKERS", "many")],
    );
    assert!(
        answer.errors.contains("missing.yaml: cannot be read"),
        "{}",
        answer.errors
    );
    assert!(
        answer.errors.contains("DUOGATE_WORKERS"),
        "{}",
        answer.errors
    );
}

#[test]
fn local_stays_on_loopback() {
    for variable in [
        ("DUOGATE_LISTEN__HTTPS", "[::]:8443"),
        ("DUOGATE_LISTEN__ADMIN", "0.0.0.0:9464"),
        ("DUOGATE_LISTEN__METRICS", "127.0.0.1:9000,192.0.2.1:9001"),
        ("AIGW_FASTAPI__METRICS_HOST", "0.0.0.0"),
    ] {
        let answer = duogate(&["check"], &[variable]);
        assert_eq!(answer.code, 1, "{variable:?}");
        assert!(
            answer.errors.contains("only this machine is served"),
            "{}",
            answer.errors
        );
        assert!(answer.errors.contains("set domains"), "{}", answer.errors);
        assert!(
            answer.errors.ends_with("\n1 problem\n"),
            "{}",
            answer.errors
        );
    }
    let allowed = [("DUOGATE_LISTEN__HTTPS", "[::1]:8443")];
    assert_eq!(duogate(&["config", "print"], &allowed).code, 0);
}

#[test]
fn official_variables_that_make_no_sense_are_told() {
    let answer = duogate(
        &["check"],
        &[
            ("AIGW_FASTAPI__TLS__ENABLED", "true"),
            ("AIGW_FASTAPI__TLS__CERT_FILE", "a.pem"),
            ("DUO_WORKFLOW_TLS__ENABLED", "perhaps"),
            ("AIGW_FASTAPI__API_PORT", "many"),
            ("PORT", "70000"),
            ("AIGW_LOGGING__LEVEL", "loud"),
            ("DUO_WORKFLOW_SHUTDOWN_GRACE_PERIOD_S", "long"),
        ],
    );
    assert_eq!(answer.code, 1);
    for expected in [
        "environment AIGW_FASTAPI__TLS__KEY_FILE: is not set",
        "environment DUO_WORKFLOW_TLS__ENABLED: \"perhaps\": is no truth value",
        "environment AIGW_FASTAPI__API_PORT: \"many\": is no port",
        "environment PORT: \"70000\": is no port",
        "environment AIGW_LOGGING__LEVEL: \"loud\": is no level",
        "environment DUO_WORKFLOW_SHUTDOWN_GRACE_PERIOD_S: drain.grace_seconds: \"long\"",
        "\n6 problems\n",
    ] {
        assert!(
            answer.errors.contains(expected),
            "{expected}\n{}",
            answer.errors
        );
    }
}

#[test]
fn values_that_contradict_each_other_are_told() {
    let folder = Folder::new();
    let cases = [
        ("domains: [localhost]", "this machine for everybody"),
        (
            "domains: [a.example]\nlisten: {http: '[::]:443'}",
            "takes the same port as listen.https",
        ),
        (
            "domains: [a.example]\nlisten: {metrics: ['127.0.0.1:80']}",
            "the same port as listen.http",
        ),
        (
            "domains: [a.example]\nlisten: {https: null}",
            "nothing is served",
        ),
        (
            "domains: [a.example]\ntls: {source: files}",
            "tls.source is files",
        ),
        (
            "domains: [a.example]\ntls: {files: {key: k.pem}}",
            "tls.source is not files",
        ),
        (
            "domains: [a.example]\nmodels: {allowed_hosts: ['http://vllm.example.com']}",
            "without a scheme and a path",
        ),
        (
            "domains: [a.example]\nmodels: {allowed_hosts: ['*']}",
            "give none to allow all",
        ),
        (
            "domains: [a.example]\nmodels: {tls: {key: k.pem}}",
            "models.tls.certificate is not",
        ),
        (
            "domains: [a.example]\ntls: {acme: {challenges: []}}",
            "is empty",
        ),
        (
            "domains: [a.example]\ntls: {acme: {challenges: [http-01, http-01]}}",
            "twice",
        ),
        (
            "domains: [a.example]\nlisten: {http: null}\ntls: {acme: {challenges: [http-01]}}",
            "cannot be answered",
        ),
        ("tls: {source: acme}", "there are no domains"),
        (
            "gateway: https://localhost:8443",
            "is this process itself: listen.https",
        ),
        (
            "agent_platform: http://127.0.0.1:8080",
            "is this process itself: listen.http",
        ),
        (
            "domains: [a.example]\nlimits: {request_head_bytes: 8192, request_target_bytes: 9000}",
            "of which it is a part",
        ),
    ];
    for (text, expected) in cases {
        let answer = check(&folder.write("duogate.yaml", text), &[]);
        assert_eq!(answer.code, 1, "{text}");
        assert!(
            answer.errors.contains(expected),
            "{text}\n{}",
            answer.errors
        );
    }
    let drop_in = ("AIGW_GITLAB_URL", "https://gitlab.example.com");
    for variable in [
        ("DUOGATE_LISTEN__HTTPS", "[::]:443"),
        ("DUOGATE_LISTEN__HTTP", "[::]:80"),
    ] {
        let answer = duogate(&["check"], &[drop_in, variable]);
        assert!(
            answer.errors.contains("there are no domains to"),
            "{answer:?}"
        );
    }
}

#[test]
fn problems_of_other_rooms_get_their_place() {
    let folder = Folder::new();
    let file = folder.write("duogate.yaml", "log:\n  file: a.log\n");
    let options = LoadOptions {
        file: Some(file.clone()),
        environment: vec![("DUOGATE_TLS__STATE".to_owned(), "state".to_owned())],
        ..LoadOptions::default()
    };
    let loaded = config::load(&options).expect("there are no problems");
    let placed = |key: &str| {
        loaded
            .place(config::Problem::new(key, "is not writable", ""))
            .to_string()
    };
    assert_eq!(
        placed("log.file"),
        format!("{}:2: log.file: is not writable", file.display())
    );
    assert_eq!(
        placed("tls.state"),
        "environment DUOGATE_TLS__STATE: tls.state: is not writable"
    );
    assert_eq!(placed("listen.https"), "listen.https: is not writable");
}
