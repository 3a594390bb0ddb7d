//! Why an action brought nothing.

use std::fmt;

/// A failure of the client, or of what it did for us.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecutorError {
    /// The client could not ask GitLab.
    #[error("HTTP action error: {0}")]
    Http(String),
    /// The client could not do it.
    #[error("Action error: {said}")]
    Action {
        /// Why.
        said: String,
        /// What a command printed before it failed.
        response: String,
    },
    /// An answer of another kind than the action's, or of none.
    #[error("Executor doesn't return expected response fields")]
    NoFields,
    /// GitLab, or the client, took too long.
    #[error("GraphQL request timed out after 10.0 seconds")]
    TimedOut,
    /// Something between the client and GitLab answered in its place.
    #[error(
        "GitLab's answer to GraphQL is not JSON (status {0}); a proxy in front of it may have answered"
    )]
    NotJson(i32),
    /// GitLab understood, and refused.
    #[error("GraphQL errors: {0}")]
    GraphQl(String),
    /// More than clients take.
    #[error("Outgoing message too large.")]
    TooLarge,
    /// Nobody is left who could answer.
    #[error("Client-side streaming has been closed.")]
    Gone,
}

impl ExecutorError {
    /// A word for logs and clients; what was said may be anything.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TooLarge => "MessageTooLarge",
            Self::Gone => "ClientGone",
            Self::GraphQl(_) => "GraphQLError",
            Self::TimedOut => "TimeoutError",
            _ => "ExecutorError",
        }
    }

    /// Whether another attempt may go better (agent-platform 4.1).
    pub(super) fn is_passing(&self) -> bool {
        let text = match self {
            Self::Http(said) | Self::Action { said, .. } => said.to_lowercase(),
            Self::TimedOut => return true,
            _ => return false,
        };
        PASSING.iter().any(|words| text.contains(words))
    }
}

impl fmt::Debug for ExecutorError {
    /// Without what was said and printed, which is somebody's.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.kind())
    }
}

/// What clients say of faults that pass.
const PASSING: [&str; 11] = [
    "timed out",
    "connection refused",
    "connection reset",
    "connection aborted",
    "broken pipe",
    "network unreachable",
    "name or service not known",
    "temporary failure in name resolution",
    "failed to establish",
    "remote end closed connection",
    "cannot connect to host",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_faults_that_pass_are_tried_again() {
        let passes = |text: &str| ExecutorError::Http(text.to_owned()).is_passing();
        assert!(passes("dial tcp: Connection refused"));
        assert!(!passes("certificate has expired"));
        assert!(ExecutorError::TimedOut.is_passing());
        assert!(!ExecutorError::GraphQl("timed out".to_owned()).is_passing());
    }
}
