//! The handle by which the service runs sessions.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt, future, stream};
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::mpsc;
use tonic::Status;
use tracing::Instrument;

use super::{SessionMeasures, SessionStart, live_session::LiveSession};
use crate::{
    agent::proto::{Action, ClientEvent},
    documentation::DocumentationIndex,
    flow::TurnLimits,
    foundation::{Clock, Randomness, Shutdown, Tasks, beginning},
    model::Models,
    prompt::Prompts,
    telemetry::Metrics,
};

/// What all sessions share. Cheap to clone.
#[derive(Clone)]
pub struct Sessions(Arc<SessionServices>);

/// How many sessions are open, those of before a reload too.
#[derive(Clone, Debug)]
pub struct OpenSessions(Gauge);

/// One of them, until it is dropped.
struct OpenSession(OpenSessions);

/// What a session needs of the process.
pub struct SessionServices {
    /// Asks models.
    pub models: Models,
    /// What models are asked.
    pub prompts: Arc<Prompts>,
    /// What is looked up here.
    pub documentation: DocumentationIndex,
    /// What bounds a turn.
    pub turn: TurnLimits,
    /// The calendar.
    pub clock: Arc<dyn Clock>,
    /// Identifiers and jitter.
    pub randomness: Arc<dyn Randomness>,
    /// Where sessions run; a drain waits for them.
    pub tasks: Tasks,
    /// The end of the process.
    pub shutdown: Shutdown,
    /// How long streams may go on once it drains.
    pub grace: Duration,
    /// Actions of one session without an answer (`limits.agent_outstanding_actions`).
    pub outstanding_actions: usize,
    /// Those that are open.
    pub open: OpenSessions,
    /// Sessions at once (`limits.agent_sessions`).
    pub sessions: usize,
}

impl OpenSessions {
    /// Counted by the metric.
    pub fn new(metrics: &Metrics) -> Self {
        Self(metrics.sessions_open.clone())
    }

    /// None where there are so many already.
    fn enter(&self, most: usize) -> Option<OpenSession> {
        let before = self.0.inc();
        let entered = OpenSession(self.clone());
        usize::try_from(before)
            .is_ok_and(|before| before < most)
            .then_some(entered)
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        self.0.0.dec();
    }
}

impl Sessions {
    /// Sessions that share these.
    pub fn new(services: SessionServices) -> Self {
        Self(Arc::new(services))
    }

    /// Runs a turn beside its caller. `events` are what follows the first event; the stream that is
    /// given holds what goes to the client, and as its last item the status that ends it: code OK
    /// with its details for a turn that went well. Dropping the stream ends the turn.
    pub(in crate::agent) fn open<S>(
        &self,
        start: SessionStart,
        measures: SessionMeasures,
        events: S,
    ) -> impl Stream<Item = Result<Action, Status>> + Send + use<S>
    where
        S: Stream<Item = Result<ClientEvent, Status>> + Send + Unpin + 'static,
    {
        let Some(place) = self.0.open.enter(self.0.sessions) else {
            let full = Status::unavailable(FULL);
            return stream::once(future::ready(Err(full))).left_stream();
        };
        let (actions, mut outgoing) = mpsc::channel(ACTIONS);
        let sessions = self.clone();
        // rooms below do not know whose turn it is; their lines say so by this
        let span = tracing::error_span!(
            "session",
            workflow_id = beginning(&start.request.workflow_id, WORKFLOW_ID_BYTES),
            correlation_id = start.metadata.correlation_id.as_str(),
        );
        let session = async move {
            let status = sessions.run(start, measures, events, actions.clone()).await;
            // whoever has left reads no status
            drop(actions.send(Err(status)).await);
            drop(place);
        };
        self.0.tasks.spawn("session", session.instrument(span));
        stream::poll_fn(move |context| outgoing.poll_recv(context)).right_stream()
    }

    async fn run<S>(
        &self,
        start: SessionStart,
        measures: SessionMeasures,
        events: S,
        actions: mpsc::Sender<Result<Action, Status>>,
    ) -> Status
    where
        S: Stream<Item = Result<ClientEvent, Status>> + Send + Unpin,
    {
        match LiveSession::new(&self.0, start, Arc::new(measures), actions) {
            Ok(session) => session.run(events).await,
            Err(error) => error.status(),
        }
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sessions").finish_non_exhaustive()
    }
}

/// Actions that wait for a slow client: one goes out, one is ready.
const ACTIONS: usize = 1;

/// Of a session's number in the log; it has a dozen digits, and whatever else stands there is refused.
const WORKFLOW_ID_BYTES: usize = 64;

const FULL: &str =
    "this server runs as many sessions as limits.agent_sessions allows; try again soon";
