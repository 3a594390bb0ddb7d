//! From a prompt that is filled in to a call of a model.

use crate::{
    model::{Message, ModelRequest},
    prompt::{Role, Sampling, Turn},
};

/// What a prompt says, in the words of the model room.
pub(super) fn model_request(turns: Vec<Turn>, sampling: &Sampling) -> ModelRequest {
    let messages = turns.into_iter().map(|turn| match turn.role {
        Role::System => Message::System(turn.text),
        Role::User => Message::User(turn.text),
        Role::Assistant => Message::assistant(turn.text),
    });
    ModelRequest {
        messages: messages.collect(),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        max_tokens: sampling.max_tokens,
        stop: sampling.stop.clone(),
        ..ModelRequest::default()
    }
}
