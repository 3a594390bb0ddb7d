//! A session as it is stored.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use super::{Conversation, LogEntry, Status, healing::has_open_calls, null::null_as_default};

/// The channels of LangGraph (agent-platform 3.15, 4.4): what stands under `channel_values` of a
/// checkpoint, and under `channel_values.__start__` of the first one.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// How far the session is.
    #[serde(default, deserialize_with = "null_as_default")]
    pub status: Status,
    /// What each agent has read and said.
    #[serde(
        rename = "conversation_history",
        default,
        deserialize_with = "null_as_default"
    )]
    pub conversation: Conversation,
    /// What people read.
    #[serde(rename = "ui_chat_log", default, deserialize_with = "null_as_default")]
    pub log: Vec<LogEntry>,
    /// What the agent wants to do.
    #[serde(default, deserialize_with = "null_as_default")]
    pub plan: Plan,
    /// What the session began with; GitLab makes the title of it.
    #[serde(default)]
    pub goal: Option<String>,
    /// An event of the older flows; kept.
    #[serde(default)]
    pub last_human_input: Value,
    /// The project that the session belongs to.
    #[serde(default)]
    pub project: Option<Project>,
    /// The group that it belongs to.
    #[serde(default)]
    pub namespace: Option<Namespace>,
    /// The user said no, and the agent was not told yet.
    #[serde(rename = "approval", default, deserialize_with = "read_rejection")]
    pub rejection: Option<Rejection>,
    /// Tools that need no approval.
    #[serde(default, deserialize_with = "null_as_default")]
    pub preapproved_tools: Vec<String>,
    /// Tools that are not offered.
    #[serde(default, deserialize_with = "null_as_default")]
    pub denied_tools: Vec<String>,
    /// Channels that nobody here reads.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What an agent wants to do: `{"steps": [{"id", "description", "status"}]}`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Its steps, whose form is the planner tools'.
    #[serde(default)]
    pub steps: Vec<Value>,
}

/// A project of GitLab, as far as agents are told of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// Its number.
    #[serde(default)]
    pub id: Value,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// What people say of it.
    #[serde(default)]
    pub description: Option<String>,
    /// Where it is cloned from.
    #[serde(default)]
    pub http_url_to_repo: Option<String>,
    /// Its page.
    #[serde(default)]
    pub web_url: Option<String>,
    /// Where work is merged into.
    #[serde(default)]
    pub default_branch: Option<String>,
    /// What else was stored: `languages`, `exclusion_rules`.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A group of GitLab, as far as agents are told of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Namespace {
    /// Its number.
    #[serde(default)]
    pub id: Value,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// What people say of it.
    #[serde(default)]
    pub description: Option<String>,
    /// Its page.
    #[serde(default)]
    pub web_url: Option<String>,
    /// What else was stored.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The user did not want calls of tools to run.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Rejection {
    /// What the user says about it.
    pub message: Option<String>,
}

impl State {
    /// Whether calls of tools are under way.
    pub fn is_calling(&self) -> bool {
        let mut agents = self.conversation.agents();
        self.status == Status::Execution && agents.any(|(_, said)| has_open_calls(said))
    }

    /// The channels as an object, for a checkpoint.
    pub fn to_channels(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(channels)) => channels,
            _ => Map::new(),
        }
    }

    /// Reads the channels of a checkpoint, also of one that the official service wrote.
    pub fn from_channels(channels: &Value) -> Result<Self, serde_json::Error> {
        // the first checkpoint of a session holds them one level deeper
        let channels = channels.get(START).unwrap_or(channels);
        Self::deserialize(channels)
    }
}

impl Serialize for Rejection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("message", &self.message)?;
        map.serialize_entry("type", REJECTION)?;
        map.end()
    }
}

/// Anything else that was stored there says that nothing waits.
fn read_rejection<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Rejection>, D::Error> {
    let stored = Value::deserialize(deserializer)?;
    let is_rejection = stored.get("type").and_then(Value::as_str) == Some(REJECTION);
    let message = stored.get("message").and_then(Value::as_str);
    Ok(is_rejection.then(|| Rejection {
        message: message.map(ToOwned::to_owned),
    }))
}

impl fmt::Debug for Plan {
    /// Without what its steps say.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Plan")
            .field("steps", &self.steps.len())
            .finish()
    }
}

impl fmt::Debug for Rejection {
    /// Without what the user says.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Rejection").finish_non_exhaustive()
    }
}

impl fmt::Debug for State {
    /// Without what was said, which belongs to no log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("State")
            .field("status", &self.status)
            .field("conversation", &self.conversation)
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}

/// The class that LangGraph's reader looks for.
const REJECTION: &str = "ApprovalStateRejection";

/// The channel of a graph's input.
const START: &str = "__start__";
