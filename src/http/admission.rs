//! How many requests may be in flight at once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::telemetry::Metrics;

/// Counts requests in flight against one bound.
#[derive(Debug)]
pub(super) struct Admission {
    in_flight: AtomicUsize,
    maximum: AtomicUsize,
    metrics: Arc<Metrics>,
}

impl Admission {
    pub(super) fn new(maximum: usize, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            in_flight: AtomicUsize::new(0),
            maximum: AtomicUsize::new(maximum),
            metrics,
        })
    }

    /// Another bound from now on; requests beyond it go on.
    pub(super) fn rebound(&self, maximum: usize) {
        self.maximum.store(maximum, Ordering::Relaxed);
    }

    /// A place, or none when all are taken.
    pub(super) fn admit(self: &Arc<Self>) -> Option<Admitted> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        if before >= self.maximum.load(Ordering::Relaxed) {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        self.metrics.requests_in_flight.inc();
        Some(Admitted(Arc::clone(self)))
    }
}

/// A place among the requests in flight, given back when dropped.
#[derive(Debug)]
pub(super) struct Admitted(Arc<Admission>);

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics.requests_in_flight.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_given_back() {
        let admission = Admission::new(2, Arc::new(Metrics::new()));
        let first = admission.admit();
        let _second = admission.admit();
        assert!(admission.admit().is_none());
        drop(first);
        assert!(admission.admit().is_some());
    }
}
