//! What people read of a session.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ContextItem, null::null_as_default};

/// An entry of `ui_chat_log` (agent-platform 4.9).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Who speaks.
    pub message_type: EntryKind,
    /// More about the kind; the tool's name for tools.
    #[serde(default)]
    pub message_sub_type: Option<String>,
    /// Markdown.
    #[serde(default, deserialize_with = "null_as_default")]
    pub content: String,
    /// ISO 8601 with an offset, in UTC.
    #[serde(default, deserialize_with = "null_as_default")]
    pub timestamp: String,
    /// None while the text streams, and never in a stored state.
    #[serde(default)]
    pub status: Option<EntryStatus>,
    /// Ties it to GitLab's log lines.
    #[serde(default)]
    pub correlation_id: Option<String>,
    /// The tool that was used, or is to be.
    #[serde(default)]
    pub tool_info: Option<ToolInfo>,
    /// What the user attached.
    #[serde(default)]
    pub additional_context: Option<Vec<ContextItem>>,
    /// Tells entries apart; entries with the same one replace each other.
    #[serde(default, deserialize_with = "null_as_default")]
    pub message_id: String,
    /// `required_plan`, `component_name`, `subsession_id`, and what else was stored.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// The model.
    Agent,
    /// The user.
    User,
    /// A tool.
    Tool,
    /// The agent asks for a judgement.
    Request,
    /// The session, at its end.
    WorkflowEnd,
    /// A kind of another server's.
    #[serde(untagged)]
    Other(String),
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryStatus {
    /// It is under way.
    Pending,
    /// It is done.
    Success,
    /// It failed.
    Failure,
    /// It took too long.
    TimedOut,
    /// The user ended it.
    Cancelled,
    /// A status of another server's.
    #[serde(untagged)]
    Other(String),
}

/// The tool of an entry.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolInfo {
    /// Its name.
    pub name: String,
    /// What it is given; an object.
    #[serde(default)]
    pub args: Value,
    /// What came of it, cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_response: Option<Value>,
    /// `suggested_patterns`, `tool_version`, and what else was stored.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

// Without texts and arguments, which are the user's.

impl fmt::Debug for LogEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LogEntry")
            .field("message_type", &self.message_type)
            .field("message_sub_type", &self.message_sub_type)
            .field("status", &self.status)
            .field("message_id", &self.message_id)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ToolInfo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ToolInfo")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
