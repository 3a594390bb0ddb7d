//! What every request is counted by: handles that are resolved once, so that counting is a few
//! atomic additions and takes no lock.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

use super::DoorKind;
use crate::telemetry::{CodeLabels, DoorLabels, Durations, KindLabels, Metrics, RequestLabels};

/// The measures of all doors.
#[derive(Debug)]
pub(super) struct Measures {
    gateway: DoorMeasures,
    agent: DoorMeasures,
    admin: DoorMeasures,
    clear: DoorMeasures,
    /// One for each gRPC status, resolved when a call first ends with it.
    calls: [OnceLock<Counter>; LAST_CODE as usize + 1],
    metrics: Arc<Metrics>,
}

/// The measures of one door.
#[derive(Debug)]
pub(super) struct DoorMeasures {
    door: &'static str,
    /// One for each status, resolved when it is first answered.
    statuses: Box<[OnceLock<Counter>]>,
    whole: Durations,
    first_byte: Durations,
    metrics: Arc<Metrics>,
}

impl Measures {
    pub(super) fn new(metrics: &Arc<Metrics>) -> Self {
        let door = |kind: DoorKind| DoorMeasures::new(kind.as_str(), metrics);
        Self {
            gateway: door(DoorKind::Gateway),
            agent: door(DoorKind::Agent),
            admin: door(DoorKind::Admin),
            clear: door(DoorKind::Clear),
            calls: [const { OnceLock::new() }; LAST_CODE as usize + 1],
            metrics: Arc::clone(metrics),
        }
    }

    /// Counts a gRPC call by its status.
    pub(super) fn count_call(&self, code: u16) {
        // An upstream may say any number.
        let code = code.min(LAST_CODE);
        let resolve = || {
            let labels = CodeLabels { code };
            self.metrics.grpc_calls.get_or_create_owned(&labels)
        };
        if let Some(counter) = self.calls.get(usize::from(code)) {
            counter.get_or_init(resolve).inc();
        }
    }

    pub(super) fn of(&self, kind: DoorKind) -> &DoorMeasures {
        match kind {
            DoorKind::Gateway => &self.gateway,
            DoorKind::Agent => &self.agent,
            DoorKind::Admin => &self.admin,
            DoorKind::Clear => &self.clear,
        }
    }
}

impl DoorMeasures {
    fn new(door: &'static str, metrics: &Arc<Metrics>) -> Self {
        let labels = DoorLabels { door };
        Self {
            door,
            statuses: (FIRST_STATUS..=LAST_STATUS)
                .map(|_| OnceLock::new())
                .collect(),
            whole: metrics.request_seconds.get_or_create_owned(&labels),
            first_byte: metrics.first_byte_seconds.get_or_create_owned(&labels),
            metrics: Arc::clone(metrics),
        }
    }

    /// Counts a request that is over; without a first byte the client left before.
    pub(super) fn count(&self, status: u16, whole: Duration, first_byte: Option<Duration>) {
        // An upstream may answer anything up to 999.
        let status = status.clamp(FIRST_STATUS, LAST_STATUS);
        if let Some(counter) = self.statuses.get(usize::from(status - FIRST_STATUS)) {
            counter.get_or_init(|| self.resolve(status)).inc();
        }
        self.whole.observe(whole);
        if let Some(first_byte) = first_byte {
            self.first_byte.observe(first_byte);
        }
    }

    fn resolve(&self, status: u16) -> Counter {
        let door = self.door;
        let labels = RequestLabels { door, status };
        self.metrics.requests.get_or_create_owned(&labels)
    }
}

/// What a request in flight has become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum FlightKind {
    /// A request, whatever becomes of it.
    Http,
    /// Its answer is a stream of events.
    Events,
    /// Its connection or stream is a tunnel now.
    WebSocket,
    /// It went to the gRPC door.
    Grpc,
}

impl FlightKind {
    pub(super) fn from_index(index: u8) -> Self {
        match index {
            1 => Self::Events,
            2 => Self::WebSocket,
            3 => Self::Grpc,
            _ => Self::Http,
        }
    }
}

/// How many requests of each kind are in flight.
#[derive(Debug)]
pub(super) struct Flights {
    http: Gauge,
    events: Gauge,
    websocket: Gauge,
    grpc: Gauge,
}

impl Flights {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let gauge = |kind| {
            metrics
                .requests_in_flight
                .get_or_create_owned(&KindLabels { kind })
        };
        Self {
            http: gauge("http"),
            events: gauge("sse"),
            websocket: gauge("websocket"),
            grpc: gauge("grpc"),
        }
    }

    pub(super) fn of(&self, kind: FlightKind) -> &Gauge {
        match kind {
            FlightKind::Http => &self.http,
            FlightKind::Events => &self.events,
            FlightKind::WebSocket => &self.websocket,
            FlightKind::Grpc => &self.grpc,
        }
    }
}

/// The first status there is.
const FIRST_STATUS: u16 = 100;

/// Stands for itself and all above: HTTP ends at 599.
const LAST_STATUS: u16 = 600;

/// Stands for itself and all above: gRPC ends at 16.
const LAST_CODE: u16 = 17;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{ExpositionFormat, expose};

    #[test]
    fn statuses_beyond_http_share_a_series() {
        let metrics = Arc::new(Metrics::new());
        let measures = Measures::new(&metrics);
        measures.count_call(17);
        measures.count_call(999);
        for status in [200, 599, 600, 777, 999, 7] {
            let door = measures.of(DoorKind::Gateway);
            door.count(status, Duration::from_secs(1), None);
        }
        let text = expose(&metrics, ExpositionFormat::Text);
        assert!(text.contains("duogate_grpc_calls_total{code=\"17\"} 2"));
        let series = |line: &&str| line.starts_with("duogate_http_requests_total{");
        let mut lines: Vec<_> = text.lines().filter(series).collect();
        lines.sort_unstable();
        let line = |status: u16, count: u16| {
            let labels = format!("door=\"gateway\",status=\"{status}\"");
            format!("duogate_http_requests_total{{{labels}}} {count}")
        };
        assert_eq!(
            lines,
            [line(100, 1), line(200, 1), line(599, 1), line(600, 3)]
        );
    }
}
