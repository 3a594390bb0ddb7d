//! What was said in a conversation, as stored states hold it (agent-platform 4.4): an object of
//! LangGraph with the name of its class in `type`. Keys that nobody here reads are kept, since a
//! later reader may.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Call, ContextItem, InvalidCall, null::null_as_default};

/// One message.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Message {
    /// What a user says.
    #[serde(rename = "HumanMessage", alias = "HumanMessageChunk", alias = "human")]
    Human(HumanMessage),
    /// What the model says.
    #[serde(rename = "AIMessage", alias = "AIMessageChunk", alias = "ai")]
    Ai(AiMessage),
    /// What came of a tool.
    #[serde(rename = "ToolMessage", alias = "ToolMessageChunk", alias = "tool")]
    Tool(ToolMessage),
    /// What another server stored and this one does not use.
    #[serde(untagged)]
    Other(Value),
}

/// What a user says.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HumanMessage {
    /// The words.
    pub content: Content,
    /// Extra data; `additional_context` holds what the user attached.
    #[serde(default, deserialize_with = "null_as_default")]
    pub additional_kwargs: Map<String, Value>,
    /// Unused; readers expect it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub response_metadata: Map<String, Value>,
    /// Unused; readers expect it.
    #[serde(default)]
    pub name: Option<String>,
    /// Tells messages apart.
    #[serde(default)]
    pub id: Option<String>,
    /// What else was stored.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What the model says.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AiMessage {
    /// The words; empty where it only calls tools.
    pub content: Content,
    /// Unused; readers expect it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub additional_kwargs: Map<String, Value>,
    /// Unused; readers expect it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub response_metadata: Map<String, Value>,
    /// Unused; readers expect it.
    #[serde(default)]
    pub name: Option<String>,
    /// The same as the log entry's.
    #[serde(default)]
    pub id: Option<String>,
    /// Tools that it wants.
    #[serde(default, deserialize_with = "null_as_default")]
    pub tool_calls: Vec<Call>,
    /// Calls that cannot be carried out as they are.
    #[serde(default, deserialize_with = "null_as_default")]
    pub invalid_tool_calls: Vec<InvalidCall>,
    /// Tokens, where the server counts them.
    #[serde(default)]
    pub usage_metadata: Option<UsageMetadata>,
    /// What else was stored.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What came of a tool.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolMessage {
    /// For the model.
    pub content: Content,
    /// Unused; readers expect it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub additional_kwargs: Map<String, Value>,
    /// Unused; readers expect it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub response_metadata: Map<String, Value>,
    /// The tool's.
    #[serde(default)]
    pub name: Option<String>,
    /// Unused; readers expect it.
    #[serde(default)]
    pub id: Option<String>,
    /// The call's.
    pub tool_call_id: String,
    /// Unused; readers expect it.
    #[serde(default)]
    pub artifact: Value,
    /// Whether the tool failed.
    #[serde(default)]
    pub status: ToolStatus,
    /// What else was stored.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Whether a tool failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolStatus {
    /// It failed.
    Error,
    /// It did what it was asked for.
    #[default]
    #[serde(other)]
    Success,
}

/// Words: text, or the blocks that some model servers answer.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// All of it.
    Text(String),
    /// Texts among other things, kept as they were stored.
    Blocks(Vec<Value>),
    /// Nothing that can be said, such as `null`.
    Other(Value),
}

/// Tokens of one answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UsageMetadata {
    /// Of everything that the model read.
    #[serde(default)]
    pub input_tokens: u64,
    /// Of what it said.
    #[serde(default)]
    pub output_tokens: u64,
    /// Both.
    #[serde(default)]
    pub total_tokens: u64,
    /// What else was stored.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Message {
    /// What a user says, with what belongs to it.
    pub fn human(text: impl Into<String>, context: &[ContextItem]) -> Self {
        let mut message = HumanMessage {
            content: Content::Text(text.into()),
            ..HumanMessage::default()
        };
        if !context.is_empty() {
            let items = serde_json::to_value(context).unwrap_or_default();
            message.additional_kwargs.insert(CONTEXT.to_owned(), items);
        }
        Self::Human(message)
    }

    /// What came of a call.
    pub fn tool(call_id: &str, name: &str, text: impl Into<String>, status: ToolStatus) -> Self {
        Self::Tool(ToolMessage {
            content: Content::Text(text.into()),
            name: Some(name.to_owned()),
            tool_call_id: call_id.to_owned(),
            status,
            ..ToolMessage::default()
        })
    }

    /// What is said.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Human(message) => message.content.text(),
            Self::Ai(message) => message.content.text(),
            Self::Tool(message) => message.content.text(),
            Self::Other(_) => Cow::Borrowed(""),
        }
    }
}

impl HumanMessage {
    /// What the user attached.
    pub fn context(&self) -> Vec<ContextItem> {
        let items = self
            .additional_kwargs
            .get(CONTEXT)
            .and_then(Value::as_array);
        let items = items.into_iter().flatten();
        items
            .filter_map(|item| ContextItem::deserialize(item).ok())
            .collect()
    }
}

impl AiMessage {
    /// The ids of everything that it wants, in the order in which answers follow.
    pub fn call_ids(&self) -> impl Iterator<Item = (&str, &str)> {
        let calls = self.tool_calls.iter();
        let calls = calls.map(|call| (call.id.as_str(), call.name.as_str()));
        let invalid = self.invalid_tool_calls.iter();
        calls.chain(invalid.map(|call| (call.id.as_str(), call.name.as_str())))
    }
}

impl Content {
    /// The words alone.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Blocks(blocks) => Cow::Owned(blocks.iter().filter_map(block_text).collect()),
            Self::Other(_) => Cow::Borrowed(""),
        }
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A block is text, or `{"type": "text", "text"}`; others (pictures, thoughts) say nothing here.
fn block_text(block: &Value) -> Option<&str> {
    let kind = block.get("type").and_then(Value::as_str);
    match kind {
        Some("text") => block.get("text")?.as_str(),
        Some(_) => None,
        None => block.as_str(),
    }
}

// Without texts: what people ask of a model, and what it does for them, belongs to no log.

impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (role, calls) = match self {
            Self::Human(_) => ("human", 0),
            Self::Ai(message) => ("ai", message.tool_calls.len()),
            Self::Tool(_) => ("tool", 0),
            Self::Other(_) => ("other", 0),
        };
        formatter
            .debug_struct("Message")
            .field("role", &role)
            .field("bytes", &self.text().len())
            .field("calls", &calls)
            .finish()
    }
}

/// Where a human message keeps what the user attached.
const CONTEXT: &str = "additional_context";
