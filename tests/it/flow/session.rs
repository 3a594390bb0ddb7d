//! A session: a state, tools that are recorded, and an observer that keeps what it is told.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use duogate::{
    flow::{
        AgentDefinition, Call, EntryStatus, FlowError, LogEntry, Message, Observer, Project,
        Scribe, State, Stop, Surroundings, ToolFailure, ToolOutcome, Tools, Turn, TurnInput,
        TurnLimits,
    },
    foundation::{Clock, Randomness},
    model::Tool,
    prompt::Prompts,
};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::{
    models::{Room, metadata},
    support::model_server::{ModelServer, Recorded, Reply},
};

/// Everything that turns need.
pub(super) struct Session {
    pub(super) server: ModelServer,
    pub(super) room: Room,
    pub(super) agent: AgentDefinition,
    pub(super) state: State,
    pub(super) tools: RecordedTools,
    pub(super) observer: Recorder,
    pub(super) limits: TurnLimits,
    pub(super) family: &'static str,
    prompts: Prompts,
    randomness: Counted,
}

impl Session {
    /// One whose model answers with these, one after the other.
    pub(super) fn new(replies: Vec<Reply>) -> Self {
        Self::with(replies, &[])
    }

    /// The same, of a server with these variables.
    pub(super) fn with(replies: Vec<Reply>, variables: &[(&str, &str)]) -> Self {
        let server = ModelServer::start("unused");
        server.reply(Reply::Sequence(replies));
        Self {
            server,
            room: Room::with(variables),
            agent: AgentDefinition::chat(&["get_project", "create_commit"]),
            state: State::default(),
            tools: RecordedTools::default(),
            observer: Recorder::default(),
            limits: TurnLimits {
                first_byte: Duration::from_secs(5),
                idle: Duration::from_secs(5),
                first_pause: Duration::from_millis(20),
                ..TurnLimits::default()
            },
            family: "mistral",
            prompts: Prompts::load(None).unwrap(),
            randomness: Counted::default(),
        }
    }

    /// A turn with these words.
    pub(super) async fn say(&mut self, goal: &str) -> Result<(), FlowError> {
        self.turn(words(goal)).await
    }

    /// A turn.
    pub(super) async fn turn(&mut self, input: TurnInput) -> Result<(), FlowError> {
        let mut metadata = metadata(&self.server);
        metadata["name"] = self.family.into();
        self.turn_at(input, &metadata).await
    }

    /// A turn with another model.
    pub(super) async fn turn_at(
        &mut self,
        input: TurnInput,
        metadata: &Value,
    ) -> Result<(), FlowError> {
        let target = self.room.target(metadata).unwrap();
        let surroundings = Surroundings {
            gitlab_url: Some("https://gitlab.test".to_owned()),
            gitlab_version: Some("18.9.0".to_owned()),
            user: Some("Ada (@ada)".to_owned()),
        };
        let turn = Turn {
            agent: &self.agent,
            surroundings: &surroundings,
            models: &self.room.models,
            target: &target,
            prompts: &self.prompts,
            tools: &self.tools,
            observer: &self.observer,
            scribe: Scribe {
                clock: &Standing,
                randomness: &self.randomness,
                correlation_id: Some("correlation"),
            },
            limits: self.limits,
        };
        let entry = turn.begin(&mut self.state, input);
        self.observer.keep(&self.state);
        turn.run(&mut self.state, entry).await
    }

    /// What the model was told the last time.
    #[track_caller]
    pub(super) fn told(&self) -> Recorded {
        self.server.last()
    }

    /// Roles and texts of what it was told, without the frame.
    #[track_caller]
    pub(super) fn told_messages(&self) -> Vec<(String, String)> {
        let messages = self.told().body["messages"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let messages = messages.iter().skip(1);
        messages
            .map(|message| (text(&message["role"]), text(&message["content"])))
            .collect()
    }

    /// The status as it is stored.
    pub(super) fn status(&self) -> String {
        let channels = self.state.to_channels();
        channels["status"].as_str().unwrap().to_owned()
    }

    /// What people read: kind, status and text of each entry.
    pub(super) fn log(&self) -> Vec<String> {
        let entries = self.state.log.iter().map(|entry| {
            let entry = serde_json::to_value(entry).unwrap();
            let text = |key: &str| entry[key].as_str().unwrap_or("-").to_owned();
            format!(
                "{} {}: {}",
                text("message_type"),
                text("status"),
                text("content")
            )
        });
        entries.collect()
    }

    /// The conversation of the agent.
    pub(super) fn messages(&self) -> &[Message] {
        self.state.conversation.of(&self.agent.name)
    }
}

/// An event with words alone.
pub(super) fn words(goal: &str) -> TurnInput {
    TurnInput {
        goal: goal.to_owned(),
        project: Some(Project {
            id: 7.into(),
            name: Some("rocket".to_owned()),
            ..Project::default()
        }),
        ..TurnInput::default()
    }
}

/// Keeps the state after each step.
#[derive(Default)]
pub(super) struct Recorder {
    pub(super) states: Mutex<Vec<Value>>,
    pub(super) texts: Mutex<Vec<LogEntry>>,
    pub(super) model_calls: AtomicUsize,
    /// Stops the turn at this step; 0: never.
    pub(super) stop_at: AtomicUsize,
}

impl Recorder {
    fn keep(&self, state: &State) -> usize {
        let mut states = self.states.lock().unwrap();
        states.push(Value::Object(state.to_channels()));
        states.len()
    }

    /// The states since the last time.
    pub(super) fn taken(&self) -> Vec<Value> {
        std::mem::take(&mut *self.states.lock().unwrap())
    }

    /// What was streamed, as often as it was told.
    pub(super) fn streamed(&self) -> Vec<String> {
        let texts = self.texts.lock().unwrap();
        texts.iter().map(|entry| entry.content.clone()).collect()
    }
}

impl Observer for Recorder {
    fn step<'a>(&'a self, state: &'a State) -> BoxFuture<'a, Result<(), Stop>> {
        let steps = self.keep(state);
        let stop = self.stop_at.load(Ordering::SeqCst) == steps;
        Box::pin(std::future::ready(if stop { Err(Stop) } else { Ok(()) }))
    }

    fn text(&self, entry: &LogEntry) {
        assert_eq!(entry.status, None);
        self.texts.lock().unwrap().push(entry.clone());
    }

    fn before_model_call(&self) -> BoxFuture<'_, Result<(), Stop>> {
        self.model_calls.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Two tools of GitLab's: one that works, and one that asks first and fails.
#[derive(Default)]
pub(super) struct RecordedTools {
    pub(super) called: Mutex<Vec<Call>>,
    /// Each call takes so long.
    pub(super) pause: Duration,
}

impl RecordedTools {
    /// Names and arguments of what was carried out.
    pub(super) fn names(&self) -> Vec<String> {
        let called = self.called.lock().unwrap();
        called
            .iter()
            .map(|call| format!("{} {}", call.name, Value::Object(call.arguments.clone())))
            .collect()
    }
}

impl Tools for RecordedTools {
    fn specifications(&self) -> Vec<Arc<Tool>> {
        let tool = |name: &str| {
            Arc::new(Tool::new(
                name.to_owned(),
                format!("Does what {name} says."),
                json!({"type": "object", "properties": {"id": {"type": "integer"}}}),
            ))
        };
        ["get_project", "create_commit"].map(tool).to_vec()
    }

    fn needs_approval<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, bool> {
        Box::pin(async { call.name == "create_commit" })
    }

    fn only_reads(&self, call: &Call) -> bool {
        call.name == "get_project"
    }

    fn suggested_patterns(&self, call: &Call) -> Vec<String> {
        let branch = call
            .arguments
            .get("branch")
            .and_then(|branch| branch.as_str());
        branch
            .map(|branch| format!("{branch} *"))
            .into_iter()
            .collect()
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, ToolOutcome> {
        Box::pin(async move {
            tokio::time::sleep(self.pause).await;
            self.called.lock().unwrap().push(call.clone());
            if call.name == "get_project" {
                return ToolOutcome {
                    text: "{\"name\": \"rocket\"}".to_owned(),
                    display: "Read the project".to_owned(),
                    failure: None,
                    command_output: None,
                };
            }
            ToolOutcome {
                text: "Tool create_commit raised ToolException: the branch is protected".to_owned(),
                display: "Create a commit".to_owned(),
                failure: Some(ToolFailure {
                    reason: "the tool failed".to_owned(),
                    kind: "refused",
                    status: EntryStatus::Failure,
                }),
                command_output: None,
            }
        })
    }
}

/// Noon on the first of February 2026, for ever.
#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_769_947_200)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Counts in the place of random bytes.
#[derive(Debug, Default)]
struct Counted(AtomicU64);

impl Randomness for Counted {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
        let count = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        for (byte, part) in buffer.iter_mut().rev().zip(count.to_le_bytes()) {
            *byte = part;
        }
    }
}
