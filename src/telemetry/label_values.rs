//! What labels are called and can say.

use super::description::{Label, Values};

pub(super) const VERSION: Label = Label("version", Values::Any("the version of the package"));
pub(super) const PHASE: Label = Label(
    "phase",
    Values::OneOf(&["running", "leaving", "draining", "cut"]),
);
pub(super) const LISTENER: Label = Label(
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
pub(super) const REFUSAL: Label = Label(
    "outcome",
    Values::OneOf(&["total", "per_client", "proxy_header"]),
);
pub(super) const SEARCH: Label = Label(
    "outcome",
    Values::OneOf(&["found", "empty", "cut", "unavailable", "busy"]),
);
pub(super) const HANDSHAKE: Label = Label(
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
pub(super) const TLS_VERSION: Label =
    Label("version", Values::OneOf(&["TLSv1.2", "TLSv1.3", "none"]));
pub(super) const GROUP: Label = Label(
    "group",
    Values::Any("the key-exchange group, such as `X25519MLKEM768`, or `none`"),
);
pub(super) const HANDSHAKE_KIND: Label = Label(
    "kind",
    Values::OneOf(&["full", "hello_retry", "resumed", "none"]),
);
pub(super) const DOOR: Label = Label(
    "door",
    Values::OneOf(&["gateway", "agent", "clear", "admin"]),
);
pub(super) const DOOR_OR_GATE: Label = Label(
    "door",
    Values::OneOf(&["gateway", "agent", "clear", "admin", "gate"]),
);
pub(super) const STATUS: Label = Label(
    "status",
    Values::Any(
        "the HTTP status from 100 to 599, `499` when the client left before there was one, `600` for any above",
    ),
);
pub(super) const HANDLER: Label = Label(
    "handler",
    Values::Any("the route, such as `/v2/code/completions`"),
);
pub(super) const METHOD: Label = Label("method", Values::OneOf(&["GET", "POST"]));
pub(super) const STATUS_CLASS: Label =
    Label("status", Values::OneOf(&["2xx", "3xx", "4xx", "5xx"]));
pub(super) const LANGUAGE: Label = Label(
    "lang",
    Values::Any("the language by the file's name, or `other`"),
);
pub(super) const EXTENSION: Label = Label(
    "extension",
    Values::Any("the file's extension where it tells a language, else `other` or `none`"),
);
pub(super) const EDITOR_LANGUAGE: Label = Label(
    "editor_lang",
    Values::Any("the language that the editor names, `other` or `none`"),
);
pub(super) const MODEL_ENGINE: Label = Label("model_engine", Values::OneOf(&["litellm-chat"]));
pub(super) const MODEL_NAME: Label = Label(
    "model_name",
    Values::Any("the model's family, such as `mistral`"),
);
pub(super) const CODE: Label = Label(
    "code",
    Values::Any("the gRPC status, `0` for OK to `16`, `17` for any above"),
);
pub(super) const GRPC_TYPE: Label = Label("grpc_type", Values::OneOf(&["UNARY", "BIDI_STREAMING"]));
pub(super) const GRPC_SERVICE: Label = Label("grpc_service", Values::OneOf(&["DuoWorkflow"]));
pub(super) const GRPC_METHOD: Label = Label(
    "grpc_method",
    Values::OneOf(&[
        "ExecuteWorkflow",
        "GenerateToken",
        "ListCapabilities",
        "ListTools",
        "ListFlows",
        "TrackSelfHostedExecuteWorkflow",
        "ValidateFlowConfig",
    ]),
);
pub(super) const GRPC_CODE: Label = Label(
    "grpc_code",
    Values::Any("the status by name, such as `OK` or `UNAUTHENTICATED`"),
);
pub(super) const FLOW_TYPE: Label = Label(
    "flow_type",
    Values::Any("what was to run, such as `chat` or `developer/v1`, else `other` or `unknown`"),
);
pub(super) const FAILURE_REASON: Label = Label(
    "failure_reason",
    Values::Any("the kind of failure, such as `ModelError` or `ForbiddenStatusEvent`"),
);
pub(super) const SESSION_TYPE: Label = Label(
    "session_type",
    Values::OneOf(&["start", "resume", "retry", "unknown"]),
);
pub(super) const TOOL_NAME: Label = Label(
    "tool_name",
    Values::Any("the tool, such as `get_issue`; one that GitLab does not name is `other`"),
);
pub(super) const TOOL_FAILURE: Label = Label(
    "failure_reason",
    Values::OneOf(&["refused", "executor", "arguments", "denied", "not_found"]),
);
pub(super) const GITLAB_ENDPOINT: Label = Label(
    "endpoint",
    Values::Any(
        "the path's pattern, such as `/api/v4/projects/:id/issues`; of the first hundred, else `other`",
    ),
);
pub(super) const GITLAB_METHOD: Label = Label(
    "method",
    Values::OneOf(&["GET", "POST", "PUT", "PATCH", "DELETE", "other"]),
);
pub(super) const CHECKPOINT_ENDPOINT: Label = Label(
    "endpoint",
    Values::OneOf(&["/api/v4/ai/duo_workflows/workflows/:id/checkpoints"]),
);
pub(super) const CHECKPOINT_STATUS: Label = Label(
    "status_code",
    Values::Any("GitLab's answer, from 100 to 599; `0` where there was none"),
);
pub(super) const CHECKPOINT_METHOD: Label = Label("method", Values::OneOf(&["POST"]));
pub(super) const AGENT_NAME: Label = Label(
    "agent_name",
    Values::Any("the agent, such as `Chat Agent`; one that a client brought along is `other`"),
);
pub(super) const COMPACTION_STATUS: Label = Label("status", Values::OneOf(&["success", "failure"]));
pub(super) const ACTION_CLASS: Label = Label(
    "action_class",
    Values::Any("the kind of action, such as `RunHTTPRequest` or `ReadFile`"),
);
pub(super) const LSP_VERSION: Label = Label(
    "lsp_version",
    Values::Any(
        "the version of the editor's language server; of the first fifty, else `other`, or `unknown`",
    ),
);
pub(super) const GITLAB_VERSION: Label = Label(
    "gitlab_version",
    Values::Any("GitLab's version; of the first fifty, else `other`, or `unknown`"),
);
pub(super) const CLIENT_TYPE: Label = Label(
    "client_type",
    Values::OneOf(&[
        "gitlab-rails",
        "browser",
        "ide",
        "cli",
        "node-websocket",
        "node-grpc",
        "other",
        "unknown",
    ]),
);
pub(super) const REALM: Label = Label(
    "gitlab_realm",
    Values::OneOf(&["self-managed", "saas", "other", "unknown"]),
);
pub(super) const TEAM_MEMBER: Label = Label(
    "is_gitlab_team_member",
    Values::OneOf(&["true", "false", "other", "unknown"]),
);
pub(super) const KIND: Label = Label("kind", Values::OneOf(&["http", "sse", "websocket", "grpc"]));
pub(super) const PROTOCOL: Label = Label("protocol", Values::OneOf(&["http1", "http2"]));
pub(super) const RULE: Label = Label(
    "rule",
    Values::Any("the rule's name, such as `host_missing` or `ping_flood`"),
);
pub(super) const UPSTREAM: Label = Label("upstream", Values::OneOf(&["gateway", "agent_platform"]));
pub(super) const SERVER: Label = Label(
    "upstream",
    Values::OneOf(&["gateway", "agent_platform", "models"]),
);
pub(super) const EXCHANGE: Label = Label(
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
pub(super) const CONNECT: Label = Label(
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
pub(super) const CONNECTION_STATE: Label = Label("state", Values::OneOf(&["idle", "in_use"]));
pub(super) const CERTIFICATE: Label = Label("name", Values::Any("the certificate's first name"));
pub(super) const STATES: &[&str] = &[
    "missing",
    "ordering",
    "valid",
    "due",
    "renewing",
    "backing_off",
    "blocked",
];
pub(super) const CERTIFICATE_STATE: Label = Label("state", Values::OneOf(STATES));
pub(super) const OK_OR_FAILED: Label = Label("outcome", Values::OneOf(&["ok", "failed"]));
pub(super) const ACME_ERROR: Label = Label(
    "kind",
    Values::Any(
        "the problem's type (RFC 8555 6.7), `other`, or `unexplained` where the server gave none",
    ),
);
pub(super) const AUTHENTICATION: Label = Label(
    "outcome",
    Values::OneOf(&[
        "remembered",
        "verified",
        "bypassed",
        "no_token",
        "wrong_type",
        "malformed",
        "algorithm",
        "unknown_key",
        "signature",
        "expired",
        "not_yet_valid",
        "audience",
        "forged_issuer",
        "mismatch",
        "no_keys",
    ]),
);
pub(super) const KEY_SOURCE: Label = Label(
    "source",
    Values::Any("the source's URL in the configuration"),
);
pub(super) const KEY_SOURCE_STATES: &[&str] = &["waiting", "current", "stale"];
pub(super) const KEY_SOURCE_STATE: Label = Label("state", Values::OneOf(KEY_SOURCE_STATES));
pub(super) const KEY_FETCH: Label = Label(
    "outcome",
    Values::OneOf(&[
        "ok",
        "unreachable",
        "timeout",
        "status",
        "redirect",
        "too_large",
        "malformed",
    ]),
);
pub(super) const RELOAD: Label = Label("outcome", Values::OneOf(&["ok", "refused"]));

pub(super) const INFERENCE_FAILED: Label = Label("error", Values::OneOf(&["yes", "no"]));
pub(super) const INFERENCE_ERROR: Label = Label(
    "error_type",
    Values::OneOf(&[
        "none",
        "prompt_too_long",
        "overloaded",
        "http_400",
        "permission_error",
        "service_unavailable",
        "connection_error",
        "other",
    ]),
);
pub(super) const STREAMING: Label = Label("streaming", Values::OneOf(&["yes", "no"]));
pub(super) const FEATURE: Label = Label(
    "feature_category",
    Values::OneOf(&[
        "code_suggestions",
        "duo_chat",
        "duo_agent_platform",
        "embeddings",
        "prompts",
    ]),
);
pub(super) const UNIT_PRIMITIVE: Label = Label(
    "unit_primitive",
    Values::Any("the permission that the prompt stands for, such as `complete_code`"),
);
pub(super) const FINISH_REASON: Label = Label(
    "finish_reason",
    Values::OneOf(&[
        "stop",
        "length",
        "tool_calls",
        "content_filter",
        "guardrail_intervened",
        "other",
        "unknown",
    ]),
);
pub(super) const ATTEMPT: Label = Label(
    "outcome",
    Values::OneOf(&["first", "again", "adjusted", "elsewhere"]),
);
pub(super) const MODEL_FAILURE: Label = Label(
    "reason",
    Values::OneOf(&[
        "bad_request",
        "credentials",
        "not_found",
        "prompt_too_long",
        "rate_limited",
        "server_error",
        "other_status",
        "unreachable",
        "reset",
        "cut",
        "timeout",
        "malformed",
        "too_large",
        "told",
        "busy",
        "resting",
    ]),
);
pub(super) const ENDPOINT: Label = Label(
    "endpoint",
    Values::Any("host and port of a server under `models.endpoints`"),
);
