//! Who talks with the user.

use std::{collections::BTreeMap, fmt};

use serde_json::{Map, Value};

/// An agent of a chat.
#[derive(Clone, PartialEq)]
pub struct AgentDefinition {
    /// The key of its conversation in a stored state.
    pub name: String,
    /// What it is to do, in the place of the prompt's first text; none: GitLab's own chat.
    pub instructions: Option<String>,
    /// The tools that it may have, each with arguments that are fixed whatever the model says; none:
    /// all there are.
    pub toolset: Option<BTreeMap<String, Map<String, Value>>>,
}

impl AgentDefinition {
    /// GitLab's own chat (agent-platform 3.15), which may have these tools.
    pub fn chat(tools: &[&str]) -> Self {
        let tools = tools.iter().map(|name| ((*name).to_owned(), Map::new()));
        Self {
            name: "Chat Agent".to_owned(),
            instructions: None,
            toolset: Some(tools.collect()),
        }
    }

    /// Whether it may have a tool.
    pub(super) fn may_have(&self, tool: &str) -> bool {
        let toolset = self.toolset.as_ref();
        toolset.is_none_or(|tools| tools.contains_key(tool))
    }

    /// The arguments of a tool that are fixed.
    pub(super) fn fixed(&self, tool: &str) -> Option<&Map<String, Value>> {
        self.toolset.as_ref()?.get(tool)
    }
}

impl fmt::Debug for AgentDefinition {
    /// Without its instructions and arguments, which are somebody's.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tools = self.toolset.as_ref();
        formatter
            .debug_struct("AgentDefinition")
            .field("name", &self.name)
            .field(
                "toolset",
                &tools.map(|tools| tools.keys().collect::<Vec<_>>()),
            )
            .finish_non_exhaustive()
    }
}
