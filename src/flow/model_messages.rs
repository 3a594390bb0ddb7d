//! A conversation as a model is told of it.

use super::{
    AiMessage, Call, FlowError, InvalidCall, Message, ToolStatus, agent_prompt::AgentPrompt,
};
use crate::{
    model::{Message as ModelMessage, ToolCall, ToolResult},
    prompt::{AROUND_MESSAGE, estimate_tokens, keep_end, keep_start},
};

/// The frame and what was said since, within a number of tokens: what is too long for it loses
/// its oldest part (agent-platform 8.6). Several messages of the user's in a row become one, since
/// the templates of many models want the sides to take turns.
pub(super) fn model_messages<'m>(
    prompt: &AgentPrompt<'_>,
    messages: impl Iterator<Item = &'m Message>,
    tokens: usize,
) -> Result<Vec<ModelMessage>, FlowError> {
    let room = tokens.saturating_sub(estimate_tokens(&prompt.system));
    let mut told: Vec<ModelMessage> = Vec::new();
    for message in messages {
        match (model_message(prompt, message)?, told.last_mut()) {
            (None, _) => {}
            (Some(ModelMessage::User(more)), Some(ModelMessage::User(text))) => {
                text.push_str("\n\n");
                text.push_str(&more);
            }
            (Some(message), _) => told.push(message),
        }
    }
    for message in &mut told {
        cut(message, room * LONGEST / WHOLE);
    }
    let from = first_within(&told, room);
    told.drain(..from);
    shorten(&mut told, room);
    told.insert(0, ModelMessage::System(prompt.system.clone()));
    Ok(told)
}

fn model_message(
    prompt: &AgentPrompt<'_>,
    message: &Message,
) -> Result<Option<ModelMessage>, FlowError> {
    Ok(match message {
        Message::Human(message) => Some(ModelMessage::User(prompt.user(message)?)),
        Message::Ai(message) => assistant(message),
        Message::Tool(message) => Some(ModelMessage::Tool(ToolResult {
            id: message.tool_call_id.clone(),
            text: message.content.text().into_owned(),
            is_error: message.status == ToolStatus::Error,
        })),
        Message::Other(_) => None,
    })
}

/// An answer without words and calls says nothing, and servers refuse it.
fn assistant(message: &AiMessage) -> Option<ModelMessage> {
    let calls = message.tool_calls.iter().map(to_model);
    let invalid = message.invalid_tool_calls.iter().map(invalid_to_model);
    let tool_calls: Vec<ToolCall> = calls.chain(invalid).collect();
    let text = message.content.text().into_owned();
    let is_empty = text.is_empty() && tool_calls.is_empty();
    (!is_empty).then_some(ModelMessage::Assistant { text, tool_calls })
}

fn to_model(call: &Call) -> ToolCall {
    ToolCall {
        id: call.id.clone(),
        name: call.name.clone(),
        arguments: serde_json::to_string(&call.arguments).unwrap_or_default(),
    }
}

/// Without its arguments: some servers fail where they are no JSON.
fn invalid_to_model(call: &InvalidCall) -> ToolCall {
    ToolCall {
        id: call.id.clone(),
        name: call.name.clone(),
        arguments: "{}".to_owned(),
    }
}

/// Where a conversation begins that fits: at something the user says, and at the last of it if
/// nothing less fits.
fn first_within(messages: &[ModelMessage], tokens: usize) -> usize {
    let mut taken = 0;
    let mut from = None;
    for (at, message) in messages.iter().enumerate().rev() {
        taken += size(message);
        if taken > tokens && from.is_some() {
            break;
        }
        if matches!(message, ModelMessage::User(_)) {
            from = Some(at);
        }
    }
    from.unwrap_or_default()
}

/// A turn of many tool calls may outgrow the window by itself: what tools brought first is cut first,
/// since the model has long made use of it.
fn shorten(told: &mut [ModelMessage], tokens: usize) {
    let mut taken: usize = told.iter().map(size).sum();
    for message in told {
        if taken <= tokens {
            return;
        }
        if matches!(message, ModelMessage::Tool(_)) {
            taken -= size(message);
            cut(message, SHORT);
            taken += size(message);
        }
    }
}

/// About how many tokens a message has.
fn size(message: &ModelMessage) -> usize {
    let calls = match message {
        ModelMessage::Assistant { tool_calls, .. } => tool_calls.as_slice(),
        _ => &[],
    };
    let calls = calls.iter().map(|call| estimate_tokens(&call.arguments));
    estimate_tokens(message.text()) + calls.sum::<usize>() + AROUND_MESSAGE
}

/// Takes the middle out of a text that alone would fill the window.
fn cut(message: &mut ModelMessage, tokens: usize) {
    let text = match message {
        ModelMessage::User(text)
        | ModelMessage::System(text)
        | ModelMessage::Assistant { text, .. } => text,
        ModelMessage::Tool(result) => &mut result.text,
    };
    if estimate_tokens(text) > tokens {
        let half = tokens.saturating_sub(AROUND_MESSAGE) / 2;
        *text = format!("{}{CUT}{}", keep_start(text, half), keep_end(text, half));
    }
}

/// The part of the room that one message may take (agent-platform 8.6).
const LONGEST: usize = 65;

/// Tokens that are left of a tool's result where a turn outgrows the window.
const SHORT: usize = 200;

/// The whole that [`LONGEST`] is a part of.
const WHOLE: usize = 100;

/// What the model reads in the place of what was taken out.
const CUT: &str = "\n\n[… the middle was left out: too long …]\n\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn result(letter: &str, tokens: usize) -> ModelMessage {
        ModelMessage::Tool(ToolResult {
            id: "c".to_owned(),
            text: letter.repeat(tokens * 4),
            is_error: false,
        })
    }

    #[test]
    fn a_turn_that_outgrows_the_window_loses_what_tools_brought_first() {
        let mut told = vec![
            ModelMessage::User("Look at everything.".to_owned()),
            result("a", 2000),
            result("b", 2000),
            result("c", 2000),
        ];
        shorten(&mut told, 6000);
        let sizes: Vec<_> = told.iter().map(size).collect();
        assert!(sizes[1] < 2 * SHORT, "{sizes:?}");
        assert!(sizes[2] > 2000 && sizes[3] > 2000, "{sizes:?}");
        assert!(told[1].text().contains(CUT));
        shorten(&mut told, 0);
        let all: usize = told.iter().map(size).sum();
        assert!(all < 1000, "{all}");
    }
}
