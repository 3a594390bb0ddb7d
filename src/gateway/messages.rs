//! Conversations that clients write themselves, as lists of `{role, content}`.

use super::{fields::Fields, json::Json, refusal::Refusal};
use crate::model::Message;

/// Reads a list of the body; it has to hold at least one message.
pub(super) fn messages(list: &str, items: &[Json<'_>]) -> Result<Vec<Message>, Refusal> {
    if items.is_empty() {
        let problem = "is missing; send a list of messages with role and content";
        return Err(Refusal::field(list, problem));
    }
    let items = items.iter().enumerate();
    let read = |(position, item)| {
        let fields = Fields::of_item(list, position, item)?;
        let Some(role) = fields.word("role", ROLES)? else {
            return Err(fields.refuse("role", "is missing; send system, user or assistant"));
        };
        let text = fields.required_text("content", CONTENT)?.to_owned();
        Ok(match role {
            "system" => Message::System(text),
            "assistant" => Message::assistant(text),
            _ => Message::User(text),
        })
    };
    items.map(read).collect()
}

const ROLES: &[&str] = &["system", "user", "assistant"];

/// Characters of one message (http-api 2.7).
const CONTENT: usize = 400_000;
