//! Every metric: name, unit, help and labels, on one page.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// Labels of connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ConnectionLabels {
    /// The listener: `https`, `http`, `gateway`, `agent_platform`, `admin`.
    pub listener: &'static str,
}

/// Labels of handshakes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct HandshakeLabels {
    /// `ok`, `challenge`, `timeout`, `unknown_name`, `plain_http`, `failed`.
    pub outcome: &'static str,
    /// `TLSv1.2`, `TLSv1.3` or `none`.
    pub version: &'static str,
    /// The key-exchange group or `none`.
    pub group: &'static str,
}

/// Labels of requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// `gateway`, `agent`, `challenge`, `redirect`, `gate`, `admin`.
    pub door: &'static str,
    /// The HTTP status.
    pub status: u16,
}

/// Labels of what happens towards an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct UpstreamLabels {
    /// `gateway`, `agent_platform`.
    pub upstream: &'static str,
    /// `ok`, `refused`, `unresolvable`, `connect_timeout`, `reset`, `header_timeout`, `idle`,
    /// `tls`, `client_left`, `busy`, `protocol`.
    pub outcome: &'static str,
}

/// Labels of a certificate: its first name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CertificateLabels {
    /// The certificate's first configured name.
    pub name: String,
}

/// Labels of a certificate's state.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CertificateStateLabels {
    /// The certificate's first configured name.
    pub name: String,
    /// `missing`, `ordering`, `valid`, `due`, `renewing`, `backing_off`, `blocked`.
    pub state: &'static str,
}

/// Labels of refusals by an ACME server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AcmeErrorLabels {
    /// The type of the problem (RFC 8555 6.7), `other`, or `unexplained` without a problem.
    pub kind: &'static str,
}

/// A plain outcome.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabels {
    /// A word of a closed set.
    pub outcome: &'static str,
}

macro_rules! metrics {
    ($($field:ident : $kind:ty = $make:expr, $name:literal, $help:literal;)*) => {
        /// Handles of every metric. Cheap to record into; shared by all rooms.
        #[derive(Debug)]
        pub struct Metrics {
            $(#[doc = $help] pub $field: $kind,)*
            registry: Registry,
        }

        impl Metrics {
            /// Creates and registers every metric.
            pub fn new() -> Self {
                let mut registry = Registry::with_prefix("duogate");
                $(let $field: $kind = $make; registry.register($name, $help, $field.clone());)*
                Self { $($field,)* registry }
            }

            /// The registry, for exposition.
            pub(super) fn registry(&self) -> &Registry {
                &self.registry
            }
        }
    };
}

metrics! {
    connections: Family<ConnectionLabels, Counter> = Family::default(),
        "connections", "Connections accepted, by listener";
    connections_open: Family<ConnectionLabels, Gauge> = Family::default(),
        "connections_open", "Connections open now, by listener";
    connections_refused: Family<OutcomeLabels, Counter> = Family::default(),
        "connections_refused", "Connections closed at once: total, per_client, proxy_header";
    accept_errors: Counter = Counter::default(),
        "accept_errors", "Failures of accept, such as no descriptors left";
    handshakes: Family<HandshakeLabels, Counter> = Family::default(),
        "tls_handshakes", "TLS handshakes by outcome, version and key-exchange group";
    requests: Family<RequestLabels, Counter> = Family::default(),
        "http_requests", "Requests answered, by door and status";
    requests_in_flight: Gauge = Gauge::default(),
        "http_requests_in_flight", "Requests being answered now, streams included";
    request_seconds: Histogram = Histogram::new(DURATION_BUCKETS),
        "http_request_duration_seconds", "From a request's head to the end of its answer";
    first_byte_seconds: Histogram = Histogram::new(DURATION_BUCKETS),
        "http_first_byte_duration_seconds", "From a request's head to the head of its answer";
    tunnels_open: Gauge = Gauge::default(),
        "websocket_tunnels_open", "WebSocket tunnels open now";
    upstream_requests: Family<UpstreamLabels, Counter> = Family::default(),
        "upstream_requests", "Requests forwarded, by upstream and outcome";
    certificate_not_after: Family<CertificateLabels, Gauge> = Family::default(),
        "certificate_not_after_timestamp_seconds", "End of the served certificate's validity";
    certificate_reloads: Family<OutcomeLabels, Counter> = Family::default(),
        "certificate_file_reloads", "Reloads of certificate files: ok, failed";
    acme_attempts: Family<OutcomeLabels, Counter> = Family::default(),
        "acme_attempts", "Attempts to obtain a certificate: ok, failed";
    config_reloads: Family<OutcomeLabels, Counter> = Family::default(),
        "config_reloads", "Reloads of the configuration: ok, refused";
    config_loaded: Gauge<i64, AtomicI64> = Gauge::default(),
        "config_last_success_timestamp_seconds", "When the configuration in force was read";
    config_hash: Gauge<i64, AtomicI64> = Gauge::default(),
        "config_hash", "A number that changes with the configuration in force; 48 bits";
    acme_errors: Family<AcmeErrorLabels, Counter> = Family::default(),
        "acme_errors", "Refusals by ACME servers, by type of problem; refused nonces are normal";
    certificate_state: Family<CertificateStateLabels, Gauge> = Family::default(),
        "certificate_state", "1 for the state a certificate of an ACME server is in, else 0";
    certificate_next_attempt: Family<CertificateLabels, Gauge> = Family::default(),
        "certificate_next_attempt_timestamp_seconds", "When a certificate is renewed or tried again; 0 for never";
    log_lines_dropped: Counter = Counter::default(),
        "log_lines_dropped", "Log lines lost because their reader was too slow";
    start_time: Gauge<i64, AtomicI64> = Gauge::default(),
        "start_timestamp_seconds", "When the process started";
    resident_bytes: Gauge<u64, AtomicU64> = Gauge::default(),
        "resident_memory_bytes", "Memory the process holds in RAM, read at each scrape";
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// From an answer of our own to a long stream, in seconds: roughly a factor of three a step.
const DURATION_BUCKETS: [f64; 12] = [
    0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 600.0,
];
