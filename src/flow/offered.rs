//! The tools that a model is offered in one turn.

use std::sync::Arc;

use super::{State, turn::Turn};
use crate::{model::Tool, prompt::estimate_tokens};

/// Tools that an agent may have, with what they take of the model's window. Listed once for a
/// turn.
pub(super) struct Offered {
    pub(super) tools: Vec<Arc<Tool>>,
    /// About how many tokens all of them have.
    pub(super) tokens: usize,
}

impl Offered {
    /// Whether a model may call a tool of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tools.iter().any(|tool| tool.name == name)
    }
}

impl Turn<'_> {
    /// The tools of this agent in this session, as far as their part of the model's window goes: a small
    /// model that is told of everything has no room left for the conversation.
    pub(super) fn offered(&self, state: &State) -> Offered {
        let mut tools = self.tools.specifications();
        let most = self.target.family().max_context_tokens as usize * PART / WHOLE;
        let mut tokens = 0;
        tools.retain(|tool| {
            let may_have =
                self.agent.may_have(&tool.name) && !state.denied_tools.contains(&tool.name);
            let size = size(tool);
            let is_offered = may_have && tokens + size <= most;
            tokens += if is_offered { size } else { 0 };
            is_offered
        });
        Offered { tools, tokens }
    }
}

/// About how many tokens a tool takes of the window.
fn size(tool: &Tool) -> usize {
    estimate_tokens(&tool.description) + estimate_tokens(tool.schema().get())
}

/// The part of the window that tools may take: the conversation has seven tenths with them, and keeps
/// more than half of those.
const PART: usize = 30;

/// The whole that [`PART`] is a part of.
const WHOLE: usize = 100;
