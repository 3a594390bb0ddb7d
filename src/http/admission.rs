//! How many requests may be in flight at once.

use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicUsize, Ordering},
};

use super::measures::{FlightKind, Flights};
use crate::telemetry::Metrics;

/// Counts requests in flight against one bound.
#[derive(Debug)]
pub(super) struct Admission {
    in_flight: AtomicUsize,
    maximum: AtomicUsize,
    flights: Flights,
}

impl Admission {
    pub(super) fn new(maximum: usize, metrics: &Metrics) -> Arc<Self> {
        Arc::new(Self {
            in_flight: AtomicUsize::new(0),
            maximum: AtomicUsize::new(maximum),
            flights: Flights::new(metrics),
        })
    }

    /// Another bound from now on; requests beyond it go on.
    pub(super) fn rebound(&self, maximum: usize) {
        self.maximum.store(maximum, Ordering::Relaxed);
    }

    /// A place, or none when all are taken.
    pub(super) fn admit(self: &Arc<Self>, kind: FlightKind) -> Option<Admitted> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        if before >= self.maximum.load(Ordering::Relaxed) {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        self.flights.of(kind).inc();
        Some(Admitted {
            admission: Arc::clone(self),
            kind: AtomicU8::new(kind as u8),
        })
    }
}

/// A place among the requests in flight, given back when dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    admission: Arc<Admission>,
    /// A [`FlightKind`].
    kind: AtomicU8,
}

impl Admitted {
    /// Counts it as something else from now on.
    pub(super) fn becomes(&self, kind: FlightKind) {
        let before = FlightKind::from_index(self.kind.swap(kind as u8, Ordering::Relaxed));
        if before != kind {
            self.admission.flights.of(before).dec();
            self.admission.flights.of(kind).inc();
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let kind = FlightKind::from_index(self.kind.load(Ordering::Relaxed));
        self.admission.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.admission.flights.of(kind).dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_counted_as_what_it_has_become() {
        let metrics = Metrics::new();
        let admission = Admission::new(9, &metrics);
        let counts = || {
            use FlightKind::{Events, Grpc, Http, WebSocket};
            [Http, Events, WebSocket, Grpc].map(|kind| admission.flights.of(kind).get())
        };
        let request = admission.admit(FlightKind::Http).unwrap();
        let call = admission.admit(FlightKind::Grpc).unwrap();
        assert_eq!(counts(), [1, 0, 0, 1]);
        request.becomes(FlightKind::Events);
        request.becomes(FlightKind::Events);
        assert_eq!(counts(), [0, 1, 0, 1]);
        request.becomes(FlightKind::WebSocket);
        assert_eq!(counts(), [0, 0, 1, 1]);
        drop((request, call));
        assert_eq!(counts(), [0, 0, 0, 0]);
    }

    #[test]
    fn places_are_bounded_and_given_back() {
        let admission = Admission::new(2, &Metrics::new());
        let first = admission.admit(FlightKind::Http);
        let _second = admission.admit(FlightKind::Grpc);
        assert!(admission.admit(FlightKind::Http).is_none());
        drop(first);
        assert!(admission.admit(FlightKind::Http).is_some());
    }
}
