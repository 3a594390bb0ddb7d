//! Why a tool brought nothing.

use super::result::SAID;
use crate::{
    agent::executor::{ExecutorError, HttpAnswer},
    flow::EntryStatus,
};

/// A failure of a tool. What it says in detail is the model's alone; people read a reason in general
/// words (agent-platform 13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolError {
    /// GitLab said no: a status and the beginning of what it said.
    Refused {
        /// The HTTP status.
        status: i32,
        /// At most 300 characters.
        said: String,
    },
    /// The client could not do it, or could not ask GitLab.
    Executor(ExecutorError),
    /// The call lacks something or has something that cannot be; names the argument.
    Argument(String),
    /// This server does not do it; says why and what would do.
    Denied(String),
}

impl ToolError {
    /// What the model reads (agent-platform 6.4).
    pub(super) fn text(&self, tool: &str) -> String {
        match self {
            Self::Refused { status, said } => {
                format!("Request failed ({tool}): HTTP {status}: {said}")
            }
            Self::Executor(_) | Self::Denied(_) => {
                format!("Tool {tool} raised ToolException: {}", self.detail())
            }
            Self::Argument(fault) => format!(
                "Tool {tool} execution failed due to wrong arguments. You must adhere to the tool \
                 args schema! {fault}"
            ),
        }
    }

    /// The failure itself, without the tool's name. What a command printed before it failed belongs
    /// to it.
    pub(super) fn detail(&self) -> String {
        match self {
            Self::Refused { status, said } => format!("HTTP {status}: {said}"),
            Self::Executor(error @ ExecutorError::Action { response, .. })
                if !response.is_empty() =>
            {
                format!("{error} {response}")
            }
            Self::Executor(error) => error.to_string(),
            Self::Denied(reason) | Self::Argument(reason) => reason.clone(),
        }
    }

    /// What a command printed that failed.
    pub(super) fn output(&self) -> Option<&str> {
        match self {
            Self::Executor(ExecutorError::Action { said, response }) => {
                let output = if response.is_empty() { said } else { response };
                Some(output.as_str())
            }
            _ => None,
        }
    }

    /// What people read.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Refused { status, .. } => format!("GitLab answered {status}"),
            Self::Executor(ExecutorError::Action { .. }) => "the client could not do it".to_owned(),
            Self::Executor(ExecutorError::TooLarge) => {
                "the agent wrote more than the client takes".to_owned()
            }
            Self::Executor(ExecutorError::NoFields) => {
                "the client's answer is of another kind".to_owned()
            }
            Self::Executor(_) => "GitLab could not be asked".to_owned(),
            Self::Argument(_) => "the agent gave wrong arguments".to_owned(),
            Self::Denied(_) => "this is not allowed".to_owned(),
        }
    }

    /// A word for metrics.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Executor(_) => "executor",
            Self::Argument(_) => "arguments",
            Self::Denied(_) => "denied",
        }
    }

    /// How the log shows it (agent-platform 4.9).
    pub(super) fn status(&self) -> EntryStatus {
        match self {
            Self::Executor(ExecutorError::Action { said, .. }) if said.contains(TIMED_OUT) => {
                EntryStatus::TimedOut
            }
            Self::Executor(ExecutorError::Action { said, .. }) if said.contains(INTERRUPTED) => {
                EntryStatus::Cancelled
            }
            _ => EntryStatus::Failure,
        }
    }
}

impl From<ExecutorError> for ToolError {
    fn from(error: ExecutorError) -> Self {
        Self::Executor(error)
    }
}

impl From<HttpAnswer> for ToolError {
    /// Of an answer that is no success.
    fn from(answer: HttpAnswer) -> Self {
        Self::Refused {
            status: answer.status,
            said: answer.body.chars().take(SAID).collect(),
        }
    }
}

const TIMED_OUT: &str = "command timed out";
const INTERRUPTED: &str = "command was interrupted by the user";
