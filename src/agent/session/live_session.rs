//! One session from its first event to its last status.

use std::{sync::Arc, time::Duration};

use futures_util::Stream;
use tokio::{sync::mpsc, time::timeout};
use tonic::{Code, Status};

use super::{
    SessionError, SessionMeasures, SessionStart, StatusEvent,
    checkpoints::Checkpoints,
    notifier::Notifier,
    pump::{Interruption, Pump},
    reporter::Reporter,
    sessions::SessionServices,
    status::{FAILED, STOPPED},
};
use crate::{
    agent::{
        executor::{ExecutorError, GitLab, Outbox},
        proto::{Action, ClientEvent},
    },
    flow::LogEntry,
};

/// What belongs to one stream.
pub(super) struct LiveSession<'s> {
    pub(super) services: &'s SessionServices,
    pub(super) start: SessionStart,
    pub(super) outbox: Arc<Outbox>,
    pub(super) gitlab: GitLab,
    pub(super) notifier: Arc<Notifier>,
    pub(super) checkpoints: Arc<Checkpoints>,
    pub(super) reporter: Arc<Reporter>,
    pub(super) measures: Arc<SessionMeasures>,
    /// Its path in GitLab's API.
    pub(super) path: String,
}

impl<'s> LiveSession<'s> {
    /// A session whose first event passed.
    pub(super) fn new(
        services: &'s SessionServices,
        start: SessionStart,
        measures: Arc<SessionMeasures>,
        actions: mpsc::Sender<Result<Action, Status>>,
    ) -> Result<Self, SessionError> {
        let id = &start.request.workflow_id;
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            // it becomes a part of paths that are asked in the user's name
            return Err(SessionError::UnknownWorkflow(
                "it has to be a number".to_owned(),
            ));
        }
        let path = format!("/api/v4/ai/duo_workflows/workflows/{id}");
        let randomness = Arc::clone(&services.randomness);
        let outbox = Outbox::new(actions, services.outstanding_actions, randomness);
        let outbox = Arc::new(outbox.measured(measures.executor.clone()));
        let gitlab = GitLab::new(Arc::clone(&outbox));
        let goal = start.request.goal.clone();
        let notifier = Notifier::new(Arc::clone(&outbox), goal, &start.metadata.capabilities);
        Ok(Self {
            services,
            notifier: Arc::new(notifier),
            checkpoints: Arc::new(Checkpoints::new(gitlab.clone(), &path, measures.clone())),
            reporter: Arc::new(Reporter::new(gitlab.clone(), &path)),
            start,
            outbox,
            gitlab,
            measures,
            path,
        })
    }

    /// Runs the turn and ends the session; gives what the stream ends with.
    pub(super) async fn run<S>(&self, events: S) -> Status
    where
        S: Stream<Item = Result<ClientEvent, Status>> + Send + Unpin,
    {
        let mut pump = Pump::new(
            events,
            &self.outbox,
            &self.notifier,
            &self.checkpoints,
            &self.services.shutdown,
            self.services.grace,
        );
        let turn = Box::pin(self.turn());
        match pump.drive(turn).await {
            Ok(Ok(())) => self.succeed(),
            Ok(Err(error)) => self.fail(&mut pump, &error).await,
            Err(interruption) => self.interrupt(&mut pump, interruption).await,
        }
    }

    /// The turn was not let to its end (agent-platform 3.10, 3.11).
    async fn interrupt<S>(&self, pump: &mut Pump<'_, S>, interruption: Interruption) -> Status
    where
        S: Stream<Item = Result<ClientEvent, Status>> + Unpin,
    {
        let error = match interruption {
            Interruption::Unsent(error) => return self.fail(pump, &error.into()).await,
            Interruption::Unread(status) => {
                self.measures.failed("UnreadMessage");
                self.reporter.leave_behind(StatusEvent::Drop).await;
                return status;
            }
            Interruption::Cancelled => {
                self.measures.aborted();
                return Status::new(Code::Cancelled, CANCELLED);
            }
            _ if self.has_ended_well() => {
                pump.close(CLOSING, self.settle()).await;
                return self.succeed();
            }
            Interruption::Leaving => return self.leave(pump).await,
            Interruption::Stopped(reason) => match reason.as_str() {
                "WORKHORSE_SERVER_SHUTDOWN" => return self.leave(pump).await,
                "WORKHORSE_WEBSOCKET_PING_FAILED" => {
                    self.measures.aborted();
                    pump.close(LEAVING, self.store()).await;
                    return Status::new(Code::Ok, STOPPED_TEXT);
                }
                _ => return self.stop(pump).await,
            },
            Interruption::HalfClosed => SessionError::from(ExecutorError::Gone),
        };
        self.measures.failed(error.kind());
        // nobody can answer any more
        self.reporter.leave_behind(StatusEvent::Drop).await;
        error.status()
    }

    /// The turn failed (agent-platform 3.13).
    async fn fail<S>(&self, pump: &mut Pump<'_, S>, error: &SessionError) -> Status
    where
        S: Stream<Item = Result<ClientEvent, Status>> + Unpin,
    {
        if error.is_rejection() {
            self.measures.rejected();
        } else {
            self.measures.failed(error.kind());
        }
        tracing::warn!(
            workflow_id = self.start.request.workflow_id,
            correlation_id = %self.start.metadata.correlation_id,
            kind = error.kind(),
            "a session's turn failed"
        );
        let event = error.drops().then_some(StatusEvent::Drop);
        let entry = self.scribe().failure(&error.user_text());
        self.end(pump, event, FAILED, vec![entry]).await;
        error.status()
    }

    /// The user stopped the turn.
    async fn stop<S>(&self, pump: &mut Pump<'_, S>) -> Status
    where
        S: Stream<Item = Result<ClientEvent, Status>> + Unpin,
    {
        self.measures.aborted();
        let event = Some(StatusEvent::Stop);
        self.end(pump, event, STOPPED, Vec::new()).await;
        Status::new(Code::Ok, STOPPED_TEXT)
    }

    /// Tells GitLab and the client how the turn ended, as far as they listen. A checkpoint that GitLab
    /// does not take in time must not keep the event from it.
    async fn end<S>(
        &self,
        pump: &mut Pump<'_, S>,
        event: Option<StatusEvent>,
        shown: &'static str,
        log: Vec<LogEntry>,
    ) where
        S: Stream<Item = Result<ClientEvent, Status>> + Unpin,
    {
        let closing = async {
            let _ = timeout(STORING, self.store()).await;
            if let Some(event) = event
                && self.reporter.send(event).await.is_err()
            {
                tracing::warn!(
                    workflow_id = self.start.request.workflow_id,
                    correlation_id = %self.start.metadata.correlation_id,
                    event = event.as_str(),
                    "GitLab did not take the end of a session"
                );
            }
            self.notifier.replace(shown, log);
            self.notifier.flush().await;
        };
        if !pump.close(CLOSING, closing).await
            && let Some(event) = event.filter(|event| self.reporter.last() != Some(*event))
        {
            self.reporter.leave_behind(event).await;
        }
    }

    /// Workhorse or this process ends: the session stays as it is, and Workhorse may come again.
    async fn leave<S>(&self, pump: &mut Pump<'_, S>) -> Status
    where
        S: Stream<Item = Result<ClientEvent, Status>> + Unpin,
    {
        self.measures.aborted();
        pump.close(LEAVING, self.store()).await;
        let last = self.last_event();
        Status::new(
            Code::Unavailable,
            format!("workflow execution interrupted: {last}"),
        )
    }

    /// Returns once what was to be stored is.
    async fn store(&self) {
        self.checkpoints.settled().await;
    }

    /// The same, and what was to be shown is.
    async fn settle(&self) {
        self.store().await;
        self.notifier.flush().await;
    }

    fn succeed(&self) -> Status {
        self.measures.succeeded();
        Status::new(Code::Ok, SUCCESS)
    }

    fn has_ended_well(&self) -> bool {
        self.reporter.last().is_some_and(StatusEvent::ends_well)
    }

    fn last_event(&self) -> &'static str {
        self.reporter.last().map_or("none", StatusEvent::as_str)
    }
}

const SUCCESS: &str = "workflow execution success";
const STOPPED_TEXT: &str = "workflow execution stopped";
const CANCELLED: &str = "RPC cancelled by client";

/// Workhorse waits ten seconds for the end after it sent a stop.
const CLOSING: Duration = Duration::from_secs(8);

/// Of it, for checkpoints that are still to be stored.
const STORING: Duration = Duration::from_secs(3);

/// For checkpoints under way when the stream has to end soon.
const LEAVING: Duration = Duration::from_millis(1500);
