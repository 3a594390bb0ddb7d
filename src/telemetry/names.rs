//! Every metric: name with its unit, labels with their values, and help, on one page.

use std::sync::{
    OnceLock,
    atomic::{AtomicI64, AtomicU64},
};

use prometheus_client::{
    metrics::{TypedMetric, counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use tracing_appender::non_blocking::ErrorCounter;

use super::{
    AcmeErrorLabels, BuildLabels, CertificateLabels, CertificateStateLabels, CodeLabels,
    ConnectionLabels, DoorLabels, Durations, HandshakeLabels, KindLabels, LogGuard, OutcomeLabels,
    PhaseLabels, RequestLabels, UpstreamConnectionLabels, UpstreamLabels, UpstreamNameLabels,
    ViolationLabels,
    description::{Label, MetricDescription, Values},
};

macro_rules! metrics {
    ($($field:ident : $kind:ty, $name:literal, [$($label:expr),*], $help:literal;)*) => {
        /// Handles of every metric. Cheap to record into; shared by all rooms.
        #[derive(Debug)]
        pub struct Metrics {
            $(#[doc = $help] pub $field: $kind,)*
            lost: OnceLock<ErrorCounter>,
            registry: Registry,
        }

        /// Every metric, in the order in which they are served.
        pub(super) const DESCRIPTIONS: &[MetricDescription] = &[$(MetricDescription {
            name: $name,
            kind: <$kind as TypedMetric>::TYPE,
            labels: &[$($label),*],
            help: $help,
        },)*];

        impl Metrics {
            fn empty() -> Self {
                let mut registry = Registry::default();
                let mut descriptions = DESCRIPTIONS.iter();
                $(
                    let $field = <$kind>::default();
                    if let Some(description) = descriptions.next() {
                        description.register(&mut registry, $field.clone());
                    }
                )*
                Self { $($field,)* lost: OnceLock::new(), registry }
            }
        }
    };
}

metrics! {
    build: Family<BuildLabels, Gauge>, "duogate_build_info", [VERSION],
        "Always 1; the label tells the version that runs";
    phase: Family<PhaseLabels, Gauge>, "duogate_phase", [PHASE],
        "1 for the phase the process is in, else 0; on SIGTERM it leaves, drains, and cuts what is left";

    connections: Family<ConnectionLabels, Counter>, "duogate_connections_total", [LISTENER],
        "Connections accepted";
    connections_open: Family<ConnectionLabels, Gauge>, "duogate_connections_open", [LISTENER],
        "Connections open now";
    connections_limit: Gauge, "duogate_connections_limit", [],
        "How many connections clients may hold together (limits.connections)";
    connections_refused: Family<OutcomeLabels, Counter>, "duogate_connections_refused_total", [REFUSAL],
        "Connections closed at once, by the bound that they met";
    accept_errors: Counter, "duogate_accept_errors_total", [],
        "Failures of accept, such as no descriptors left";

    handshakes: Family<HandshakeLabels, Counter>, "duogate_tls_handshakes_total",
        [HANDSHAKE, TLS_VERSION, GROUP, HANDSHAKE_KIND],
        "TLS handshakes ended, well or not";

    requests: Family<RequestLabels, Counter>, "duogate_http_requests_total", [DOOR_OR_GATE, STATUS],
        "Requests answered, counted when the last byte has gone";
    grpc_calls: Family<CodeLabels, Counter>, "duogate_grpc_calls_total", [CODE],
        "gRPC calls that ended with a status; their HTTP status is 200 even when they fail";
    requests_in_flight: Family<KindLabels, Gauge>, "duogate_http_requests_in_flight", [KIND],
        "Requests being answered now, streams to their end; bounded by limits.requests_in_flight";
    request_seconds: Family<DoorLabels, Durations>, "duogate_http_request_duration_seconds", [DOOR],
        "From a request's head to the end of its answer";
    first_byte_seconds: Family<DoorLabels, Durations>, "duogate_http_first_byte_duration_seconds", [DOOR],
        "From a request's head to the head of its answer";
    gate_violations: Family<ViolationLabels, Counter>, "duogate_http_gate_violations_total", [PROTOCOL, RULE],
        "Requests and connections that were ended because a client broke a rule";

    upstream_requests: Family<UpstreamLabels, Counter>, "duogate_upstream_requests_total", [UPSTREAM, EXCHANGE],
        "Requests forwarded, by how the exchange ended";
    upstream_connects: Family<UpstreamLabels, Counter>, "duogate_upstream_connects_total", [UPSTREAM, CONNECT],
        "Attempts to connect to an upstream";
    upstream_connections: Family<UpstreamConnectionLabels, Gauge>, "duogate_upstream_connections",
        [UPSTREAM, CONNECTION_STATE],
        "Connections to an upstream now; one of HTTP/2 is in use while it carries a stream";
    upstream_connections_limit: Family<UpstreamNameLabels, Gauge>, "duogate_upstream_connections_limit", [UPSTREAM],
        "How many connections to an upstream may be in use (limits.upstream_connections)";

    certificate_not_before: Family<CertificateLabels, Gauge>,
        "duogate_certificate_not_before_timestamp_seconds", [CERTIFICATE],
        "Begin of the served certificate's validity";
    certificate_not_after: Family<CertificateLabels, Gauge>,
        "duogate_certificate_not_after_timestamp_seconds", [CERTIFICATE],
        "End of the served certificate's validity";
    certificate_state: Family<CertificateStateLabels, Gauge>, "duogate_certificate_state",
        [CERTIFICATE, CERTIFICATE_STATE],
        "1 for the state a certificate of an ACME server is in, else 0";
    certificate_next_attempt: Family<CertificateLabels, Gauge>,
        "duogate_certificate_next_attempt_timestamp_seconds", [CERTIFICATE],
        "When a certificate of an ACME server is renewed or tried again; 0 for never";
    certificate_reloads: Family<OutcomeLabels, Counter>, "duogate_certificate_file_reloads_total", [OK_OR_FAILED],
        "Reloads of changed certificate files";
    acme_attempts: Family<OutcomeLabels, Counter>, "duogate_acme_attempts_total", [OK_OR_FAILED],
        "Attempts to obtain a certificate from an ACME server";
    acme_errors: Family<AcmeErrorLabels, Counter>, "duogate_acme_errors_total", [ACME_ERROR],
        "Refusals by ACME servers; refused nonces are normal";

    config_reloads: Family<OutcomeLabels, Counter>, "duogate_config_reloads_total", [RELOAD],
        "Reloads of the configuration";
    config_reload_successful: Gauge, "duogate_config_last_reload_successful", [],
        "1 when the last reload was put in force or none was tried, 0 when it was refused";
    config_loaded: Gauge<i64, AtomicI64>, "duogate_config_last_success_timestamp_seconds", [],
        "When the configuration in force was read";
    config_hash: Gauge<i64, AtomicI64>, "duogate_config_hash", [],
        "A number of 48 bits that changes with the configuration in force";
    log_lines_dropped: Counter, "duogate_log_lines_dropped_total", [],
        "Log lines lost because their reader was too slow";

    start_time: Gauge<i64, AtomicI64>, "process_start_time_seconds", [],
        "When the process started, in seconds since 1970";
    processor_seconds: Counter<f64, AtomicU64>, "process_cpu_seconds_total", [],
        "Processor time used, in user and kernel mode";
    resident_bytes: Gauge<u64, AtomicU64>, "process_resident_memory_bytes", [],
        "Memory that the process holds in RAM";
    open_descriptors: Gauge<u64, AtomicU64>, "process_open_fds", [],
        "File descriptors open now";
    descriptor_limit: Gauge<u64, AtomicU64>, "process_max_fds", [],
        "File descriptors that may be open";
}

const VERSION: Label = Label("version", Values::Any("the version of the package"));
const PHASE: Label = Label(
    "phase",
    Values::OneOf(&["running", "leaving", "draining", "cut"]),
);
const LISTENER: Label = Label(
    "listener",
    Values::OneOf(&[
        "https",
        "http",
        "gateway",
        "agent_platform",
        "admin",
        "metrics",
    ]),
);
const REFUSAL: Label = Label(
    "outcome",
    Values::OneOf(&["total", "per_client", "proxy_header"]),
);
const HANDSHAKE: Label = Label(
    "outcome",
    Values::OneOf(&[
        "ok",
        "challenge",
        "timeout",
        "closed",
        "alert",
        "incompatible",
        "unknown_name",
        "plain_http",
        "failed",
    ]),
);
const TLS_VERSION: Label = Label("version", Values::OneOf(&["TLSv1.2", "TLSv1.3", "none"]));
const GROUP: Label = Label(
    "group",
    Values::Any("the key-exchange group, such as `X25519MLKEM768`, or `none`"),
);
const HANDSHAKE_KIND: Label = Label(
    "kind",
    Values::OneOf(&["full", "hello_retry", "resumed", "none"]),
);
const DOOR: Label = Label(
    "door",
    Values::OneOf(&["gateway", "agent", "clear", "admin"]),
);
const DOOR_OR_GATE: Label = Label(
    "door",
    Values::OneOf(&["gateway", "agent", "clear", "admin", "gate"]),
);
const STATUS: Label = Label(
    "status",
    Values::Any(
        "the HTTP status from 100 to 599, `499` when the client left before there was one, `600` for any above",
    ),
);
const CODE: Label = Label(
    "code",
    Values::Any("the gRPC status, `0` for OK to `16`, `17` for any above"),
);
const KIND: Label = Label("kind", Values::OneOf(&["http", "sse", "websocket", "grpc"]));
const PROTOCOL: Label = Label("protocol", Values::OneOf(&["http1", "http2"]));
const RULE: Label = Label(
    "rule",
    Values::Any("the rule's name, such as `host_missing` or `ping_flood`"),
);
const UPSTREAM: Label = Label("upstream", Values::OneOf(&["gateway", "agent_platform"]));
const EXCHANGE: Label = Label(
    "outcome",
    Values::OneOf(&[
        "ok",
        "client_left",
        "refused",
        "unresolvable",
        "connect_timeout",
        "tls",
        "busy",
        "reset",
        "header_timeout",
        "protocol",
        "idle",
    ]),
);
const CONNECT: Label = Label(
    "outcome",
    Values::OneOf(&[
        "ok",
        "refused",
        "unresolvable",
        "connect_timeout",
        "tls",
        "reset",
        "protocol",
    ]),
);
const CONNECTION_STATE: Label = Label("state", Values::OneOf(&["idle", "in_use"]));
const CERTIFICATE: Label = Label("name", Values::Any("the certificate's first name"));
const STATES: &[&str] = &[
    "missing",
    "ordering",
    "valid",
    "due",
    "renewing",
    "backing_off",
    "blocked",
];
const CERTIFICATE_STATE: Label = Label("state", Values::OneOf(STATES));
const OK_OR_FAILED: Label = Label("outcome", Values::OneOf(&["ok", "failed"]));
const ACME_ERROR: Label = Label(
    "kind",
    Values::Any(
        "the problem's type (RFC 8555 6.7), `other`, or `unexplained` where the server gave none",
    ),
);
const RELOAD: Label = Label("outcome", Values::OneOf(&["ok", "refused"]));

impl Metrics {
    /// Creates and registers every metric.
    pub fn new() -> Self {
        let metrics = Self::empty();
        let version = env!("CARGO_PKG_VERSION");
        metrics.build.get_or_create(&BuildLabels { version }).set(1);
        metrics.config_reload_successful.set(1);
        expect(&metrics.connections_refused, REFUSAL);
        expect(&metrics.config_reloads, RELOAD);
        for outcome in HANDSHAKE.words().iter().filter(|word| **word != "ok") {
            let failed = HandshakeLabels {
                outcome,
                version: "none",
                group: "none",
                kind: "none",
            };
            metrics.handshakes.get_or_create_owned(&failed);
        }
        metrics
    }

    /// There will be exchanges with this upstream.
    pub fn expect_upstream(&self, upstream: &'static str) {
        for (family, label) in [
            (&self.upstream_requests, EXCHANGE),
            (&self.upstream_connects, CONNECT),
        ] {
            for outcome in label.words() {
                family.get_or_create_owned(&UpstreamLabels { upstream, outcome });
            }
        }
    }

    /// There will be attempts to obtain certificates.
    pub fn expect_attempts(&self) {
        expect(&self.acme_attempts, OK_OR_FAILED);
    }

    /// There will be reloads of certificate files.
    pub fn expect_file_reloads(&self) {
        expect(&self.certificate_reloads, OK_OR_FAILED);
    }

    /// Counts the lines that this log loses.
    pub fn follow_log(&self, log: &LogGuard) {
        // A process has one log.
        let _ = self.lost.set(log.lost());
    }

    /// Forgets a certificate that is served no more.
    pub fn forget_certificate(&self, name: &str) {
        let labels = CertificateLabels {
            name: name.to_owned(),
        };
        self.certificate_not_before.remove(&labels);
        self.certificate_not_after.remove(&labels);
        self.certificate_next_attempt.remove(&labels);
        for state in STATES {
            let name = name.to_owned();
            self.certificate_state
                .remove(&CertificateStateLabels { name, state });
        }
    }

    pub(super) fn dropped_lines(&self) -> u64 {
        let lost = self.lost.get().map_or(0, ErrorCounter::dropped_lines);
        u64::try_from(lost).unwrap_or(u64::MAX)
    }

    /// The registry, for exposition.
    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Begins all counts at 0: a series that appears with its first failure shows no increase, and an
/// alert would miss it.
fn expect(family: &Family<OutcomeLabels, Counter>, label: Label) {
    for outcome in label.words() {
        family.get_or_create_owned(&OutcomeLabels { outcome });
    }
}
