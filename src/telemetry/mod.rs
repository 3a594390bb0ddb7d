//! What the process tells its operator: log lines and metrics.
//!
//! [`Metrics`] holds every metric with its name, unit and help on one page (`names.rs`); rooms
//! above record into it and never register one of their own. What happens for each request is
//! recorded by handles that were resolved before, without a lock. [`exposition`](expose) writes
//! them in the Prometheus text format 0.0.4 or as OpenMetrics, [`reference`] documents them. The log goes to standard output and,
//! where asked, to a file that may be rotated under us.
//!
//! This room must not know requests or configuration: it takes plain values. Secrets are kept
//! out where lines are made; nothing here prints headers, bodies or metadata.
//!
//! Limits: 65 536 log lines wait for a slow reader, then lines are dropped and counted; label
//! values come from closed sets, never from requests.

mod description;
mod durations;
mod exposition;
mod label_values;
mod labels;
mod log;
mod names;
mod process;

pub use description::{Label, MetricDescription, Values, reference};
pub use durations::Durations;
pub use exposition::{ExpositionFormat, expose};
pub use labels::{
    AcmeErrorLabels, ActionLabels, BuildLabels, CallLabels, CertificateLabels,
    CertificateStateLabels, CheckpointLabels, ClientLabels, CodeLabels, CompactionLabels,
    ConnectionLabels, DoorLabels, EndpointLabels, GitLabLabels, HandlerLabels, HandshakeLabels,
    InferenceLabels, InferenceOutcomeLabels, KeySourceLabels, KeySourceStateLabels, KindLabels,
    LanguageLabels, ModelLabels, OutcomeLabels, PhaseLabels, ReasonLabels, RequestLabels, RuleName,
    SessionAbortLabels, SessionFailureLabels, SessionLabels, SummaryLabels, ToolFailureLabels,
    ToolLabels, UpstreamConnectionLabels, UpstreamLabels, UpstreamNameLabels, ViolationLabels,
};
pub use log::{LogError, LogGuard, LogLevelSwitch, LogSettings, start_log};
pub use names::Metrics;
