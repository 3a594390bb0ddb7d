//! What an agent may have done: the seam to whoever does it.

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;

use super::{Call, EntryStatus};
use crate::model::Tool;

/// The tools of a session.
pub trait Tools: Send + Sync {
    /// What the model is offered, in an order that does not change within a session: model servers
    /// keep what they computed for a common beginning.
    fn specifications(&self) -> Vec<Arc<Tool>>;

    /// Whether the user has to agree. Not asked for tools that the request pre-approves.
    fn needs_approval<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, bool>;

    /// Whether a call changes nothing, so that others like it may run beside it.
    fn only_reads(&self, call: &Call) -> bool;

    /// Patterns of calls like this one that the user may agree to all at once; none for most tools.
    fn suggested_patterns(&self, _call: &Call) -> Vec<String> {
        Vec::new()
    }

    /// Carries out a call of one of [`Self::specifications`]. Fails in its outcome alone, and ends
    /// with the future.
    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, ToolOutcome>;
}

/// What came of a call.
#[derive(Clone, PartialEq)]
pub struct ToolOutcome {
    /// For the model.
    pub text: String,
    /// For people, a sentence of Markdown: `Read the project`.
    pub display: String,
    /// Why it failed.
    pub failure: Option<ToolFailure>,
    /// What a command printed, also before it failed, for people; none of other tools.
    pub command_output: Option<String>,
}

/// A tool that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolFailure {
    /// For people, in general words: what was said in detail is the model's alone
    /// (agent-platform 13).
    pub reason: String,
    /// A word for metrics, of few.
    pub kind: &'static str,
    /// Failure, timed out or cancelled.
    pub status: EntryStatus,
}

impl fmt::Debug for ToolOutcome {
    /// Without texts, which are the user's.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ToolOutcome")
            .field("bytes", &self.text.len())
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}
