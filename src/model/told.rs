//! What a server has said so far.

use std::collections::VecDeque;

use super::{Event, FinishReason, refusal::DecodeError};

/// Filled by a decoder, emptied by whoever waits for the answer.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Events that nobody took yet.
    pub(super) events: VecDeque<Event>,
    /// What the server calls the model; until it says so, what it was asked for.
    pub(super) model: String,
    /// The model said why it stopped.
    pub(super) is_finished: bool,
    /// The server said that this is all.
    pub(super) is_done: bool,
}

impl Told {
    /// Nothing yet, of a model by the name that it is asked by.
    pub(super) fn of(model: String) -> Self {
        Self {
            model,
            ..Self::default()
        }
    }

    /// What the server calls the model; says so with every piece, so mostly nothing changes.
    pub(super) fn name_model(&mut self, name: &str) {
        if !name.is_empty() && name != self.model {
            name.clone_into(&mut self.model);
        }
    }

    /// Text for the user, where there is any.
    pub(super) fn say(&mut self, text: String) {
        if !text.is_empty() {
            self.events.push_back(Event::Text(text));
        }
    }

    /// What the model thinks, where it tells.
    pub(super) fn think(&mut self, text: String) {
        if !text.is_empty() {
            self.events.push_back(Event::Reasoning(text));
        }
    }

    /// A piece of a call's arguments, where there is any.
    pub(super) fn add_arguments(&mut self, index: usize, text: String) {
        if !text.is_empty() {
            self.events.push_back(Event::Arguments { index, text });
        }
    }

    /// Refuses one call more than anybody could carry out.
    pub(super) fn bound_calls(known: usize) -> Result<(), DecodeError> {
        if known < MOST_CALLS {
            return Ok(());
        }
        let reason = format!("more than {MOST_CALLS} calls of tools");
        Err(DecodeError::TooLarge(reason))
    }

    /// The model stopped.
    pub(super) fn finish(&mut self, reason: FinishReason) {
        self.is_finished = true;
        self.events.push_back(Event::Finish(reason));
    }
}

/// No model wants as many at once; each costs a search.
pub(super) const MOST_CALLS: usize = 256;
