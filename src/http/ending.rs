//! When a connection has to end because the process does.

use std::time::Duration;

use tokio::time::Instant;

use crate::foundation::{Shutdown, ShutdownPhase};

/// Returns when a connection that was `born` then, and `ends` with that phase, has to end. hyper closes one without a request
/// on the spot, so that the first request of a young one would be lost on its way.
pub(super) async fn ending(shutdown: &Shutdown, ends: ShutdownPhase, born: Instant) {
    shutdown.reached(ends).await;
    tokio::select! {
        () = tokio::time::sleep_until(born + FIRST_REQUEST) => {}
        () = shutdown.reached(ShutdownPhase::Cut) => {}
    }
}

/// A client sends its first request at once, so it arrives within a slow round trip or two.
const FIRST_REQUEST: Duration = Duration::from_secs(1);
