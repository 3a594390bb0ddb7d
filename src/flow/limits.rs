//! What bounds a turn.

use std::time::Duration;

use crate::model::Budget;

/// The bounds of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnLimits {
    /// Steps of agent and tools together.
    pub steps: usize,
    /// Until a model says its first word, all attempts of one call together
    /// (`AIGW_DUO_CHAT__MODEL_REQUEST_TIMEOUT`).
    pub first_byte: Duration,
    /// Between two words.
    pub idle: Duration,
    /// Before a failed call is made again; each pause is twice as long as the one before.
    pub first_pause: Duration,
    /// The longest answer in tokens; none: the prompt's, within the model's window
    /// (`AIGW_DUO_CHAT__MAX_TOKENS`).
    pub max_tokens: Option<u32>,
}

impl TurnLimits {
    pub(super) fn budget(&self) -> Budget {
        Budget {
            first_byte: self.first_byte,
            // where the operator has switched streams off
            total: Some(self.first_byte + WHOLE_ANSWER),
            idle: self.idle,
        }
    }
}

/// For all words of an answer that comes whole; some pages at ten words a second.
const WHOLE_ANSWER: Duration = Duration::from_secs(300);

impl Default for TurnLimits {
    fn default() -> Self {
        Self {
            // the reference's (agent-platform 3.13): an agent that needs more is lost
            steps: 600,
            // the reference's (agent-platform 8.2)
            first_byte: Duration::from_secs(30),
            // a model that thinks between two words is not dead yet
            idle: Duration::from_secs(60),
            // long enough for a worker to come back, too short to be noticed
            first_pause: Duration::from_secs(1),
            max_tokens: None,
        }
    }
}
