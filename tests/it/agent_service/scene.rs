//! A server with a GitLab whose tokens it accepts, and clients that call it.

use std::{
    fs::File,
    process::{Command, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::support::{
    Duogate, Folder, Port, Settings, agent_client, judge::INSTANCE, key_server::KeyServer, node,
    run, settles, token_key::TokenKey,
};

/// A public server with one GitLab instance and a key of its own for executors.
pub(super) struct Scene {
    _server: KeyServer,
    key: TokenKey,
    pub(super) own: TokenKey,
    pub(super) edge: Duogate,
    clear: Port,
}

/// What a client calls, before it is sent.
pub(super) struct Call(Value);

/// A library that clients of GitLab are made with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Library {
    /// C core, which Rails has.
    Core,
    /// The one of editors.
    Node,
}

impl Scene {
    pub(super) fn start() -> Self {
        Self::start_with(|settings| settings)
    }

    /// With more settings.
    pub(super) fn start_with(more: impl FnOnce(Settings) -> Settings) -> Self {
        let (server, key, own) = (
            KeyServer::start(),
            TokenKey::new("gitlab"),
            TokenKey::new(""),
        );
        server.publish("", &[&key]);
        let clear = Port::free();
        let settings = Settings::public()
            .set("gitlab", json!([{"url": server.url()}]))
            .set("keys.agent_platform.signing", own.pem())
            .set("listen.agent_platform", clear.address().to_string());
        let edge = more(settings).start();
        settles(&edge, "duogate_key_fetches_total{outcome=\"ok\"}", 1.0);
        Self {
            _server: server,
            key,
            own,
            edge,
            clear,
        }
    }

    /// With a GitLab that cannot be reached.
    pub(super) fn start_without_keys() -> Self {
        let (server, clear) = (KeyServer::start(), Port::free());
        let settings = Settings::public()
            .set("gitlab", json!([{"url": "http://127.0.0.1:1"}]))
            .set("listen.agent_platform", clear.address().to_string());
        Self {
            _server: server,
            key: TokenKey::new("gitlab"),
            own: TokenKey::new(""),
            edge: settings.start(),
            clear,
        }
    }

    /// The claims of a token of the instance, with changes; `"absent"` leaves one out.
    pub(super) fn claims(changes: &Value) -> Value {
        let now = now();
        let mut claims = json!({
            "iss": "https://gitlab.example.com", "sub": INSTANCE, "jti": "1",
            "aud": ["gitlab-ai-gateway", "gitlab-duo-workflow-service"],
            "nbf": now - 5, "iat": now, "exp": now + 3600, "gitlab_realm": "self-managed",
            "scopes": ["duo_agent_platform", "duo_chat", "include_file_context"],
        });
        for (name, value) in changes.as_object().unwrap() {
            if value == "absent" {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    /// A token of the instance for a header.
    pub(super) fn bearer(&self, changes: &Value) -> String {
        format!("Bearer {}", self.key.token(&Self::claims(changes)))
    }

    /// A call as Rails and Workhorse make it, with these scopes.
    pub(super) fn call(&self, method: &str, scopes: &[&str]) -> Call {
        let mut call = Call(json!({"method": method}));
        for (name, value) in HEADERS {
            call = call.header(name, value);
        }
        call.header("authorization", &self.bearer(&json!({"scopes": scopes})))
    }

    /// A call of somebody who may do everything that the contract knows.
    pub(super) fn allowed(&self, method: &str) -> Call {
        self.call(method, &["duo_agent_platform", "duo_chat"])
    }

    /// What becomes of calls: by C core through TLS on the one port.
    pub(super) fn outcomes(&self, calls: Vec<Call>) -> Vec<Value> {
        self.outcomes_by(Library::Core, true, calls)
    }

    /// The same by either library, through TLS or in clear.
    pub(super) fn outcomes_by(&self, by: Library, tls: bool, calls: Vec<Call>) -> Vec<Value> {
        let target = if tls {
            self.edge.https().to_string()
        } else {
            self.clear.address().to_string()
        };
        self.outcomes_at(by, &target, tls, calls)
    }

    /// The same at another address of the server.
    pub(super) fn outcomes_at(
        &self,
        by: Library,
        target: &str,
        tls: bool,
        calls: Vec<Call>,
    ) -> Vec<Value> {
        let mut client = match by {
            Library::Core => agent_client(),
            Library::Node => node("clients/agent_client.js"),
        };
        client.arg(target);
        if tls {
            client.arg(self.edge.root());
        } else {
            client.arg("clear");
        }
        let calls: Vec<_> = calls.into_iter().map(|call| call.0).collect();
        let outcomes = ask(client, &json!(calls));
        serde_json::from_value(outcomes).unwrap()
    }

    /// Starts a client whose call goes on for a while.
    pub(super) fn begin(&self, call: Call) -> JoinHandle<Value> {
        let mut client = agent_client();
        client.arg(self.edge.https().to_string());
        client.arg(self.edge.root());
        thread::spawn(move || ask(client, &json!([call.0]))[0].clone())
    }

    /// Where the agent platform is in clear, and in TLS too.
    pub(super) fn clear(&self) -> String {
        self.clear.address().to_string()
    }
}

impl Call {
    /// With a header; an empty value takes one away.
    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        if value.is_empty() {
            self.0["metadata"].as_object_mut().unwrap().remove(name);
        } else {
            self.0["metadata"][name] = json!(value);
        }
        self
    }

    /// With one more message.
    pub(super) fn message(mut self, message: Value) -> Self {
        if self.0.get("messages").is_none() {
            self.0["messages"] = json!([]);
        }
        self.0["messages"].as_array_mut().unwrap().push(message);
        self
    }

    /// With so many seconds before each message but the first, and before the end.
    pub(super) fn with_gaps(mut self, seconds: f64) -> Self {
        self.0["gap"] = json!(seconds);
        self
    }

    /// With a goal that fills the first message up to so many bytes.
    pub(super) fn filled_to(mut self, bytes: usize) -> Self {
        self.0["size"] = json!(bytes);
        self
    }
}

/// Code and details of an outcome.
pub(super) fn status(outcome: &Value) -> (&str, &str) {
    let text = |name: &str| outcome[name].as_str().unwrap();
    (text("code"), text("details"))
}

fn ask(mut client: Command, calls: &Value) -> Value {
    let folder = Folder::new();
    let file = folder.write("calls.json", calls.to_string());
    client.stdin(Stdio::from(File::open(file).unwrap()));
    run(client, Duration::from_secs(90)).json()
}

/// In seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "tokens are for the clock of the process that judges them"
)]
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// What Rails sends beside the token.
const HEADERS: [(&str, &str); 6] = [
    ("x-gitlab-authentication-type", "oidc"),
    ("x-gitlab-instance-id", INSTANCE),
    ("x-gitlab-realm", "self-managed"),
    ("x-gitlab-global-user-id", "user-global-id"),
    ("x-gitlab-client-type", "gitlab-rails"),
    ("x-gitlab-version", "18.11.2-ee"),
];
