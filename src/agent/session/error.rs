//! Why a turn failed, and what its stream ends with.

use tonic::{Code, Status};

use super::{StatusEvent, cleaning::clean};
use crate::{agent::executor::ExecutorError, flow::FlowError, model::TargetError};

/// A turn that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::agent) enum SessionError {
    /// GitLab refuses to say anything about it.
    #[error("Invalid workflow ID: {0}")]
    UnknownWorkflow(String),
    /// GitLab answers with nothing.
    #[error("Invalid workflow ID: No workflow found for workflow ID: {0}")]
    NoWorkflow(String),
    /// Neither the project nor the group has an address.
    #[error("GitLab tells no web address of the project or group of this session")]
    NoHost,
    /// Archived or stalled, the word in front.
    #[error("{0} workflow can not be executed. Please create a new workflow.")]
    Unsupported(&'static str),
    /// New, and yet something was stored.
    #[error("the session is new at GitLab and yet it has a checkpoint")]
    AlreadyBegun,
    /// The client asks for what cannot be.
    #[error("{0}")]
    Invalid(String),
    /// The user may not change the session.
    #[error("Sessions status cannot be updated due to 403 response")]
    Forbidden(StatusEvent),
    /// The session is not in a state from which that leads on.
    #[error("Session status cannot be updated due to bad status event")]
    BadEvent(StatusEvent),
    /// GitLab could not.
    #[error("GitLab answered {1} to the session's status event {word}", word = .0.as_str())]
    StatusFailed(StatusEvent, i32),
    /// What GitLab stored of the session cannot be read.
    #[error("the session's checkpoint cannot be read: {0}")]
    Checkpoint(&'static str),
    /// The client failed us.
    #[error(transparent)]
    Executor(#[from] ExecutorError),
    /// The model that is asked for cannot be.
    #[error("{0}")]
    Target(String),
    /// The turn itself failed.
    #[error("{text}")]
    Flow {
        /// Which way.
        kind: &'static str,
        /// For operators.
        text: String,
        /// For the user.
        user_text: &'static str,
    },
}

impl SessionError {
    /// The status that the stream ends with (agent-platform 3.11).
    pub(super) fn status(&self) -> Status {
        match self {
            Self::UnknownWorkflow(_) | Self::NoWorkflow(_) | Self::Invalid(_) => {
                Status::new(Code::InvalidArgument, clean(&self.to_string()))
            }
            Self::Forbidden(StatusEvent::Start) => Status::new(
                Code::PermissionDenied,
                "workflow execution didn't start due to forbidden response",
            ),
            Self::Executor(ExecutorError::TooLarge) => {
                Status::new(Code::ResourceExhausted, self.to_string())
            }
            _ => {
                let (kind, text) = (self.kind(), clean(&self.to_string()));
                Status::new(
                    Code::Internal,
                    format!("workflow execution failure: {kind}: {text}"),
                )
            }
        }
    }

    /// A word for logs and metrics.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::UnknownWorkflow(_) | Self::NoWorkflow(_) => "InvalidWorkflowId",
            Self::NoHost => "MissingWebUrl",
            Self::Unsupported(_) => "UnsupportedStatusEvent",
            Self::AlreadyBegun => "UnexpectedCheckpoint",
            Self::Invalid(_) => "InvalidRequest",
            Self::Forbidden(_) => "ForbiddenStatusEvent",
            Self::BadEvent(_) => "BadStatusEvent",
            Self::StatusFailed(..) => "StatusEventFailed",
            Self::Checkpoint(_) => "CheckpointUnreadable",
            Self::Executor(error) => error.kind(),
            Self::Target(_) => "ModelError",
            Self::Flow { kind, .. } => kind,
        }
    }

    /// Whether the turn did not begin since the session, or GitLab, does not let it.
    pub(super) fn is_rejection(&self) -> bool {
        match self {
            Self::UnknownWorkflow(_)
            | Self::NoWorkflow(_)
            | Self::Unsupported(_)
            | Self::AlreadyBegun => true,
            Self::Forbidden(event) | Self::BadEvent(event) => event.begins(),
            _ => false,
        }
    }

    /// Whether GitLab is told that the session failed (agent-platform 3.14): not where it just
    /// refused a change, nor where the request alone is at fault.
    pub(super) fn drops(&self) -> bool {
        !matches!(
            self,
            Self::UnknownWorkflow(_)
                | Self::NoWorkflow(_)
                | Self::Invalid(_)
                | Self::Forbidden(_)
                | Self::BadEvent(_)
        )
    }

    /// What the user reads in place of the turn (agent-platform 3.13).
    pub(super) fn user_text(&self) -> String {
        match self {
            Self::Unsupported(_) | Self::Invalid(_) => self.to_string(),
            Self::Flow { user_text, .. } => (*user_text).to_owned(),
            _ => GENERIC.to_owned(),
        }
    }
}

impl From<FlowError> for SessionError {
    fn from(error: FlowError) -> Self {
        Self::Flow {
            kind: error.kind(),
            user_text: error.user_text(),
            text: error.to_string(),
        }
    }
}

impl From<TargetError> for SessionError {
    fn from(error: TargetError) -> Self {
        Self::Target(error.to_string())
    }
}

const GENERIC: &str = "There was an error processing your request in the Duo Agent Platform, \
                       please contact support if the issue persists.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_ends_the_stream_as_clients_expect() {
        for (error, code, text, drops) in [
            (
                SessionError::UnknownWorkflow("7".to_owned()),
                Code::InvalidArgument,
                "Invalid workflow ID: 7",
                false,
            ),
            (
                SessionError::Forbidden(StatusEvent::Start),
                Code::PermissionDenied,
                "workflow execution didn't start due to forbidden response",
                false,
            ),
            (
                SessionError::Forbidden(StatusEvent::Finish),
                Code::Internal,
                "workflow execution failure: ForbiddenStatusEvent: Sessions status cannot be \
                 updated due to 403 response",
                false,
            ),
            (
                SessionError::Unsupported("Stalled"),
                Code::Internal,
                "workflow execution failure: UnsupportedStatusEvent: Stalled workflow can not be \
                 executed. Please create a new workflow.",
                true,
            ),
            (
                ExecutorError::TooLarge.into(),
                Code::ResourceExhausted,
                "Outgoing message too large.",
                true,
            ),
            (
                ExecutorError::GraphQl("[secret]".to_owned()).into(),
                Code::Internal,
                "workflow execution failure: GraphQLError: GraphQL errors",
                true,
            ),
        ] {
            let status = error.status();
            assert_eq!((status.code(), status.message()), (code, text));
            assert_eq!(error.drops(), drops, "{text}");
        }
    }
}
