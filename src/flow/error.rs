//! Why a turn ended before its time.

use crate::{
    model::ModelError,
    prompt::{FindError, RenderError},
};

/// A turn that failed. The state is that of its last step, and the next turn goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The observer ended it, and knows why.
    #[error("the turn was stopped")]
    Stopped,
    /// The agent went on and on.
    #[error("the turn took more than {0} steps")]
    TooManySteps(usize),
    /// The model did not answer.
    #[error("{0}")]
    Model(#[from] ModelError),
    /// There is no prompt for this agent.
    #[error("{0}")]
    Find(#[from] FindError),
    /// The prompt cannot be written with what is known of the session.
    #[error("{0}")]
    Render(#[from] RenderError),
}

impl FlowError {
    /// What the user reads (agent-platform 3.13). The reference has the generic text for every
    /// failure of a self-hosted model; ours tells apart what the user can do something about.
    pub fn user_text(&self) -> &'static str {
        match self {
            Self::TooManySteps(_) => TOO_MANY_STEPS,
            Self::Model(error) if error.is_prompt_too_long() => TOO_LONG,
            Self::Model(error) if error.is_trouble() => NO_CONNECTION,
            Self::Stopped | Self::Model(_) | Self::Find(_) | Self::Render(_) => GENERIC,
        }
    }

    /// The kind, for a stream's last status (agent-platform 3.11).
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Stopped => "Stopped",
            Self::TooManySteps(_) => "TooManySteps",
            Self::Model(_) => "ModelError",
            Self::Find(_) | Self::Render(_) => "PromptError",
        }
    }
}

impl From<super::Stop> for FlowError {
    fn from(_: super::Stop) -> Self {
        Self::Stopped
    }
}

const GENERIC: &str = "There was an error processing your request in the Duo Agent Platform, please \
    contact support if the issue persists.";

const NO_CONNECTION: &str = "There was an error connecting to the chosen LLM provider, please \
    contact support if the issue persists.";

const TOO_MANY_STEPS: &str = "The workflow reached its maximum step limit and could not complete. \
    Please try again with a more focused goal, or break the task into smaller steps.";

const TOO_LONG: &str = "The request is longer than the model can read. Please start a new chat, or \
    send less context.";
