//! Turns of the agent platform from outside: grpcio plays Workhorse, a GitLab that keeps sessions
//! as Rails does stands behind it, a scripted model server behind the real binary.

mod approvals;
mod bounds;
mod contexts;
mod failures;
mod load;
mod long;
mod resumed;
mod stops;
mod told;
mod tool_calls;
mod tools;
mod turns;

use std::{path::Path, process::Command, time::Duration};

use serde_json::{Value, json};

use crate::support::{
    Duogate, Folder, Settings, model_server::ModelServer, node, run, workhorse_client,
};

/// A process, a model server, and where GitLab keeps its sessions.
struct Scene {
    edge: Duogate,
    model: ModelServer,
    gitlab: Folder,
}

impl Scene {
    /// A scene whose model says this.
    #[track_caller]
    fn new(says: &str) -> Self {
        Self::with(says, |settings| settings)
    }

    #[track_caller]
    fn with(says: &str, change: impl FnOnce(Settings) -> Settings) -> Self {
        Self {
            edge: change(open()).start(),
            model: ModelServer::start(says),
            gitlab: Folder::new(),
        }
    }

    /// One turn, through TLS; `options` are the client's.
    #[track_caller]
    fn turn(&self, options: Value) -> Turn {
        let root = self.edge.root().to_str().unwrap();
        self.turn_by(&self.edge.https().to_string(), root, options)
    }

    /// The same by another way in.
    #[track_caller]
    fn turn_by(&self, target: &str, root: &str, options: Value) -> Turn {
        let client = self.client(target, root, options);
        Turn(run(client, Duration::from_secs(60)).json())
    }

    /// One turn, the first of its session, by the library that editors have.
    #[track_caller]
    fn turn_from_javascript(&self, target: &str, root: &str) -> Value {
        let metadata = json!({
            "authorization": "Bearer x", "x-gitlab-authentication-type": "oidc",
            "x-gitlab-realm": "self-managed", "x-gitlab-version": "18.11.2",
            "x-gitlab-agent-platform-model-metadata": self.model_metadata().to_string(),
        });
        let mut client = node("clients/workhorse_client.js");
        client.args([target, root]);
        client.arg(json!({"goal": "Who am I?", "metadata": metadata}).to_string());
        run(client, Duration::from_secs(60)).json()
    }

    /// A client for one turn, not started.
    fn client(&self, target: &str, root: &str, mut options: Value) -> Command {
        if options.get("model").is_none() {
            options["model"] = self.model_metadata();
        }
        let mut client = workhorse_client();
        client.args([target, root]).arg(self.sessions());
        client.arg(options.to_string());
        client
    }

    /// Where the model is, as GitLab says it.
    fn model_metadata(&self) -> Value {
        json!({
            "provider": "openai", "name": "mistral", "endpoint": self.model.url(),
            "api_key": "sk-of-the-model", "identifier": "",
        })
    }

    fn sessions(&self) -> std::path::PathBuf {
        self.gitlab.path().join("sessions.json")
    }

    /// The process ends and another takes its place.
    fn restart(self) -> Self {
        Self {
            edge: self.edge.kill().start(),
            ..self
        }
    }
}

/// A public server whose agent platform asks for no token: tokens have their own tests.
fn open() -> Settings {
    Settings::public()
        .set("auth.required", false)
        .set("auth.agent_platform.required", false)
}

/// What the client saw of a turn.
#[derive(Debug)]
struct Turn(Value);

impl Turn {
    fn words(&self, name: &str) -> Vec<&str> {
        let list = self.0[name].as_array().unwrap();
        list.iter().map(|word| word.as_str().unwrap()).collect()
    }

    /// The log as the client has it: who, how it went, what.
    fn brief(&self) -> Vec<[String; 3]> {
        let list = self.0["brief"].as_array().unwrap();
        let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        list.iter()
            .map(|entry| [word(&entry[0]), word(&entry[1]), word(&entry[2])])
            .collect()
    }

    /// The stream ended so. grpcio tells no details of a stream that went well.
    #[track_caller]
    fn ended(&self, code: &str, details: &str) {
        let details = if code == "OK" { "" } else { details };
        assert_eq!(
            (
                self.0["code"].as_str().unwrap(),
                self.0["details"].as_str().unwrap()
            ),
            (code, details),
            "{self:#?}"
        );
    }

    /// The turn went well and it is the user's turn; what is shown is what is stored.
    #[track_caller]
    fn went_well(&self) {
        self.ended("OK", "workflow execution success");
        assert_eq!(self.0["status"], "input_required", "{self:#?}");
        assert_eq!(
            self.words("shown").last(),
            Some(&"INPUT_REQUIRED"),
            "{self:#?}"
        );
        assert_eq!(self.0["log"], self.0["stored"], "{self:#?}");
        self.is_in_order();
    }

    /// GitLab hears of a status after everything before it is stored, and before its checkpoint.
    #[track_caller]
    fn is_in_order(&self) {
        let sequence = self.words("sequence");
        let told = sequence
            .iter()
            .rposition(|line| line.contains(" require_"))
            .unwrap();
        let after = sequence[told..].iter().filter(|line| is_checkpoint(line));
        assert_eq!(after.count(), 1, "{sequence:#?}");
    }

    /// Requests, statuses, log and end are as a file says.
    #[track_caller]
    fn is_golden(&self, name: &str) {
        let mut lines = vec!["# what GitLab was asked".to_owned()];
        let (stored, asked): (Vec<_>, Vec<_>) = self
            .words("sequence")
            .into_iter()
            .partition(|line| is_checkpoint(line));
        lines.extend(asked.into_iter().map(ToOwned::to_owned));
        // they go their own way beside what else is asked
        lines.push("# what it was given to keep".to_owned());
        lines.extend(stored.into_iter().map(ToOwned::to_owned));
        lines.push("# the statuses that the client was shown".to_owned());
        lines.extend(self.words("shown").into_iter().map(ToOwned::to_owned));
        lines.push("# the log that it was left with".to_owned());
        lines.extend(self.brief().iter().map(|entry| entry.join(" | ")));
        lines.push("# how it ended".to_owned());
        lines.push(format!("{} {}", self.0["code"], self.0["details"]));
        let text = lines.join("\n") + "\n";
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/sessions");
        let file = folder.join(format!("{name}.txt"));
        let golden = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(text, golden, "{} differs from:\n{text}", file.display());
    }
}

/// Whether a line of a sequence is a checkpoint on its way to GitLab.
fn is_checkpoint(line: &str) -> bool {
    line.contains("/checkpoints ")
}
