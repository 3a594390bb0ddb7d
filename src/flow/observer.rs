//! Who follows a turn.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{LogEntry, State, ToolFailure};

/// Stores a session and tells its clients.
pub trait Observer: Send + Sync {
    /// After every step: the state as the next turn may find it. The turn goes on once this is
    /// done.
    fn step<'a>(&'a self, state: &'a State) -> BoxFuture<'a, Result<(), Stop>>;

    /// A piece of the model's text has come; `entry` holds all of it so far, without a status. To
    /// be quick: it is called for each piece, and how often clients are told is the observer's.
    fn text(&self, entry: &LogEntry);

    /// The model has begun these calls of tools, whose arguments are still coming; none: it begins
    /// anew. Each entry has the call's identifier.
    fn calls(&self, _entries: &[LogEntry]) {}

    /// A call of this tool is done.
    fn called(&self, _tool: &str, _took: Duration, _failure: Option<&ToolFailure>) {}

    /// A model was asked to summarize this agent's conversation, and did or did not.
    fn compacted(&self, _agent: &str, _took: Duration, _is_done: bool) {}

    /// Before each call of a model.
    fn before_model_call(&self) -> BoxFuture<'_, Result<(), Stop>>;
}

/// Ends the turn where it is; why is known to the observer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop;
