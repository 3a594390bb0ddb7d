//! How an exchange ended, counted once.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;

use crate::telemetry::{Metrics, UpstreamLabels};

/// Counts outcomes of one upstream.
#[derive(Debug)]
pub(super) struct Outcomes {
    metrics: Arc<Metrics>,
    upstream: &'static str,
    /// At hand, since nearly every request needs it.
    ok: Counter,
}

impl Outcomes {
    pub(super) fn new(metrics: Arc<Metrics>, upstream: &'static str) -> Self {
        metrics.expect_upstream(upstream);
        let labels = UpstreamLabels {
            upstream,
            outcome: OK,
        };
        let ok = metrics.upstream_requests.get_or_create(&labels).clone();
        Self {
            metrics,
            upstream,
            ok,
        }
    }

    fn count(&self, outcome: &'static str) {
        if outcome == OK {
            self.ok.inc();
            return;
        }
        let labels = UpstreamLabels {
            upstream: self.upstream,
            outcome,
        };
        self.metrics.upstream_requests.get_or_create(&labels).inc();
    }
}

/// The outcome of one exchange. Unless told otherwise, it ended because the client left.
#[derive(Debug)]
pub(super) struct Settlement {
    outcomes: Option<Arc<Outcomes>>,
}

impl Settlement {
    pub(super) fn open(outcomes: &Arc<Outcomes>) -> Self {
        Self {
            outcomes: Some(outcomes.clone()),
        }
    }

    /// Hands the duty to count over; this one counts nothing any more.
    pub(super) fn take(&mut self) -> Self {
        Self {
            outcomes: self.outcomes.take(),
        }
    }

    /// Counts the outcome; the first one stands.
    pub(super) fn settle(&mut self, outcome: &'static str) {
        if let Some(outcomes) = self.outcomes.take() {
            outcomes.count(outcome);
        }
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        self.settle(CLIENT_LEFT);
    }
}

/// The exchange ended as both sides wanted.
pub(super) const OK: &str = "ok";

/// The client left, or broke its own request.
pub(super) const CLIENT_LEFT: &str = "client_left";

/// The upstream broke off in the middle of its answer.
pub(super) const RESET: &str = "reset";

/// The upstream fell silent in the middle of its answer.
pub(super) const IDLE: &str = "idle";
