//! What a user attaches to a goal.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Something that belongs to a goal (agent-platform 3.4), in the form of stored states and of the
/// log: `{"type": "AdditionalContext", "category", "id", "content", "metadata"}`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "AdditionalContext")]
pub struct ContextItem {
    /// What kind of thing it is: `file`, `issue`, `repository`, `user_rule` and others.
    pub category: String,
    /// Which one.
    #[serde(default)]
    pub id: Option<String>,
    /// The thing itself.
    #[serde(default)]
    pub content: Option<String>,
    /// More about it.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
}

impl fmt::Debug for ContextItem {
    /// Without what it holds, which is the user's.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ContextItem")
            .field("category", &self.category)
            .finish_non_exhaustive()
    }
}
