//! What a turn begins with.

use std::fmt;

use super::{ContextItem, Namespace, Project};

/// One event of the user's.
#[derive(Clone, Default, PartialEq)]
pub struct TurnInput {
    /// The user's words; empty where a client only connects again.
    pub goal: String,
    /// What the user attached.
    pub context: Vec<ContextItem>,
    /// What the user decided about calls that wait; always none at the start of a session.
    pub decision: Option<Decision>,
    /// Tools that need no approval, as this request says.
    pub preapproved_tools: Vec<String>,
    /// Tools that are not offered, as this request says.
    pub denied_tools: Vec<String>,
    /// The session's project as it is now.
    pub project: Option<Project>,
    /// The session's group as it is now.
    pub namespace: Option<Namespace>,
}

/// What a user decides about calls that wait.
#[derive(Clone, PartialEq, Eq)]
pub enum Decision {
    /// All of them run.
    Approve,
    /// None runs; with the user's words, if there are any.
    Reject(Option<String>),
}

// Without words, which are the user's.

impl fmt::Debug for TurnInput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TurnInput")
            .field("bytes", &self.goal.len())
            .field("context", &self.context)
            .field("decision", &self.decision)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Approve => "Approve",
            Self::Reject(_) => "Reject",
        })
    }
}
