//! Configuration as the operator meets it: files, variables, problems, exit codes.

use std::{
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicUsize, Ordering},
};

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("configuration-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("the target folder is writable");
        Self(path)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).expect("the folder is writable");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a command printed and how it ended.
#[derive(Debug)]
struct Answer {
    code: i32,
    output: String,
    errors: String,
}

/// Runs the built command with these variables and no others.
fn duogate(arguments: &[&str], variables: &[(&str, &str)]) -> Answer {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_duogate"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .output()
        .expect("the binary is built");
    Answer {
        code: status.code().unwrap_or(-1),
        output: String::from_utf8_lossy(&stdout).into_owned(),
        errors: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// `config print` with this file, if any, and these variables.
fn print(file: Option<&Path>, variables: &[(&str, &str)]) -> String {
    let mut arguments = vec!["config", "print"];
    let file = file.map(|file| file.to_string_lossy().into_owned());
    if let Some(file) = &file {
        arguments.extend(["--config", file]);
    }
    let answer = duogate(&arguments, variables);
    assert_eq!(answer.code, 0, "{answer:?}");
    answer.output
}

/// The printed line of a key, without indentation: its value and its source.
fn line<'a>(printed: &'a str, path: &str) -> (&'a str, &'a str) {
    let mut depth = 0;
    let mut names = path.split('.').peekable();
    for text in printed.lines() {
        let Some(name) = names.peek() else { break };
        let prefix = format!("{}{name}:", "  ".repeat(depth));
        if let Some(rest) = text.strip_prefix(&prefix) {
            names.next();
            depth += 1;
            if names.peek().is_none() {
                let (value, source) = rest.rsplit_once(" # ").expect("each value has its source");
                return (value.trim(), source);
            }
        }
    }
    panic!("{path} is not printed in:\n{printed}");
}

fn check(file: &Path, variables: &[(&str, &str)]) -> Answer {
    duogate(&["check", "--config", &file.to_string_lossy()], variables)
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
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
    profile: shortlived                # tls.acme.profile: is no known key
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
gitlab: []                             # gitlab: is no known key
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
    let cases: [(&str, &[u8], &str); 6] = [
        ("syntax.yaml", b"domains: [a.example\nlog: {", "is no YAML"),
        ("latin.yaml", b"# a\n# caf\xe9\n", "is not UTF-8 in line 2"),
        ("word.yaml", b"hello", "holds no keys"),
        ("large.yaml", &[b'#'; 1_100_000], "is larger than"),
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
fn variables_win_over_official_ones_over_the_file_over_defaults() {
    let folder = Folder::new();
    let file = folder.write(
        "duogate.yaml",
        "log:\n  level: error\n  format: text\ndrain:\n  grace_seconds: 7\n",
    );
    let official = ("AIGW_LOGGING__LEVEL", "WARNING");
    let printed = print(Some(&file), &[official, ("DUOGATE_LOG__LEVEL", "debug")]);
    assert_eq!(
        line(&printed, "log.level"),
        ("debug", "environment DUOGATE_LOG__LEVEL")
    );
    assert_eq!(
        line(&printed, "log.format"),
        ("text", &*format!("{}:3", file.display()))
    );
    assert_eq!(line(&printed, "drain.delay_seconds"), ("5", "default"));
    let printed = print(Some(&file), &[official]);
    assert_eq!(
        line(&printed, "log.level"),
        ("warn", "environment AIGW_LOGGING__LEVEL")
    );
    let printed = print(Some(&file), &[]);
    assert_eq!(
        line(&printed, "log.level"),
        ("error", &*format!("{}:2", file.display()))
    );
}

#[test]
fn nothing_given_is_local() {
    let printed = print(
        None,
        &[("PORT", "7000"), ("AIGW_CUSTOM_MODELS__ENABLED", "true")],
    );
    assert!(printed.starts_with("# local\n"), "{printed}");
    assert_eq!(line(&printed, "listen.https").0, "\"127.0.0.1:8443\"");
    assert_eq!(line(&printed, "listen.http").0, "\"127.0.0.1:8080\"");
    assert_eq!(line(&printed, "listen.gateway").0, "null");
    assert_eq!(line(&printed, "listen.agent_platform").0, "null");
    assert_eq!(line(&printed, "listen.admin").0, "\"127.0.0.1:9464\"");
    assert_eq!(line(&printed, "tls.source").0, "internal");
    assert!(
        printed.contains("# domains: [localhost, \"127.0.0.1\", \"::1\"]"),
        "{printed}"
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
    assert_eq!(
        duogate(&["check"], &[("DUOGATE_LISTEN__HTTPS", "[::1]:8443")]).code,
        0
    );
}

#[test]
fn domains_make_a_public_server() {
    let variables = [
        ("DUOGATE_DOMAINS", "AIGW.example.com., 192.0.2.7"),
        ("AIGW_GITLAB_URL", "https://gitlab.example.com"),
        ("PORT", "7000"),
        ("AIGW_FASTAPI__API_PORT", "5052"),
    ];
    let printed = print(None, &variables);
    assert!(printed.starts_with("# public server\n"), "{printed}");
    assert_eq!(line(&printed, "listen.https").0, "\"[::]:443\"");
    assert_eq!(line(&printed, "listen.http").0, "\"[::]:80\"");
    assert_eq!(line(&printed, "listen.gateway").0, "null");
    assert_eq!(line(&printed, "listen.agent_platform").0, "null");
    assert_eq!(line(&printed, "tls.source").0, "acme");
    let answer = duogate(&["check"], &variables);
    assert!(
        answer
            .output
            .contains("note: AIGW_FASTAPI__API_PORT is not used"),
        "{answer:?}"
    );
    // an empty list is no domain
    assert!(print(None, &[("DUOGATE_DOMAINS", "")]).starts_with("# local\n"));
}

#[test]
fn the_documented_variables_stand_in_for_the_official_container() {
    let documented = [
        ("AIGW_GITLAB_URL", "https://gitlab.example.com"),
        ("AIGW_GITLAB_API_URL", "https://gitlab.example.com/api/v4/"),
        (
            "DUO_WORKFLOW_SELF_SIGNED_JWT__SIGNING_KEY",
            "-----BEGIN PRIVATE KEY-----\\n",
        ),
    ];
    let printed = print(None, &documented);
    assert!(
        printed.starts_with("# in the place of the official container\n"),
        "{printed}"
    );
    assert_eq!(line(&printed, "listen.https").0, "null");
    assert_eq!(line(&printed, "listen.http").0, "null");
    assert_eq!(line(&printed, "listen.gateway").0, "\"[::]:5052\"");
    assert_eq!(line(&printed, "listen.agent_platform").0, "\"[::]:50052\"");
    assert!(!printed.contains("BEGIN"), "{printed}");
    let printed = print(
        None,
        &[
            ("DUO_WORKFLOW_AUTH__ENABLED", "true"),
            ("PORT", "7000"),
            ("AIGW_FASTAPI__API_HOST", "0.0.0.0"),
            ("AIGW_FASTAPI__METRICS_PORT", "8083"),
            ("PROMETHEUS_METRICS__ADDR", "0.0.0.0"),
            ("PROMETHEUS_METRICS__PORT", "8083"),
            ("SSL_CERT_FILE", "/etc/roots.pem"),
        ],
    );
    assert_eq!(line(&printed, "listen.gateway").0, "\"0.0.0.0:5052\"");
    assert_eq!(
        line(&printed, "listen.agent_platform"),
        ("\"[::]:7000\"", "environment PORT")
    );
    // both services ask for 8083: one listener, not a refusal to start
    assert_eq!(line(&printed, "listen.metrics").0, "[\"[::]:8083\"]");
    assert!(
        printed.contains("# trusted roots: /etc/roots.pem"),
        "{printed}"
    );
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
fn what_is_printed_is_a_file_that_means_the_same() {
    let folder = Folder::new();
    let file = folder.write(
        "first.yaml",
        "domains: [a.example, '2001:db8::1']\ntls: {state: state, min_version: 1.3}\nworkers: 3\n\
         log: {file: 'a # b.log'}\nlisten: {trusted_proxies: [10.1.2.3/8]}\n",
    );
    let values = |printed: &str| -> Vec<String> {
        let value = |line: &str| {
            line.rsplit_once(" # ")
                .map(|(value, _)| value.trim().to_owned())
        };
        printed.lines().filter_map(value).collect()
    };
    let first = print(Some(&file), &[("DUOGATE_LISTEN__HTTP", "")]);
    let state = folder.0.join("state");
    assert_eq!(line(&first, "tls.state").0, state.to_string_lossy());
    assert_eq!(
        line(&first, "listen.http"),
        ("null", "environment DUOGATE_LISTEN__HTTP")
    );
    let second = print(Some(&folder.write("second.yaml", &first)), &[]);
    assert_eq!(values(&first), values(&second));
}

#[test]
fn relative_paths_start_from_the_file_or_the_working_directory() {
    let folder = Folder::new();
    let file = folder.write("duogate.yaml", "log: {file: a.log}\n");
    let printed = print(Some(&file), &[("DUOGATE_TLS__STATE", "kept")]);
    assert_eq!(
        line(&printed, "log.file").0,
        folder.0.join("a.log").to_string_lossy()
    );
    assert_eq!(
        line(&printed, "tls.state").0,
        folder.0.join("kept").to_string_lossy()
    );
    let expected = Path::new(env!("CARGO_TARGET_TMPDIR")).join("certs");
    assert_eq!(
        line(&print(None, &[]), "tls.state").0,
        expected.to_string_lossy()
    );
}

#[test]
fn what_is_generated_is_up_to_date() {
    let committed = |path: &str| std::fs::read_to_string(root(path)).expect(path);
    let schema = duogate(&["config", "schema"], &[]).output;
    assert_eq!(
        schema,
        committed("config/schema.json"),
        "run: target/debug/duogate config schema > config/schema.json"
    );
    let reference = duogate(&["config", "schema", "--markdown"], &[]).output;
    assert_eq!(
        reference,
        committed("docs/configuration.md"),
        "run: target/debug/duogate config schema --markdown > docs/configuration.md"
    );
}

#[test]
fn the_examples_have_no_problems() {
    let official = ("AIGW_GITLAB_URL", "https://gitlab.example.com");
    for (path, mode) in [
        ("config/duogate.yaml", "# public server\n"),
        ("config/examples/certbot.yaml", "# public server\n"),
        ("config/examples/forward.yaml", "# public server\n"),
        (
            "config/examples/drop-in.yaml",
            "# in the place of the official container\n",
        ),
    ] {
        let printed = print(Some(&root(path)), &[official]);
        assert!(printed.starts_with(mode), "{path}: {printed}");
    }
}

#[test]
fn the_annotated_example_shows_every_key_but_the_limits() {
    let printed = print(Some(&root("config/duogate.yaml")), &[]);
    let before_limits = printed.split("\nlimits:\n").next().unwrap_or_default();
    assert!(!before_limits.contains("# default"), "{before_limits}");
}

#[test]
fn health_asks_the_admin_listener() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the command connects");
        let mut request = [0; 512];
        let count = stream.read(&mut request).expect("the command asks");
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).expect("the command listens");
        String::from_utf8_lossy(&request[..count]).into_owned()
    });
    let admin = ("DUOGATE_LISTEN__ADMIN", address.as_str());
    let alive = duogate(&["health"], &[admin]);
    assert_eq!(
        (alive.code, alive.output.as_str()),
        (0, "alive\n"),
        "{alive:?}"
    );
    let request = server.join().expect("the server saw the request");
    assert!(
        request.starts_with("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:"),
        "{request}"
    );
    // the listener is closed now
    let dead = duogate(&["health"], &[admin]);
    assert_eq!(dead.code, 1);
    assert!(
        dead.errors.contains("no answer from the admin listener"),
        "{}",
        dead.errors
    );
    let off = duogate(&["health"], &[("DUOGATE_LISTEN__ADMIN", "null")]);
    assert_eq!(off.code, 1);
    assert!(
        off.errors.contains("listen.admin is null"),
        "{}",
        off.errors
    );
}

#[test]
fn new_keys_are_pkcs8_and_for_their_owner_alone() {
    let shown = duogate(&["keys", "new"], &[]);
    assert_eq!(shown.code, 0);
    duogate::foundation::private_key_from_pem(&shown.output).expect("it is a key");
    assert!(shown.output.starts_with("-----BEGIN PRIVATE KEY-----"));
    let folder = Folder::new();
    let path = folder.0.join("signing.pem");
    let file = path.to_string_lossy().into_owned();
    let written = duogate(&["keys", "new", "--output", &file], &[]);
    assert_eq!(written.code, 0, "{written:?}");
    assert!(!written.output.contains("BEGIN"));
    let mode = std::fs::metadata(&path)
        .expect("it is written")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = std::fs::read_to_string(&path).expect("it is readable");
    duogate::foundation::private_key_from_pem(&before).expect("it is a key");
    let again = duogate(&["keys", "new", "--output", &file], &[]);
    assert_eq!(again.code, 1);
    assert!(again.errors.contains("signing.pem"), "{}", again.errors);
    assert_eq!(
        std::fs::read_to_string(&path).expect("it is readable"),
        before
    );
}

#[test]
fn commands_end_with_the_documented_codes() {
    for shell in ["bash", "zsh", "fish"] {
        let script = duogate(&["completions", shell], &[]);
        assert_eq!(script.code, 0);
        assert!(
            script.output.contains("duogate") && script.output.contains("health"),
            "{shell}"
        );
    }
    let version = duogate(&["--version"], &[]);
    assert_eq!(
        version.output,
        format!("duogate {}\n", env!("CARGO_PKG_VERSION"))
    );
    let help = duogate(&["--help"], &[]);
    assert_eq!(help.code, 0);
    for word in [
        "serve",
        "check",
        "config",
        "health",
        "keys",
        "completions",
        "Exit codes",
    ] {
        assert!(help.output.contains(word), "{word}: {}", help.output);
    }
    for wrong in [
        &["serv"][..],
        &["--what"],
        &["check", "x"],
        &["completions", "tcsh"],
        &["keys"],
    ] {
        assert_eq!(duogate(wrong, &[]).code, 2, "{wrong:?}");
    }
    assert_eq!(duogate(&["check"], &[]).code, 0);
}
