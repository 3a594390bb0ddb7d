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
    AcmeErrorLabels, ActionLabels, BuildLabels, CallLabels, CertificateLabels,
    CertificateStateLabels, CheckpointLabels, CodeLabels, CompactionLabels, ConnectionLabels,
    DoorLabels, Durations, EndpointLabels, GitLabLabels, HandlerLabels, HandshakeLabels,
    InferenceLabels, InferenceOutcomeLabels, KeySourceLabels, KeySourceStateLabels, KindLabels,
    LanguageLabels, LogGuard, ModelLabels, OutcomeLabels, PhaseLabels, ReasonLabels, RequestLabels,
    SessionAbortLabels, SessionFailureLabels, SessionLabels, SummaryLabels, ToolFailureLabels,
    ToolLabels, UpstreamConnectionLabels, UpstreamLabels, UpstreamNameLabels, ViolationLabels,
    description::{Label, MetricDescription},
    label_values::{
        ACME_ERROR, ACTION_CLASS, AGENT_NAME, ATTEMPT, AUTHENTICATION, CERTIFICATE,
        CERTIFICATE_STATE, CHECKPOINT_ENDPOINT, CHECKPOINT_METHOD, CHECKPOINT_STATUS, CLIENT_TYPE,
        CODE, COMPACTION_STATUS, CONNECT, CONNECTION_STATE, DOOR, DOOR_OR_GATE, EDITOR_LANGUAGE,
        ENDPOINT, EXCHANGE, EXTENSION, FAILURE_REASON, FEATURE, FINISH_REASON, FLOW_TYPE,
        GITLAB_ENDPOINT, GITLAB_METHOD, GITLAB_VERSION, GROUP, GRPC_CODE, GRPC_METHOD,
        GRPC_SERVICE, GRPC_TYPE, HANDLER, HANDSHAKE, HANDSHAKE_KIND, INFERENCE_ERROR,
        INFERENCE_FAILED, KEY_FETCH, KEY_SOURCE, KEY_SOURCE_STATE, KEY_SOURCE_STATES, KIND,
        LANGUAGE, LISTENER, LSP_VERSION, METHOD, MODEL_ENGINE, MODEL_FAILURE, MODEL_NAME,
        OK_OR_FAILED, PHASE, PROTOCOL, REALM, REFUSAL, RELOAD, RULE, SEARCH, SERVER, SESSION_TYPE,
        STATES, STATUS, STATUS_CLASS, STREAMING, TEAM_MEMBER, TLS_VERSION, TOOL_FAILURE, TOOL_NAME,
        UNIT_PRIMITIVE, UPSTREAM, VERSION,
    },
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
    upstream_connects: Family<UpstreamLabels, Counter>, "duogate_upstream_connects_total", [SERVER, CONNECT],
        "Attempts to connect to an upstream";
    upstream_connections: Family<UpstreamConnectionLabels, Gauge>, "duogate_upstream_connections",
        [SERVER, CONNECTION_STATE],
        "Connections to an upstream now; one of HTTP/2 is in use while it carries a stream";
    upstream_connections_limit: Family<UpstreamNameLabels, Gauge>, "duogate_upstream_connections_limit", [SERVER],
        "How many connections to an upstream may be in use (limits.upstream_connections; to one model server limits.requests_in_flight)";

    handler_seconds: Family<HandlerLabels, Durations>, "http_request_duration_seconds",
        [HANDLER, METHOD, STATUS_CLASS],
        "From a request of the HTTP API to the head of its answer";
    inferences_in_flight: Family<ModelLabels, Gauge>, "model_inferences_in_flight",
        [MODEL_ENGINE, MODEL_NAME],
        "Calls of models now";
    inferences: Family<InferenceOutcomeLabels, Counter>, "model_inferences_total",
        [MODEL_ENGINE, MODEL_NAME, INFERENCE_FAILED, INFERENCE_ERROR, STREAMING, FEATURE,
         UNIT_PRIMITIVE, FINISH_REASON],
        "Calls of models ended";
    inference_seconds: Family<InferenceLabels, Durations>, "inference_request_duration_seconds",
        [MODEL_ENGINE, MODEL_NAME, FEATURE, UNIT_PRIMITIVE],
        "From a call of a model to the end of its answer";
    input_tokens: Family<InferenceLabels, Counter>, "inference_input_tokens_total",
        [MODEL_ENGINE, MODEL_NAME, FEATURE, UNIT_PRIMITIVE],
        "Tokens that models were given, as their servers count";
    output_tokens: Family<InferenceLabels, Counter>, "inference_output_tokens_total",
        [MODEL_ENGINE, MODEL_NAME, FEATURE, UNIT_PRIMITIVE],
        "Tokens that models wrote, as their servers count";
    total_tokens: Family<InferenceLabels, Counter>, "inference_total_tokens_total",
        [MODEL_ENGINE, MODEL_NAME, FEATURE, UNIT_PRIMITIVE],
        "Both together";
    first_token_seconds: Family<InferenceLabels, Durations>, "duogate_model_first_token_duration_seconds",
        [MODEL_ENGINE, MODEL_NAME, FEATURE, UNIT_PRIMITIVE],
        "From a call of a model to the first text of its answer";
    generation_seconds: Family<InferenceLabels, Durations>, "duogate_model_generation_duration_seconds",
        [MODEL_ENGINE, MODEL_NAME, FEATURE, UNIT_PRIMITIVE],
        "From the first text of an answer to the last; output tokens divided by its sum is the speed";
    model_attempts: Family<OutcomeLabels, Counter>, "duogate_model_attempts_total", [ATTEMPT],
        "Requests sent to model servers: first ones, again after a failure, adjusted to what the server takes, elsewhere";
    model_failures: Family<ReasonLabels, Counter>, "duogate_model_failures_total", [MODEL_FAILURE],
        "Calls of models that failed";
    model_endpoint_open: Family<EndpointLabels, Gauge>, "duogate_model_endpoint_open", [ENDPOINT],
        "1 while a server of models.endpoints keeps failing and is left alone, else 0";
    prompt_languages: Family<LanguageLabels, Counter>, "code_suggestions_prompt_language_total",
        [LANGUAGE, EXTENSION, EDITOR_LANGUAGE],
        "Files that were to be completed";
    post_processing_seconds: Family<ModelLabels, Durations>,
        "code_suggestions_post_processing_duration_seconds", [MODEL_ENGINE, MODEL_NAME],
        "How long the cleaning of a completion took";

    documentation_searches: Family<OutcomeLabels, Counter>, "duogate_documentation_searches_total", [SEARCH],
        "Searches of the documentation: cut ones had no time for the whole index, unavailable ones no usable file";
    agent_calls: Family<CallLabels, Counter>, "grpc_server_handled_total",
        [GRPC_TYPE, GRPC_SERVICE, GRPC_METHOD, GRPC_CODE, FLOW_TYPE, LSP_VERSION, GITLAB_VERSION,
         CLIENT_TYPE, REALM, TEAM_MEMBER],
        "Calls of the built-in agent platform that ended";
    agent_starts: Family<SessionLabels, Counter>, "agent_platform_receive_start_total",
        [FLOW_TYPE, LSP_VERSION, GITLAB_VERSION, CLIENT_TYPE, REALM, TEAM_MEMBER],
        "Sessions that were to begin or go on, whatever became of it";
    sessions_open: Gauge, "duogate_agent_sessions_open", [],
        "Sessions of the built-in agent platform now; bounded by limits.agent_sessions";
    session_starts: Family<SessionLabels, Counter>, "agent_platform_session_start_total",
        [FLOW_TYPE, LSP_VERSION, GITLAB_VERSION, CLIENT_TYPE, REALM, TEAM_MEMBER],
        "Turns that began a session";
    session_resumes: Family<SessionLabels, Counter>, "agent_platform_session_resume_total",
        [FLOW_TYPE, LSP_VERSION, GITLAB_VERSION, CLIENT_TYPE, REALM, TEAM_MEMBER],
        "Turns of a session that waited for its user";
    session_retries: Family<SessionLabels, Counter>, "agent_platform_session_retry_total",
        [FLOW_TYPE, LSP_VERSION, GITLAB_VERSION, CLIENT_TYPE, REALM, TEAM_MEMBER],
        "Turns of a session that was stopped, failed or cut off";
    session_rejects: Family<SessionLabels, Counter>, "agent_platform_session_reject_total",
        [FLOW_TYPE, LSP_VERSION, GITLAB_VERSION, CLIENT_TYPE, REALM, TEAM_MEMBER],
        "Turns that did not begin, since GitLab refused or the session cannot go on";
    session_successes: Family<SessionLabels, Counter>, "agent_platform_session_success_total",
        [FLOW_TYPE, LSP_VERSION, GITLAB_VERSION, CLIENT_TYPE, REALM, TEAM_MEMBER],
        "Turns that went well";
    session_failures: Family<SessionFailureLabels, Counter>, "agent_platform_session_failure_total",
        [FAILURE_REASON, SESSION_TYPE, FLOW_TYPE, LSP_VERSION, GITLAB_VERSION, CLIENT_TYPE, REALM,
         TEAM_MEMBER],
        "Turns that failed";
    session_aborts: Family<SessionAbortLabels, Counter>, "agent_platform_session_abort_total",
        [SESSION_TYPE, FLOW_TYPE, LSP_VERSION, GITLAB_VERSION, CLIENT_TYPE, REALM,
         TEAM_MEMBER],
        "Turns that the user, the client or the end of a process ended";
    first_response_seconds: Family<SessionLabels, Durations>,
        "duo_workflow_time_to_first_response_seconds", [FLOW_TYPE, LSP_VERSION, GITLAB_VERSION, CLIENT_TYPE, REALM, TEAM_MEMBER],
        "From a session's first event to the first word or call of its model";
    tool_seconds: Family<ToolLabels, Durations>, "duo_workflow_tool_call_seconds",
        [TOOL_NAME, FLOW_TYPE, LSP_VERSION, GITLAB_VERSION, CLIENT_TYPE, REALM,
         TEAM_MEMBER],
        "How long calls of tools took, with what the client and GitLab took of it";
    tool_failures: Family<ToolFailureLabels, Counter>, "agent_platform_tool_failure_total",
        [TOOL_NAME, TOOL_FAILURE, FLOW_TYPE, LSP_VERSION, GITLAB_VERSION, CLIENT_TYPE, REALM,
         TEAM_MEMBER],
        "Calls of tools that failed: GitLab refused, the client could not, the model gave wrong arguments, or it is not allowed";
    gitlab_seconds: Family<GitLabLabels, Durations>, "duo_workflow_gitlab_response_seconds",
        [GITLAB_ENDPOINT, GITLAB_METHOD],
        "From a request to GitLab through a session's client to the answer";
    checkpoints: Family<CheckpointLabels, Counter>, "duo_workflow_checkpoint_total",
        [CHECKPOINT_ENDPOINT, CHECKPOINT_STATUS, CHECKPOINT_METHOD, LSP_VERSION, GITLAB_VERSION, CLIENT_TYPE, REALM,
         TEAM_MEMBER],
        "Checkpoints given to GitLab, by its last answer";
    compactions: Family<CompactionLabels, Counter>, "compaction_execution_total",
        [AGENT_NAME, COMPACTION_STATUS, FLOW_TYPE, LSP_VERSION, GITLAB_VERSION, CLIENT_TYPE, REALM,
         TEAM_MEMBER],
        "Conversations that were to be summarized";
    compaction_seconds: Family<SummaryLabels, Durations>, "compaction_llm_duration_seconds",
        [AGENT_NAME, FLOW_TYPE, LSP_VERSION, GITLAB_VERSION, CLIENT_TYPE, REALM,
         TEAM_MEMBER],
        "How long models took for a summary";
    action_seconds: Family<ActionLabels, Durations>, "executor_actions_duration_seconds", [ACTION_CLASS],
        "From an action for a session's client to its answer";

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

    authentications: Family<OutcomeLabels, Counter>, "duogate_authentications_total", [AUTHENTICATION],
        "Requests to the built-in doors, by what became of their tokens";
    key_source_state: Family<KeySourceStateLabels, Gauge>, "duogate_key_source_state", [KEY_SOURCE, KEY_SOURCE_STATE],
        "1 for the state of a source of keys, else 0; with stale the last good keys count";
    key_source_keys: Family<KeySourceLabels, Gauge>, "duogate_key_source_keys", [KEY_SOURCE],
        "Keys of a source that count";
    key_source_fetched: Family<KeySourceLabels, Gauge>, "duogate_key_source_last_success_timestamp_seconds",
        [KEY_SOURCE],
        "When a source's keys were fetched; 0 for never";
    key_fetches: Family<OutcomeLabels, Counter>, "duogate_key_fetches_total", [KEY_FETCH],
        "Attempts to fetch the keys of a source";

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

    /// There will be searches of the documentation.
    pub fn expect_documentation(&self) {
        expect(&self.documentation_searches, SEARCH);
    }

    /// There will be attempts to obtain certificates.
    pub fn expect_attempts(&self) {
        expect(&self.acme_attempts, OK_OR_FAILED);
    }

    /// There will be reloads of certificate files.
    pub fn expect_file_reloads(&self) {
        expect(&self.certificate_reloads, OK_OR_FAILED);
    }

    /// There will be tokens to judge and keys to fetch.
    pub fn expect_tokens(&self) {
        expect(&self.authentications, AUTHENTICATION);
        expect(&self.key_fetches, KEY_FETCH);
    }

    /// There will be calls of models, at these servers among others.
    pub fn expect_models(&self, endpoints: impl IntoIterator<Item = String>) {
        expect(&self.model_attempts, ATTEMPT);
        for reason in MODEL_FAILURE.words() {
            let labels = ReasonLabels { reason };
            self.model_failures.get_or_create_owned(&labels);
        }
        for endpoint in endpoints {
            let labels = EndpointLabels { endpoint };
            self.model_endpoint_open.get_or_create(&labels).set(0);
        }
    }

    /// Shows a source of keys; `state` is one of the words of its metric.
    pub fn show_key_source(&self, url: &str, state: &str, keys: usize, fetched: i64) {
        for known in KEY_SOURCE_STATES {
            let labels = KeySourceStateLabels {
                source: url.to_owned(),
                state: known,
            };
            let present = i64::from(*known == state);
            self.key_source_state.get_or_create(&labels).set(present);
        }
        let labels = KeySourceLabels {
            source: url.to_owned(),
        };
        let keys = i64::try_from(keys).unwrap_or(i64::MAX);
        self.key_source_keys.get_or_create(&labels).set(keys);
        self.key_source_fetched.get_or_create(&labels).set(fetched);
    }

    /// Forgets a source of keys that is asked no more.
    pub fn forget_key_source(&self, url: &str) {
        for state in KEY_SOURCE_STATES {
            let source = url.to_owned();
            self.key_source_state
                .remove(&KeySourceStateLabels { source, state });
        }
        let labels = KeySourceLabels {
            source: url.to_owned(),
        };
        self.key_source_keys.remove(&labels);
        self.key_source_fetched.remove(&labels);
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
