//! One line for each request, written when its last byte has gone.

use std::{
    net::IpAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use http::{Method, Version};

use super::{
    DoorKind,
    admission::Admitted,
    measures::{FlightKind, Measures},
};
use crate::foundation::{ConnectionFacts, RequestId};

/// Facts of a request that end up in its access-log line. The line is written when the last
/// holder lets go, so a tunnel keeps a clone for as long as it carries bytes. Without
/// [`RequestFacts`] no line is written.
#[derive(Debug, Default)]
pub struct AccessEntry {
    /// Which upstream answered, as `host:port`.
    pub upstream: OnceLock<Arc<str>>,
    /// The gRPC status, from headers or trailers.
    pub grpc_status: OnceLock<u16>,
    /// Why the exchange ended early, in words for the operator; never content.
    pub failure: OnceLock<String>,
    answered: OnceLock<(u16, Instant)>,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    facts: Option<RequestFacts>,
}

/// What the line says about the request itself.
#[derive(Debug)]
pub struct RequestFacts {
    /// The correlation id.
    pub id: RequestId,
    /// The connection it came by.
    pub connection: Arc<ConnectionFacts>,
    /// The client's address.
    pub client: IpAddr,
    /// The door.
    pub door: DoorKind,
    /// The method.
    pub method: Method,
    /// The path without its query, where secrets may stand.
    pub path: String,
    /// The protocol.
    pub version: Version,
    /// When its head was complete.
    pub started: Instant,
    /// Where it is counted.
    pub(super) measures: Arc<Measures>,
    /// Its place among the requests in flight.
    pub(super) admitted: Option<Admitted>,
}

impl AccessEntry {
    /// An entry that will write a line.
    pub(super) fn new(facts: RequestFacts) -> Self {
        let mut entry = Self::default();
        entry.facts = Some(facts);
        entry
    }

    /// Counts body or tunnel bytes from the client.
    pub fn add_bytes_in(&self, bytes: u64) {
        self.bytes_in.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts body or tunnel bytes to the client.
    pub fn add_bytes_out(&self, bytes: u64) {
        self.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes from and to the client so far.
    pub fn bytes(&self) -> (u64, u64) {
        (
            self.bytes_in.load(Ordering::Relaxed),
            self.bytes_out.load(Ordering::Relaxed),
        )
    }

    /// Counts the request as something else while it is in flight.
    pub(super) fn becomes(&self, kind: FlightKind) {
        let admitted = self
            .facts
            .as_ref()
            .and_then(|facts| facts.admitted.as_ref());
        if let Some(admitted) = admitted {
            admitted.becomes(kind);
        }
    }

    /// Notes the status; the first one counts.
    pub(super) fn answered(&self, status: u16) {
        let _ = self.answered.set((status, Instant::now()));
    }
}

impl Drop for AccessEntry {
    fn drop(&mut self) {
        let Some(facts) = self.facts.take() else {
            return;
        };
        let (status, first_byte) = match self.answered.get() {
            Some((status, at)) => (*status, Some(at.duration_since(facts.started))),
            None => (CLIENT_LEFT, None),
        };
        let total = facts.started.elapsed();
        let measures = facts.measures.of(facts.door);
        measures.count(status, total, first_byte);
        if let (DoorKind::Agent, Some(code)) = (facts.door, self.grpc_status.get()) {
            facts.measures.count_call(*code);
        }
        let (bytes_in, bytes_out) = self.bytes();
        let tls = facts.connection.tls.as_ref();
        // The operator's own looks are not what the access log is for.
        if facts.door == DoorKind::Admin {
            return;
        }
        tracing::info!(
            target: "duogate::access",
            correlation_id = facts.id.as_str(),
            listener = facts.connection.listener.as_str(),
            door = facts.door.as_str(),
            client = %facts.client,
            method = facts.method.as_str(),
            path = facts.path.as_str(),
            protocol = protocol(facts.version),
            status,
            grpc_status = self.grpc_status.get(),
            upstream = self.upstream.get().map(AsRef::as_ref),
            bytes_in,
            bytes_out,
            first_byte_ms = first_byte.map(|time| milliseconds(time.as_secs_f64())),
            total_ms = milliseconds(total.as_secs_f64()),
            tls_version = tls.map(|tls| tls.version),
            tls_group = tls.map(|tls| tls.group),
            failure = self.failure.get().map(String::as_str),
            "request"
        );
    }
}

fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1_000_000.0).round() / 1000.0
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_11 => "HTTP/1.1",
        Version::HTTP_2 => "HTTP/2",
        _ => "unknown",
    }
}

/// What nginx made the custom: the client went before there was a status.
const CLIENT_LEFT: u16 = 499;
