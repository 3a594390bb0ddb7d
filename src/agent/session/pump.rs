//! Everything that goes on at once while a session lives.

use std::{pin::Pin, time::Duration};

use futures_util::{Stream, StreamExt};
use tokio::time::timeout;
use tonic::{Code, Status};

use super::{checkpoints::Checkpoints, notifier::Notifier};
use crate::{
    agent::{
        executor::{ExecutorError, Outbox},
        proto::{ClientEvent, client_event::Response},
        status::as_clients_know_it,
    },
    foundation::{Shutdown, ShutdownPhase},
};

/// Reads the client's events, stores checkpoints and shows the client what there is to show, while
/// something else runs. All of it is one task, and ends with it.
pub(super) struct Pump<'p, S> {
    events: S,
    outbox: &'p Outbox,
    notifier: &'p Notifier,
    notify: Work<'p, ExecutorError>,
    store: Work<'p, ()>,
    leave: Work<'p, ()>,
}

type Work<'p, T> = Pin<Box<dyn Future<Output = T> + Send + 'p>>;

/// Why a turn was not let to its end.
#[derive(Debug)]
pub(super) enum Interruption {
    /// The client says so, and why.
    Stopped(String),
    /// The client will say nothing more.
    HalfClosed,
    /// The client is gone.
    Cancelled,
    /// The client sent what cannot be read, or more than fits into a message; what it is told of that.
    Unread(Status),
    /// Something could not be sent.
    Unsent(ExecutorError),
    /// This process ends.
    Leaving,
}

impl<'p, S> Pump<'p, S>
where
    S: Stream<Item = Result<ClientEvent, Status>> + Unpin,
{
    /// A pump for these parts of a session.
    pub(super) fn new(
        events: S,
        outbox: &'p Outbox,
        notifier: &'p Notifier,
        checkpoints: &'p Checkpoints,
        shutdown: &Shutdown,
        grace: Duration,
    ) -> Self {
        Self {
            events,
            outbox,
            notifier,
            notify: Box::pin(notifier.run()),
            store: Box::pin(checkpoints.run()),
            leave: Box::pin(leave(shutdown.clone(), grace)),
        }
    }

    /// Lets something run to its end, or to the first reason why it should not.
    pub(super) async fn drive<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, Interruption> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                event = self.events.next() => if let Some(reason) = self.read(event)? {
                    return Err(Interruption::Stopped(reason));
                },
                error = &mut self.notify => return Err(self.unsent(error)),
                // it has no end of its own
                () = &mut self.store => {}
                () = self.outbox.closed() => return Err(Interruption::Cancelled),
                () = &mut self.leave => {
                    self.leave = Box::pin(std::future::pending());
                    return Err(Interruption::Leaving);
                }
            }
        }
    }

    /// Lets something run that ends a session: whoever stops it then is not heard. True if it was
    /// done in time.
    pub(super) async fn close(&mut self, limit: Duration, work: impl Future<Output = ()>) -> bool {
        let closing = async {
            tokio::pin!(work);
            loop {
                match self.drive(&mut work).await {
                    Ok(()) => return true,
                    Err(Interruption::Stopped(_) | Interruption::Leaving) => {}
                    Err(_) => return false,
                }
            }
        };
        timeout(limit, closing).await.unwrap_or(false)
    }

    /// The reason of a stop; everything else is dealt with.
    fn read(
        &self,
        event: Option<Result<ClientEvent, Status>>,
    ) -> Result<Option<String>, Interruption> {
        match event {
            None => Err(Interruption::HalfClosed),
            Some(Err(status)) => match as_clients_know_it(status) {
                // what tonic makes of a stream that was reset
                status if matches!(status.code(), Code::Cancelled | Code::Unknown) => {
                    Err(Interruption::Cancelled)
                }
                status => Err(Interruption::Unread(status)),
            },
            Some(Ok(event)) => match event.response {
                Some(Response::ActionResponse(answer)) => {
                    self.outbox.answer(answer);
                    Ok(None)
                }
                Some(Response::StopWorkflow(stop)) => Ok(Some(stop.reason)),
                // signs of life, a second beginning, and what newer clients may say
                Some(Response::Heartbeat(_) | Response::StartRequest(_)) | None => Ok(None),
            },
        }
    }

    /// What could not be sent may be replaced by something that can.
    fn unsent(&mut self, error: ExecutorError) -> Interruption {
        self.notify = Box::pin(self.notifier.run());
        match error {
            ExecutorError::Gone => Interruption::Cancelled,
            error => Interruption::Unsent(error),
        }
    }
}

/// Returns when this process ends so soon that the session has to end before.
async fn leave(shutdown: Shutdown, grace: Duration) {
    shutdown.reached(ShutdownPhase::Draining).await;
    let ahead = AHEAD.min(grace / 2);
    tokio::select! {
        () = tokio::time::sleep(grace.saturating_sub(ahead)) => {}
        () = shutdown.reached(ShutdownPhase::Cut) => {}
    }
}

/// Before connections are cut: for checkpoints under way, and the status that tells Workhorse to
/// come again.
const AHEAD: Duration = Duration::from_secs(2);
