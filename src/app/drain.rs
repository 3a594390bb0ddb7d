//! From the signal to the exit: listeners end, streams finish, the rest is cut.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::{
    config::Config,
    foundation::{ShutdownPhase, ShutdownTrigger, Tasks},
};

/// How long the end may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct DrainTimes {
    /// Listeners still answer for this long, so that a load balancer can look away first.
    pub(super) delay: Duration,
    /// Streams may go on for this long after the listeners closed.
    pub(super) grace: Duration,
}

impl DrainTimes {
    /// The times that the configuration asks for.
    pub(super) fn of(config: &Config) -> Self {
        Self {
            delay: config.drain_delay,
            grace: config.drain_grace,
        }
    }
}

/// Ends the process in order. Another signal ends it at once.
pub(super) async fn drain(
    reason: &'static str,
    mut signals: Signals,
    trigger: ShutdownTrigger,
    times: DrainTimes,
    connections: Tasks,
) {
    tracing::info!(
        reason,
        delay_seconds = times.delay.as_secs(),
        grace_seconds = times.grace.as_secs(),
        "leaving: not ready any more, what is connected is still answered"
    );
    trigger.advance(ShutdownPhase::Leaving);
    tokio::select! {
        () = tokio::time::sleep(times.delay) => {}
        _ = signals.next() => return,
    }
    trigger.advance(ShutdownPhase::Draining);
    tracing::info!("listeners close; waiting for streams to finish");
    let cut = tokio::select! {
        () = connections.finished() => false,
        () = tokio::time::sleep(times.grace) => true,
        _ = signals.next() => true,
    };
    trigger.advance(ShutdownPhase::Cut);
    if cut {
        tracing::warn!(
            open = connections.len(),
            "the grace is over; what is left is cut"
        );
        // Long enough for each connection to notice and say so to its client.
        let _ = tokio::time::timeout(CUT_NOTICE, connections.finished()).await;
    }
    tracing::info!("all connections ended");
}

/// The signals that end the process. Made before anything is served: a signal that comes earlier
/// than its handler kills.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The name of the signal that came.
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// What is cut gets this long to close its sockets.
const CUT_NOTICE: Duration = Duration::from_millis(500);
