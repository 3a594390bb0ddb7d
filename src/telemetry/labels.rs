//! The labels of each family. Every value comes from a closed set that `names.rs` tells, or is a
//! name or URL from the configuration. From a request come only versions of GitLab and its editors, of
//! callers that were let in, and only so many.

use std::fmt::Write;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

macro_rules! labels {
    ($($(#[$about:meta])* $name:ident { $($(#[$how:meta])* $field:ident : $kind:ty),* })*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
        #[expect(missing_docs, reason = "names.rs tells what each label means, once")]
        pub struct $name { $($(#[$how])* pub $field: $kind),* }
    )*};
}

labels! {
    /// Of connections.
    ConnectionLabels { listener: &'static str }

    /// Of handshakes.
    HandshakeLabels {
        outcome: &'static str,
        version: &'static str,
        group: &'static str,
        kind: &'static str
    }

    /// Of answered requests.
    RequestLabels { door: &'static str, status: u16 }

    /// Of the HTTP API's answers.
    HandlerLabels { handler: &'static str, method: &'static str, status: &'static str }

    /// Of files that are completed.
    LanguageLabels { lang: &'static str, extension: &'static str, editor_lang: &'static str }

    /// Of a call of a model.
    InferenceLabels {
        model_engine: &'static str,
        model_name: String,
        feature_category: &'static str,
        unit_primitive: String
    }

    /// Of a failure.
    ReasonLabels { reason: &'static str }

    /// Of a configured endpoint of models.
    EndpointLabels { endpoint: String }

    /// Of a call of a model that ended.
    InferenceOutcomeLabels {
        model_engine: &'static str,
        model_name: String,
        error: &'static str,
        error_type: &'static str,
        streaming: &'static str,
        feature_category: &'static str,
        unit_primitive: String,
        finish_reason: &'static str
    }

    /// Of a model.
    ModelLabels { model_engine: &'static str, model_name: String }

    /// Of gRPC calls.
    CodeLabels { code: u16 }

    /// Of calls of the built-in agent platform.
    CallLabels {
        grpc_type: &'static str,
        grpc_service: &'static str,
        grpc_method: &'static str,
        grpc_code: &'static str,
        flow_type: &'static str,
        #[prometheus(flatten)]
        client: ClientLabels
    }

    /// Of a client of the built-in agent platform.
    ClientLabels {
        lsp_version: String,
        gitlab_version: String,
        client_type: &'static str,
        gitlab_realm: &'static str,
        is_gitlab_team_member: &'static str
    }

    /// Of a session of the built-in agent platform.
    SessionLabels {
        flow_type: &'static str,
        #[prometheus(flatten)]
        client: ClientLabels
    }

    /// Of a session that failed.
    SessionFailureLabels {
        failure_reason: &'static str,
        session_type: &'static str,
        #[prometheus(flatten)]
        session: SessionLabels
    }

    /// Of a session that was ended before its end.
    SessionAbortLabels {
        session_type: &'static str,
        #[prometheus(flatten)]
        session: SessionLabels
    }

    /// Of calls of a tool.
    ToolLabels {
        tool_name: &'static str,
        #[prometheus(flatten)]
        session: SessionLabels
    }

    /// Of a tool that failed.
    ToolFailureLabels {
        tool_name: &'static str,
        failure_reason: &'static str,
        #[prometheus(flatten)]
        session: SessionLabels
    }

    /// Of GitLab's answers to a session.
    GitLabLabels { endpoint: String, method: &'static str }

    /// Of checkpoints.
    CheckpointLabels {
        endpoint: &'static str,
        status_code: u16,
        method: &'static str,
        #[prometheus(flatten)]
        client: ClientLabels
    }

    /// Of conversations that were to be summarized.
    CompactionLabels {
        agent_name: &'static str,
        status: &'static str,
        #[prometheus(flatten)]
        session: SessionLabels
    }

    /// Of the calls of models for that.
    SummaryLabels {
        agent_name: &'static str,
        #[prometheus(flatten)]
        session: SessionLabels
    }

    /// Of what a session's client is asked to do.
    ActionLabels { action_class: &'static str }

    /// Of durations.
    DoorLabels { door: &'static str }

    /// Of requests in flight.
    KindLabels { kind: &'static str }

    /// Of broken rules.
    ViolationLabels { protocol: &'static str, rule: RuleName }

    /// Of what happens towards an upstream.
    UpstreamLabels { upstream: &'static str, outcome: &'static str }

    /// Of an upstream as a whole.
    UpstreamNameLabels { upstream: &'static str }

    /// Of connections to an upstream.
    UpstreamConnectionLabels { upstream: &'static str, state: &'static str }

    /// Of a certificate.
    CertificateLabels { name: String }

    /// Of a certificate's state.
    CertificateStateLabels { name: String, state: &'static str }

    /// Of refusals by an ACME server.
    AcmeErrorLabels { kind: &'static str }

    /// Of a source of keys.
    KeySourceLabels { source: String }

    /// Of a source's state.
    KeySourceStateLabels { source: String, state: &'static str }

    /// A plain outcome.
    OutcomeLabels { outcome: &'static str }

    /// Of the process's way to its end.
    PhaseLabels { phase: &'static str }

    /// Of the program.
    BuildLabels { version: &'static str }
}

/// The name of a constant, `BARE_LINE_FEED`, which is written in small letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RuleName(pub &'static str);

impl EncodeLabelValue for RuleName {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0
            .chars()
            .try_for_each(|letter| encoder.write_char(letter.to_ascii_lowercase()))
    }
}
