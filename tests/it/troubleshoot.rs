//! `duogate troubleshoot` against good and broken installations.

use std::{net::TcpListener, time::Duration};

use serde_json::{Value, json};

use crate::support::{
    Duogate, Folder, Outcome, Port, Settings, command,
    key_server::{KeyServer, Reply},
    model_server::{ModelServer, Reply as ModelReply},
    run,
    secrets::MODEL_KEY,
    token_key::{TokenKey, claims_now},
};

/// GitLab, its portal, and Duogate with ports of its own beside the one for everything.
struct Installation {
    edge: Duogate,
    gateway: Port,
    platform: Port,
    gitlab: KeyServer,
    portal: KeyServer,
    key: TokenKey,
}

impl Installation {
    fn start() -> Self {
        Self::with(|settings| settings)
    }

    fn with(change: impl FnOnce(Settings) -> Settings) -> Self {
        let (gitlab, portal) = (KeyServer::start(), KeyServer::start());
        let key = TokenKey::new("gitlab");
        gitlab.publish("", &[&key]);
        gitlab.reply("/api/v4/projects", Reply::json(&json!([])));
        portal.publish("", &[]);
        let (gateway, platform) = (Port::free(), Port::free());
        let settings = Settings::public()
            .set("gitlab", json!([{"url": gitlab.url()}]))
            .set("customers_portal", portal.url())
            .set("listen.gateway", gateway.address().to_string())
            .set("listen.agent_platform", platform.address().to_string());
        Self {
            edge: change(settings).start(),
            gateway,
            platform,
            gitlab,
            portal,
            key,
        }
    }

    /// Runs it on the gateway's host, with the gateway's configuration.
    fn troubleshoot(&self, arguments: &[&str]) -> Outcome {
        let mut duogate = command(env!("CARGO_BIN_EXE_duogate"));
        duogate.env_clear().arg("troubleshoot").args(arguments);
        duogate
            .arg("--config")
            .arg(self.edge.folder().join("duogate.yaml"));
        run(duogate, Duration::from_secs(60))
    }

    /// Told as the official script tells it, and exit code 0.
    #[track_caller]
    fn good(&self, arguments: &[&str], lines: &[&str]) {
        let said = self.troubleshoot(arguments);
        for line in lines {
            assert!(said.stdout.contains(line), "{line}: {said:?}");
        }
        assert_eq!(said.status.code(), Some(0), "{said:?}");
    }

    /// A line with its remedy, and exit code 1.
    #[track_caller]
    fn bad(&self, arguments: &[&str], line: &str, remedy: &str) -> String {
        let said = self.troubleshoot(arguments);
        let told = said.stdout.split(">> ").find(|told| told.contains(line));
        let told = told.unwrap_or_else(|| panic!("{line}: {said:?}"));
        assert!(told.contains("   -> ") && told.contains(remedy), "{told}");
        assert_eq!(said.status.code(), Some(1), "{said:?}");
        assert!(!said.stdout.contains(MODEL_KEY), "{said:?}");
        said.stdout
    }

    fn token(&self, scopes: &[&str]) -> String {
        let claims = claims_now(&self.gitlab.url(), scopes);
        self.key.token(&claims)
    }
}

const WELL: [&str; 5] = [
    ">> Env variables are set correctly ✔",
    ">> AI Gateway is up and running ✔",
    ">> GitLab API is accessible ✔",
    ">> Customer Portal is reachable ✔",
    ">> Duo Workflow Service is up and running ✔",
];

fn model(server: &ModelServer) -> [String; 8] {
    [
        "--model-family",
        "mistral",
        "--model-endpoint",
        &server.url(),
        "--model-identifier",
        "custom_openai/mistral-x",
        "--api-key",
        MODEL_KEY,
    ]
    .map(ToOwned::to_owned)
}

fn with<'a>(model: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    let mut all: Vec<&str> = model.iter().map(String::as_str).collect();
    all.extend(more);
    all
}

#[test]
fn a_good_installation_is_told_line_by_line() {
    let installation = Installation::start();
    let url = format!(">> AIGW_GITLAB_URL is set to {}", installation.gitlab.url());
    let mut lines = WELL.to_vec();
    lines.push(&url);
    // from the configuration, the documented form, and the port for everything
    installation.good(&[], &lines);
    let gateway = format!("localhost:{}", installation.gateway.number());
    let platform = format!("localhost:{}", installation.platform.number());
    let endpoints = ["--endpoint", &gateway, "--duo-workflow-endpoint", &platform];
    installation.good(&endpoints, &lines);
    let everything = format!("https://localhost:{}", installation.edge.https().port());
    let root = installation.edge.root().to_str().unwrap();
    let endpoints = [
        "--endpoint",
        &everything,
        "--duo-workflow-endpoint",
        &everything,
    ];
    installation.good(&[&endpoints[..], &["--ca-file", root]].concat(), &lines);
}

#[test]
fn a_model_is_called_with_a_token_or_where_none_is_asked_for() {
    let server = ModelServer::start("def hello(): pass");
    let accessed = ">> Successfully accessed the mistral model ✔";
    let named = model(&server);
    let open = Installation::with(|settings| settings.set("auth.required", false));
    let said = open.troubleshoot(&with(&named, &[]));
    assert!(said.stdout.contains(accessed), "{said:?}");
    assert!(
        said.stdout
            .contains(">> Provider custom_openai is accessible ✔"),
        "{said:?}"
    );
    assert!(said.stdout.contains("Requests need no token"), "{said:?}");
    assert_eq!(said.status.code(), Some(0));

    let installation = Installation::start();
    let folder = Folder::new();
    let file = folder.write("token", installation.token(&["generate_code"]));
    let token = ["--token-file", file.to_str().unwrap()];
    installation.good(&with(&named, &token), &[accessed]);
    let asked = server.last();
    assert_eq!(
        asked.header("authorization"),
        Some(&*format!("Bearer {MODEL_KEY}"))
    );
    assert_eq!(asked.body["model"], "mistral-x");

    installation.bad(
        &with(&named, &[]),
        "Failed to access the mistral model",
        "--token-file FILE",
    );
    let wrong = installation.token(&["complete_code"]);
    let file = folder.write("wrong", &wrong);
    let said = installation.bad(
        &with(&named, &["--token-file", file.to_str().unwrap()]),
        ": 403 Unauthorized to access code generations",
        "generate_code",
    );
    assert!(!said.contains(&wrong));
    let file = folder.write("none", "what is this");
    let none = installation.troubleshoot(&with(&named, &["--token-file", file.to_str().unwrap()]));
    assert_eq!(none.status.code(), Some(1), "{none:?}");
    assert!(none.stderr.contains("holds no token") && !none.stderr.contains("what is this"));

    server.reply(ModelReply::Status(
        401,
        Vec::new(),
        json!({"error": {"message": format!("{MODEL_KEY} is wrong")}}).to_string(),
    ));
    open.bad(
        &with(&named, &[]),
        ": 502 Inference failed: ",
        "API key right",
    );
    drop(server);
    open.bad(
        &with(&named, &[]),
        "Provider custom_openai is not accessible",
        "--model-endpoint",
    );
}

#[test]
fn wrong_ports_are_told_apart() {
    let installation = Installation::start();
    let nobody = format!("localhost:{}", Port::free().number());
    let said = installation.bad(
        &["--endpoint", &nobody, "--model-family", "mistral"],
        "AI Gateway is not running. ",
        "is it running on that port?",
    );
    assert!(said.contains("The model is not called"), "{said}");
    let secure = installation.edge.https().port();
    installation.bad(
        &["--endpoint", &format!("localhost:{secure}")],
        "AI Gateway is not running. ",
        "--endpoint https://NAME:PORT",
    );
    installation.bad(
        &["--endpoint", &format!("https://localhost:{secure}")],
        "AI Gateway is not running. ",
        "--ca-file FILE",
    );
    let clear = installation.gateway.number();
    installation.bad(
        &["--endpoint", &format!("https://localhost:{clear}")],
        "AI Gateway is not running. ",
        "--endpoint http://HOST:PORT",
    );
    let usage = installation.troubleshoot(&["--endpoint", "https://a/path"]);
    assert_eq!(usage.status.code(), Some(2), "{usage:?}");
}

#[test]
fn what_lies_outside_is_told_with_its_remedy() {
    let installation = Installation::start();
    let gitlab = &installation.gitlab;
    for status in [401, 403] {
        gitlab.reply(
            "/api/v4/projects",
            Reply::Body(status, "application/json", Vec::new()),
        );
        installation.good(&[], &["GitLab API is accessible (it asks for a login"]);
    }
    for status in [404, 500] {
        gitlab.reply(
            "/api/v4/projects",
            Reply::Body(status, "text/html", Vec::new()),
        );
        let line = format!("Failed to connect to GitLab API: {status}");
        installation.bad(&[], &line, "GitLab's own URL");
    }
    gitlab.reply("/api/v4/projects", Reply::json(&json!([])));

    // what GitLab does without is told and passed over
    let portal = &installation.portal;
    let discovery = "/.well-known/openid-configuration";
    portal.reply(discovery, Reply::Body(503, "text/html", Vec::new()));
    installation.good(
        &[],
        &["Customer Portal is not reachable at", "it answers 503"],
    );
    let nobody = format!("localhost:{}", Port::free().number());
    installation.good(
        &["--duo-workflow-endpoint", &nobody],
        &["Duo Workflow Service is not reachable at", "50052"],
    );
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("https://{}", silent.local_addr().unwrap());
    installation.good(
        &["--duo-workflow-endpoint", &silent],
        &["Duo Workflow Service is not reachable at"],
    );
    let secure = format!("https://localhost:{}", installation.edge.https().port());
    installation.good(
        &["--duo-workflow-endpoint", &secure],
        &["TLS problem", "--ca-file FILE"],
    );
}

#[test]
fn without_a_gitlab_nobody_can_be_let_in() {
    let installation = Installation::with(|settings| {
        settings
            .set("gitlab", json!([]))
            .set("customers_portal", Value::Null)
    });
    let said = installation.bad(
        &[],
        "Either AIGW_GITLAB_URL (preferred) or AIGW_AUTH__BYPASS_EXTERNAL must be set",
        "set AIGW_GITLAB_URL",
    );
    assert!(said.contains("Customer Portal is switched off"), "{said}");
    assert!(!said.contains("Env variables are set correctly"), "{said}");
    let closed = Installation::with(|settings| settings.set("models.custom_enabled", false));
    closed.bad(
        &[],
        "AIGW_CUSTOM_MODELS__ENABLED must be set to true",
        "models.custom_enabled",
    );
}

#[test]
fn the_documented_variables_are_enough() {
    let gitlab = KeyServer::start();
    gitlab.reply("/api/v4/projects", Reply::json(&json!([])));
    let (gateway, platform) = (Port::free(), Port::free());
    let variables = [
        ("AIGW_GITLAB_URL", gitlab.url()),
        ("AIGW_CUSTOM_MODELS__ENABLED", "true".to_owned()),
        ("AIGW_CUSTOMER_PORTAL_URL", String::new()),
        ("AIGW_FASTAPI__API_HOST", "127.0.0.1".to_owned()),
        ("AIGW_FASTAPI__API_PORT", gateway.number().to_string()),
        (
            "DUOGATE_LISTEN__AGENT_PLATFORM",
            platform.address().to_string(),
        ),
    ];
    let mut settings = Settings::without_file(false);
    for (name, value) in &variables {
        settings = settings.environment(name, value);
    }
    let _edge = settings.start();
    let mut duogate = command(env!("CARGO_BIN_EXE_duogate"));
    duogate.env_clear().arg("troubleshoot").envs(variables);
    let said = run(duogate, Duration::from_secs(60)).success();
    for line in &WELL[..3] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(said.contains(WELL[4]), "{said}");
}
