//! What a model is asked, whatever server it lives on.

use std::{fmt, sync::Arc, time::Duration};

use super::Tool;

/// A call.
#[derive(Clone, Debug, Default)]
pub struct ModelRequest {
    /// The conversation.
    pub messages: Vec<Message>,
    /// What the model may have done; none: it can only talk.
    pub tools: Vec<Arc<Tool>>,
    /// From 0 to 2; absent: the family's.
    pub temperature: Option<f64>,
    /// From 0 to 1; absent: not sent.
    pub top_p: Option<f64>,
    /// Absent: not sent.
    pub top_k: Option<u32>,
    /// The longest answer in tokens; absent: the family's.
    pub max_tokens: Option<u32>,
    /// Words that end the answer; servers take the first four.
    pub stop: Vec<String>,
    /// Whether the answer is wanted piece by piece.
    pub stream: bool,
    /// What it is for.
    pub purpose: Purpose,
}

/// One message.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// The frame of the conversation.
    System(String),
    /// What a user says.
    User(String),
    /// What the model said. Last in a conversation: the beginning of its answer.
    Assistant {
        /// May be empty where tools are called.
        text: String,
        /// The tools that it wanted.
        tool_calls: Vec<ToolCall>,
    },
    /// What came of a tool that the model wanted.
    Tool(ToolResult),
}

/// A tool that a model wants to be used.
#[derive(Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Tells the calls of a conversation apart.
    pub id: String,
    /// Which tool.
    pub name: String,
    /// JSON text, an object's where the model keeps to the schema; nobody has judged it.
    pub arguments: String,
}

/// What came of a call.
#[derive(Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// The call's.
    pub id: String,
    /// For the model.
    pub text: String,
    /// Whether the tool failed.
    pub is_error: bool,
}

impl Message {
    /// A message of the model's that calls no tools.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::Assistant {
            text: text.into(),
            tool_calls: Vec::new(),
        }
    }

    /// What is said.
    pub fn text(&self) -> &str {
        match self {
            Self::System(text) | Self::User(text) | Self::Assistant { text, .. } => text,
            Self::Tool(result) => &result.text,
        }
    }

    /// Bytes that a model has to read, about.
    pub(super) fn size(&self) -> usize {
        let calls = match self {
            Self::Assistant { tool_calls, .. } => tool_calls.as_slice(),
            _ => &[],
        };
        let arguments = calls.iter().map(|call| call.arguments.len());
        self.text().len() + arguments.sum::<usize>()
    }

    fn word(&self) -> &'static str {
        match self {
            Self::System(_) => "system",
            Self::User(_) => "user",
            Self::Assistant { .. } => "assistant",
            Self::Tool(_) => "tool",
        }
    }
}

// Without texts: what people ask of a model, and what it does for them, belongs to no log.

impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Message")
            .field("role", &self.word())
            .field("bytes", &self.size())
            .finish()
    }
}

impl fmt::Debug for ToolCall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ToolCall")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("bytes", &self.arguments.len())
            .finish()
    }
}

impl fmt::Debug for ToolResult {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ToolResult")
            .field("id", &self.id)
            .field("bytes", &self.text.len())
            .field("is_error", &self.is_error)
            .finish()
    }
}

/// What a call is for, in metrics.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Purpose {
    /// The feature, of a closed set.
    pub(super) feature: &'static str,
    /// The permission it stands for, of a prompt's file.
    pub(super) unit_primitive: String,
}

impl Purpose {
    /// A purpose.
    pub fn new(feature: &'static str, unit_primitive: &str) -> Self {
        Self {
            feature,
            unit_primitive: unit_primitive.to_owned(),
        }
    }
}

impl Default for Purpose {
    fn default() -> Self {
        Self::new("prompts", "unknown")
    }
}

/// The time that a caller gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Until the first event, all attempts together.
    pub first_byte: Duration,
    /// Until the last event where the answer comes whole; none: as long as until the first one. A
    /// stream may go on.
    pub total: Option<Duration>,
    /// Between two events.
    pub idle: Duration,
}

impl Budget {
    /// How long a caller waits for the first thing that it hears. What is not streamed comes with
    /// its end.
    pub(super) fn patience(&self, stream: bool) -> Duration {
        match self.total {
            Some(total) if !stream => total,
            _ => self.first_byte,
        }
    }
}
