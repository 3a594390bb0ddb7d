//! Conversations in which every call has its answer: model servers refuse others.

use std::collections::HashSet;

use super::{Message, ToolStatus};

/// Answers calls that have no answer (agent-platform 3.15). Those at the end, of which the user
/// or a fault decided, are told `last`; those that the user talked over are told so.
pub(super) fn heal(messages: &mut Vec<Message>, last: &str) {
    let mut at = 0;
    while at < messages.len() {
        at = answer(messages, at, last);
    }
}

/// The calls of the last message that have no answer.
pub(super) fn has_open_calls(messages: &[Message]) -> bool {
    matches!(messages.last(), Some(Message::Ai(said)) if said.call_ids().next().is_some())
}

/// Answers what the message at a place wants; the place behind the answers.
fn answer(messages: &mut Vec<Message>, at: usize, last: &str) -> usize {
    let Some(Message::Ai(said)) = messages.get(at) else {
        return at + 1;
    };
    let behind = messages.get(at + 1..).unwrap_or_default();
    let answers = behind.iter().map_while(|message| match message {
        Message::Tool(answer) => Some(answer.tool_call_id.as_str()),
        _ => None,
    });
    let answered: HashSet<&str> = answers.collect();
    let count = behind
        .iter()
        .take_while(|message| matches!(message, Message::Tool(_)))
        .count();
    let end = at + 1 + count;
    let text = if end == messages.len() {
        last
    } else {
        TALKED_OVER
    };
    let open = said.call_ids().filter(|(id, _)| !answered.contains(id));
    let missing: Vec<Message> = open
        .map(|(id, name)| Message::tool(id, name, text, ToolStatus::Error))
        .collect();
    let next = end + missing.len();
    messages.splice(end..end, missing);
    next
}

/// The turn ended in the middle of a call.
pub(super) const INTERRUPTED: &str = "Tool execution was interrupted. Retry this tool call, or stop \
    and report to the user if you detect you are in a retry loop.";

/// The user said no.
pub(super) const REJECTED: &str =
    "Tool is cancelled by user. Don't run the command and stop tool execution in progress.";

/// The user said something else instead of deciding.
pub(super) const TALKED_OVER: &str =
    "Tool is cancelled and a user will provide a follow up message.";

/// The user said no, and why.
pub(super) fn rejected_with(comment: &str) -> String {
    format!("Tool is cancelled temporarily as user has a comment. Comment: {comment}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{AiMessage, Call};

    fn calls(ids: &[&str]) -> Message {
        let calls = ids.iter().map(|id| Call {
            id: (*id).to_owned(),
            ..Call::default()
        });
        Message::Ai(AiMessage {
            tool_calls: calls.collect(),
            ..AiMessage::default()
        })
    }

    fn shape(messages: &[Message]) -> String {
        let words = messages.iter().map(|message| match message {
            Message::Human(_) => "human".to_owned(),
            Message::Ai(_) => "ai".to_owned(),
            Message::Tool(tool) => format!("{}={}", tool.tool_call_id, message.text()),
            Message::Other(_) => "other".to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_call_is_answered_where_its_answer_belongs() {
        let done = |id: &str| Message::tool(id, "", "done", ToolStatus::Success);
        let human = || Message::human("and?", &[]);
        let mut messages = vec![
            human(),
            calls(&["a", "b"]),
            done("b"),
            human(),
            calls(&[]),
            calls(&["c", "d"]),
            done("c"),
        ];
        heal(&mut messages, "late");
        let expected = format!("human ai b=done a={TALKED_OVER} human ai ai c=done d=late");
        assert_eq!(shape(&messages), expected);
        let healed = messages.clone();
        heal(&mut messages, "late");
        assert_eq!(messages, healed);
    }
}
