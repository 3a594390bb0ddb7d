//! How much of its window an agent has filled (agent-platform 3.8: `agent_context_usage`).

use super::{Conversation, Message};
use crate::prompt::{AROUND_MESSAGE, estimate_tokens};

impl Conversation {
    /// About how many tokens an agent has to read: what the model server counted last, and an
    /// estimate of what came since.
    pub fn tokens(&self, agent: &str) -> usize {
        self.tokens_with(agent, 0)
    }

    /// The same with what the agent reads beside it, of about `frame` tokens, where the server has
    /// not counted that too.
    pub(super) fn tokens_with(&self, agent: &str, frame: usize) -> usize {
        let messages = self.of(agent);
        let mut since = 0;
        for message in messages.iter().rev() {
            if let Some(counted) = counted(message) {
                return counted + since;
            }
            since += estimate(message) + AROUND_MESSAGE;
        }
        since + frame
    }
}

/// Of everything up to a message, as the server counted.
fn counted(message: &Message) -> Option<usize> {
    let Message::Ai(message) = message else {
        return None;
    };
    let usage = message.usage_metadata.as_ref()?;
    let total = usage
        .total_tokens
        .max(usage.input_tokens + usage.output_tokens);
    usize::try_from(total).ok().filter(|total| *total > 0)
}

fn estimate(message: &Message) -> usize {
    let extra = match message {
        Message::Ai(message) => {
            let calls = message.tool_calls.iter();
            let arguments = calls.flat_map(|call| call.arguments.values());
            arguments
                .map(|value| estimate_tokens(&value.to_string()))
                .sum()
        }
        Message::Human(message) => {
            let items = message.context();
            let texts = items.iter().filter_map(|item| item.content.as_deref());
            texts.map(estimate_tokens).sum()
        }
        _ => 0,
    };
    estimate_tokens(&message.text()) + extra
}
