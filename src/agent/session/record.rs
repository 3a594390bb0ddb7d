//! What is stored and told of a turn while it runs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use super::{
    SessionError, SessionMeasures, StoredCheckpoint,
    checkpoint::NewCheckpoint,
    checkpoints::{Checkpoints, StoreFailure},
    notifier::Notifier,
    reporter::Reporter,
    status::event_of,
};
use crate::{
    agent::{
        executor::{ExecutorError, Outbox, plain_text},
        proto::{TokenBreakdown, TrackLlmCallForSelfHosted, action},
    },
    flow::{LogEntry, Observer, State, Status, Stop, ToolFailure},
    foundation::{Clock, OrderedUuids, Randomness, timestamp},
};

/// Follows a turn: GitLab hears of each new status, then stores the state (agent-platform 4.2);
/// the client is shown it.
pub(super) struct Record {
    pub(super) outbox: Arc<Outbox>,
    pub(super) notifier: Arc<Notifier>,
    pub(super) checkpoints: Arc<Checkpoints>,
    pub(super) reporter: Arc<Reporter>,
    pub(super) measures: Arc<SessionMeasures>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) randomness: Arc<dyn Randomness>,
    /// Sent before each call of a model; none where calls are not counted.
    pub(super) billing: Option<TrackLlmCallForSelfHosted>,
    /// The model that the request names, for GitLab.
    pub(super) model: Option<Value>,
    /// The model's window in tokens.
    pub(super) window: i32,
    pub(super) place: Mutex<Place>,
    /// Why the turn was ended, where that was our doing.
    pub(super) failure: Mutex<Option<SessionError>>,
}

/// How far the row of checkpoints is.
#[derive(Default)]
pub(super) struct Place {
    pub(super) uuids: OrderedUuids,
    /// The newest.
    pub(super) parent: Option<String>,
    /// The next one's.
    pub(super) step: i64,
    /// The status that GitLab knows of.
    pub(super) status: Option<Status>,
}

impl Place {
    /// Before the first checkpoint of a session.
    pub(super) fn first() -> Self {
        Self {
            step: FIRST_STEP,
            ..Self::default()
        }
    }

    /// Behind a stored one, and later than the newest.
    pub(super) fn after(stored: &StoredCheckpoint, newest: Option<&str>) -> Self {
        // as text they sort by their time
        let newest = newest.unwrap_or_default().max(&stored.id);
        Self {
            uuids: OrderedUuids::later_than(newest),
            parent: Some(stored.id.clone()),
            step: stored.step.saturating_add(1),
            status: None,
        }
    }
}

impl Record {
    /// Why the turn was ended here, if it was.
    pub(super) fn take_failure(&self) -> Option<SessionError> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }

    /// Before the turn's first step: the state with what the user said.
    pub(super) async fn input(&self, state: &State) -> Result<(), SessionError> {
        let body = self.next_checkpoint(state, "input")?;
        self.checkpoints.push(body).await?;
        self.notifier.snapshot(state, usage(state, self.window));
        Ok(())
    }

    async fn store(&self, state: &State) -> Result<(), SessionError> {
        let is_new = {
            let mut place = self.place();
            place.status.replace(state.status) != Some(state.status)
        };
        // the end of a session is told after its last checkpoint: whoever waits for it reads that
        let event = event_of(state.status).filter(|_| state.status != Status::Completed);
        if let Some(event) = event.filter(|_| is_new) {
            // in GitLab's eyes one thing follows the other
            if let Some(StoreFailure::Executor(error @ ExecutorError::TooLarge)) =
                self.checkpoints.settled().await
            {
                return Err(error.into());
            }
            self.reporter.send(event).await?;
        }
        let body = self.next_checkpoint(state, "loop")?;
        self.checkpoints.push(body).await?;
        self.notifier.snapshot(state, usage(state, self.window));
        Ok(())
    }

    /// The body of the next checkpoint. A session's first one is the input of its graph.
    fn next_checkpoint(&self, state: &State, source: &'static str) -> Result<String, SessionError> {
        let now = self.clock.now();
        let mut place = self.place();
        let id = place.uuids.next(now, self.randomness.as_ref());
        let mut values = state.to_channels();
        if place.step == FIRST_STEP {
            values = Map::from_iter([("__start__".to_owned(), Value::Object(values))]);
        }
        let body = NewCheckpoint {
            id: &id,
            parent: place.parent.as_deref(),
            time: &timestamp(now),
            step: place.step,
            source,
            values: &values,
            model: self.model.as_ref(),
        }
        .body()?;
        tracing::debug!(
            thread_ts = id,
            parent_ts = place.parent,
            checkpoint_strategy = "full",
            step = place.step,
            payload_size = body.len(),
            "a checkpoint was made"
        );
        place.parent = Some(id);
        place.step = place.step.saturating_add(1);
        Ok(body)
    }

    fn stop(&self, error: SessionError) -> Stop {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        Stop
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        // nothing panics while it is held
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Record {
    fn step<'a>(&'a self, state: &'a State) -> BoxFuture<'a, Result<(), Stop>> {
        Box::pin(async move { self.store(state).await.map_err(|error| self.stop(error)) })
    }

    fn text(&self, entry: &LogEntry) {
        self.measures.answered();
        self.notifier.text(entry);
    }

    fn calls(&self, entries: &[LogEntry]) {
        if !entries.is_empty() {
            self.measures.answered();
        }
        self.notifier.calls(entries);
    }

    fn called(&self, tool: &str, lasted: Duration, failure: Option<&ToolFailure>) {
        let failure = failure.map(|failure| failure.kind);
        self.measures.called(tool, lasted, failure);
    }

    fn compacted(&self, agent: &str, lasted: Duration, is_done: bool) {
        self.measures.compacted(agent, lasted, is_done);
    }

    fn before_model_call(&self) -> BoxFuture<'_, Result<(), Stop>> {
        Box::pin(async move {
            let Some(call) = &self.billing else {
                return Ok(());
            };
            let action = action::Action::TrackLlmCallForSelfHosted(call.clone());
            let answer = self.outbox.ask(action).await.and_then(plain_text);
            let told = answer.map(drop);
            told.map_err(|error| self.stop(error.into()))
        })
    }
}

/// About how much of the model's window each agent has filled (agent-platform 3.8).
fn usage(state: &State, window: i32) -> HashMap<String, TokenBreakdown> {
    let agents = state.conversation.agents();
    let usage = agents.map(|(agent, _)| {
        let tokens = state.conversation.tokens(agent);
        let usage = TokenBreakdown {
            total_tokens: i32::try_from(tokens).unwrap_or(i32::MAX),
            max_tokens: window,
        };
        (agent.to_owned(), usage)
    });
    usage.collect()
}

/// The input of a session's graph.
const FIRST_STEP: i64 = -1;
