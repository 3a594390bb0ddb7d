//! Configuration as the operator meets it: ways to start, precedence, values and their sources.

use std::path::Path;

use duogate::config::{self, LoadOptions};

use crate::command_line::{Folder, duogate, root};

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
    ("(not printed)", "(nowhere)")
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
    let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options = LoadOptions {
        environment: environment.to_vec(),
        ..LoadOptions::default()
    };
    let notices = config::load(&options)
        .expect("there are no problems")
        .notices;
    assert!(notices[0].starts_with("AIGW_FASTAPI__API_PORT is not used"));
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
fn objects_of_a_list_are_layered_field_by_field() {
    let folder = Folder::new();
    let file = folder.write(
        "duogate.yaml",
        "domains: [a.example]\ngitlab:\n  - url: https://a.example\n    ca_file: a.pem\n  - {url: https://B.example/lab/}\n",
    );
    let printed = print(
        Some(&file),
        &[
            ("AIGW_GITLAB_URL", "https://c.example"),
            ("DUOGATE_GITLAB__1__CA_FILE", "/b.pem"),
            ("DUOGATE_GITLAB__2__URL", "https://d.example"),
        ],
    );
    let root = folder.0.join("a.pem");
    let expected = format!(
        "gitlab:\n  - url: \"https://c.example\" # environment AIGW_GITLAB_URL\n    ca_file: {} # \
         {}:4\n  - url: \"https://B.example/lab/\" # {}:5\n    ca_file: /b.pem # environment \
         DUOGATE_GITLAB__1__CA_FILE\n  - url: \"https://d.example\" # environment \
         DUOGATE_GITLAB__2__URL\n    ca_file: null # default\n",
        root.display(),
        file.display(),
        file.display(),
    );
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(
        words(&printed)
            .windows(words(&expected).len())
            .any(|part| part == words(&expected)),
        "{printed}"
    );
    // what is printed means the same, and nothing hides what the file says
    let again = print(Some(&folder.write("again.yaml", &printed)), &[]);
    assert_eq!(again.matches(" - url: ").count(), 3, "{again}");
    let none = print(Some(&file), &[("DUOGATE_GITLAB", "")]);
    assert_eq!(line(&none, "gitlab"), ("[]", "environment DUOGATE_GITLAB"));
    let options = LoadOptions {
        file: Some(file),
        ..LoadOptions::default()
    };
    let config = config::load(&options)
        .expect("there are no problems")
        .config;
    let instances: Vec<_> = config
        .gitlab
        .iter()
        .map(|instance| &*instance.url)
        .collect();
    assert_eq!(instances, ["https://a.example", "https://b.example/lab"]);
    assert_eq!(config.gitlab[0].ca_file, Some(root));
}

#[test]
fn variables_of_objects_that_make_no_sense_are_told() {
    let told = |name: &str, value: &str| {
        let options = LoadOptions {
            environment: vec![(name.to_owned(), value.to_owned())],
            ..LoadOptions::default()
        };
        let problems = config::load(&options).expect_err(name);
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems[0].to_string()
    };
    for (name, value, hint) in [
        (
            "DUOGATE_GITLAB",
            "https://a.example",
            "write DUOGATE_GITLAB__0__URL",
        ),
        (
            "DUOGATE_GITLAB__0__URI",
            "x",
            "did you mean DUOGATE_GITLAB__0__URL?",
        ),
        (
            "DUOGATE_GITLAB_0_URL",
            "x",
            "did you mean DUOGATE_GITLAB__0__URL?",
        ),
        (
            "DUOGATE_GITLAB__1__URL",
            "https://a.example",
            "there is no gitlab.0",
        ),
        (
            "DUOGATE_GITLAB__0__CA_FILE",
            "a.pem",
            "gitlab.0.url: needs a value",
        ),
        (
            "DUOGATE_GITLAB__0__URL",
            "",
            "gitlab.0.url: \"\": is no URL",
        ),
    ] {
        let told = told(name, value);
        assert!(told.contains(hint), "{told}");
        assert!(told.starts_with(&format!("environment {name}: ")), "{told}");
    }
}

#[test]
fn official_variables_of_tokens_are_taken() {
    let taken = |pairs: &[(&str, &str)]| {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let options = LoadOptions {
            environment: pairs.iter().map(pair).collect(),
            ..LoadOptions::default()
        };
        config::load(&options)
            .expect("there are no problems")
            .config
    };
    let config = taken(&[("AIGW_GITLAB_URL", "https://gitlab.example.com/")]);
    assert_eq!(config.gitlab[0].url, "https://gitlab.example.com");
    let portal = Some("https://customers.gitlab.com");
    assert_eq!(config.customers_portal.as_deref(), portal);
    assert!(config.auth.required && !config.auth.bypass_with_header);
    assert_eq!(config.auth.service_name, "gitlab-ai-gateway");
    let config = taken(&[
        ("DUO_WORKFLOW_AUTH__OIDC_GITLAB_URL", "https://b.example"),
        ("DUO_WORKFLOW_AUTH__OIDC_CUSTOMER_PORTAL_URL", ""),
        ("AIGW_AUTH__BYPASS_EXTERNAL", "True"),
        ("AIGW_AUTH__BYPASS_EXTERNAL_WITH_HEADER", "1"),
        ("AIGW_AUTH__BYPASS_JWT_SIGNATURE", "yes"),
        ("CLOUD_CONNECTOR_SERVICE_NAME", "duo"),
        (
            "AIGW_SELF_SIGNED_JWT__SIGNING_KEY",
            "-----BEGIN PRIVATE KEY-----\\n",
        ),
        ("AIGW_SELF_SIGNED_JWT__VALIDATION_KEY", ""),
        ("DUO_WORKFLOW_CLOUD_CONNECTOR_SERVICE_NAME", "agents"),
        (
            "DUO_WORKFLOW_SELF_SIGNED_JWT__VALIDATION_KEY",
            "-----BEGIN PRIVATE KEY-----\\n",
        ),
    ]);
    assert_eq!(config.auth.agent_platform.service_name, "agents");
    assert!(config.auth.agent_platform.required);
    assert_eq!(config.keys.agent_platform.signing, None);
    assert!(config.keys.agent_platform.validation.is_some());
    assert_eq!(config.gitlab[0].url, "https://b.example");
    assert_eq!(config.customers_portal, None);
    assert!(!config.auth.required);
    assert!(config.auth.bypass_with_header && config.auth.bypass_signature);
    assert_eq!(config.auth.service_name, "duo");
    assert!(matches!(
        config.keys.gateway.signing,
        Some(config::KeySource::Pem(_))
    ));
    assert_eq!(config.keys.gateway.validation, None);
    let config = taken(&[
        ("AIGW_GITLAB_URL", "https://a.example"),
        ("AIGW_CUSTOMER_PORTAL_URL", "https://a.example"),
        ("DUO_WORKFLOW_AUTH__OIDC_CUSTOMER_PORTAL_URL", ""),
        ("DUO_WORKFLOW_AUTH__OIDC_GITLAB_URL", "https://b.example"),
        ("DUO_WORKFLOW_AUTH__ENABLED", "False"),
    ]);
    assert!(config.auth.required && !config.auth.agent_platform.required);
    assert_eq!(config.gitlab[0].url, "https://a.example");
    assert_eq!(config.gitlab[1].url, "https://b.example");
    assert_eq!(
        config.customers_portal.as_deref(),
        Some("https://a.example")
    );
    // nobody asks for a token on this machine alone
    let local = taken(&[]);
    assert!(!local.auth.required && !local.auth.agent_platform.required);
    assert!(local.customers_portal.is_none());
}

/// Every key but the limits with a value that is no other key's.
const DISTINCT: &str = r#"
domains: [b.example, a.example, b.example, "192.0.2.1"]
listen:
  https: "192.0.2.1:1001"
  http: "192.0.2.1:1002"
  gateway: "192.0.2.1:1003"
  agent_platform: "192.0.2.1:1004"
  admin: "192.0.2.1:1005"
  metrics: ["192.0.2.1:1006", "[2001:db8::1]:1007"]
  proxy_protocol_from: [10.0.0.0/8]
  trusted_proxies: [172.16.0.0/12, 192.168.1.1]
workers: 3
tls:
  source: files
  min_version: "1.3"
  state: /state
  acme:
    directory: https://ca.example/dir
    contact: [mailto:a@b.example, c@d.example]
    challenges: [http-01, tls-alpn-01]
    ca_file: /root.pem
  files: {certificate: /chain.pem, key: /key.pem}
gateway: http://gateway:5052
agent_platform: https://platform
gitlab: [{url: "https://gitlab.example"}, {url: "http://lab.example/x", ca_file: /lab.pem}]
customers_portal: https://portal.example
auth:
  {required: false, bypass_with_header: true, bypass_signature: true, service_name: service,
   agent_platform: {required: false, service_name: agents}}
keys:
  gateway: {signing: /signing.pem, validation: "-----BEGIN RSA PRIVATE KEY-----"}
  agent_platform: {signing: "-----BEGIN PRIVATE KEY-----", validation: /validation.pem}
log: {level: debug, format: text, file: /log}
drain: {delay_seconds: 1, grace_seconds: 2}
"#;

#[test]
fn each_value_arrives_in_its_field() {
    use duogate::config::{
        ChallengeKind, LogFormat, LogLevel, Mode, Target, TlsSource, TlsVersion,
    };
    let folder = Folder::new();
    let options = LoadOptions {
        file: Some(folder.write("duogate.yaml", DISTINCT)),
        ..LoadOptions::default()
    };
    let config = config::load(&options)
        .expect("there are no problems")
        .config;
    assert_eq!(config.mode, Mode::Public);
    let domains: Vec<_> = config.domains.iter().map(ToString::to_string).collect();
    assert_eq!(domains, ["b.example", "a.example", "192.0.2.1"]);
    let listen = &config.listen;
    let single = [
        listen.https,
        listen.http,
        listen.gateway,
        listen.agent_platform,
        listen.admin,
    ];
    let ports: Vec<_> = single
        .into_iter()
        .flatten()
        .map(|address| address.port())
        .collect();
    assert_eq!(ports, [1001, 1002, 1003, 1004, 1005]);
    let ports: Vec<_> = listen
        .metrics
        .iter()
        .map(std::net::SocketAddr::port)
        .collect();
    assert_eq!(ports, [1006, 1007]);
    assert_eq!(format!("{:?}", listen.proxy_protocol_from), "[10.0.0.0/8]");
    assert_eq!(
        format!("{:?}", listen.trusted_proxies),
        "[172.16.0.0/12, 192.168.1.1/32]"
    );
    assert_eq!(config.workers, config::Workers::Number(3));
    let tls = &config.tls;
    assert_eq!(
        (tls.source, tls.min_version),
        (TlsSource::Files, TlsVersion::V13)
    );
    assert_eq!(tls.state, Path::new("/state"));
    assert_eq!(tls.acme.directory, "https://ca.example/dir");
    assert_eq!(tls.acme.contact, ["a@b.example", "c@d.example"]);
    assert_eq!(
        tls.acme.challenges,
        [ChallengeKind::Http01, ChallengeKind::TlsAlpn01]
    );
    assert_eq!(tls.acme.ca_file.as_deref(), Some(Path::new("/root.pem")));
    let files = tls.files.as_ref().expect("the source is files");
    assert_eq!(
        (&*files.certificate, &*files.key),
        (Path::new("/chain.pem"), Path::new("/key.pem"))
    );
    let forward = |url: &str| Target::Forward(url.parse().expect("a URL"));
    assert_eq!(config.gateway, forward("http://gateway:5052"));
    assert_eq!(config.agent_platform, forward("https://platform"));
    access_arrives(&config);
    assert_eq!(
        (config.log.level, config.log.format),
        (LogLevel::Debug, LogFormat::Text)
    );
    assert_eq!(config.log.file.as_deref(), Some(Path::new("/log")));
    assert_eq!(
        (config.drain_delay.as_secs(), config.drain_grace.as_secs()),
        (1, 2)
    );
    assert_eq!(config.limits, config::Limits::default());
}

fn access_arrives(config: &config::Config) {
    let instance = |url: &str, ca_file: Option<&str>| config::GitlabInstance {
        url: url.to_owned(),
        ca_file: ca_file.map(Into::into),
    };
    assert_eq!(
        config.gitlab,
        [
            instance("https://gitlab.example", None),
            instance("http://lab.example/x", Some("/lab.pem"))
        ]
    );
    assert_eq!(
        config.customers_portal.as_deref(),
        Some("https://portal.example")
    );
    assert_eq!(
        config.auth,
        config::Auth {
            required: false,
            bypass_with_header: true,
            bypass_signature: true,
            service_name: "service".to_owned(),
            agent_platform: config::AgentPlatformAuth {
                required: false,
                service_name: "agents".to_owned(),
            },
        }
    );
    assert_eq!(
        config.keys.gateway,
        config::SigningKeys {
            signing: Some(config::KeySource::File("/signing.pem".into())),
            validation: Some(config::KeySource::Pem(
                "-----BEGIN RSA PRIVATE KEY-----".to_owned()
            )),
        }
    );
    assert_eq!(
        config.keys.agent_platform,
        config::SigningKeys {
            signing: Some(config::KeySource::Pem(
                "-----BEGIN PRIVATE KEY-----".to_owned()
            )),
            validation: Some(config::KeySource::File("/validation.pem".into())),
        }
    );
}

#[test]
fn each_limit_arrives_in_its_field() {
    let defaults = print(None, &[]);
    let (_, limits) = defaults
        .split_once("\nlimits:\n")
        .expect("the limits are printed");
    for text in limits.lines() {
        let (name, rest) = text.trim().split_once(": ").expect("a key and a value");
        let value: u64 = rest
            .split(' ')
            .next()
            .and_then(|text| text.parse().ok())
            .expect(rest);
        let variable = format!("DUOGATE_LIMITS__{}", name.to_uppercase());
        let options = LoadOptions {
            environment: vec![(variable, (value - 1).to_string())],
            ..LoadOptions::default()
        };
        let limits = config::load(&options)
            .expect("it is in range")
            .config
            .limits;
        let field = name.strip_suffix("_seconds").unwrap_or(name);
        let unit = if field == name { "" } else { "s" };
        let changed = format!("{limits:?}");
        assert!(
            changed.contains(&format!(" {field}: {}{unit}", value - 1)),
            "{changed}"
        );
        let back = changed.replace(
            &format!(" {field}: {}{unit}", value - 1),
            &format!(" {field}: {value}{unit}"),
        );
        assert_eq!(back, format!("{:?}", config::Limits::default()));
    }
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
