//! Calls of tools, judged.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::null::null_as_default;
use crate::model::ToolCall;

/// A call whose arguments are an object: `{"name", "args", "id", "type": "tool_call"}`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "tool_call")]
pub struct Call {
    /// Which tool.
    pub name: String,
    /// What it is given.
    #[serde(rename = "args", default)]
    pub arguments: Map<String, Value>,
    /// Tells the calls of a conversation apart.
    #[serde(default, deserialize_with = "null_as_default")]
    pub id: String,
}

/// A call that cannot be carried out:
/// `{"name", "args", "id", "error", "type": "invalid_tool_call"}`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "invalid_tool_call")]
pub struct InvalidCall {
    /// Which tool.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// The text that is no object.
    #[serde(rename = "args", default)]
    pub arguments: Value,
    /// Tells the calls of a conversation apart.
    #[serde(default, deserialize_with = "null_as_default")]
    pub id: String,
    /// What is wrong with it.
    #[serde(default)]
    pub error: Option<String>,
}

impl Call {
    /// Judges a model's call: half an argument text is none.
    pub(super) fn judge(call: ToolCall) -> Result<Self, Box<InvalidCall>> {
        let Ok(arguments) = serde_json::from_str(&call.arguments) else {
            let reason = "the arguments are no JSON object";
            return Err(Box::new(InvalidCall::of(call, reason)));
        };
        Ok(Self {
            name: call.name,
            arguments,
            id: call.id,
        })
    }
}

impl InvalidCall {
    /// A call that is none, and why.
    pub(super) fn of(call: ToolCall, error: &str) -> Self {
        Self {
            name: call.name,
            arguments: Value::String(call.arguments),
            id: call.id,
            error: Some(error.to_owned()),
        }
    }
}

// Without arguments, which are the user's.

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Call")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for InvalidCall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("InvalidCall")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
