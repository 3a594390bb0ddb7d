//! GitLab's HTTP API, answered in this process.
//!
//! A request is let in by its token, finds its route on one page (`routes.rs`), has its body read
//! field by field (`json.rs`, `fields.rs`), gets a prompt filled in and a model asked, and is
//! answered in the framing of its route (`answer.rs`, `framing.rs`). What a failure looks like is
//! written in `refusal.rs` and `model_refusal.rs`. One file for each endpoint.
//!
//! This room must not know connections, TLS or whether it is reached on 443 or 5052; nor how
//! tokens are judged, prompts are found or models are spoken to.
//!
//! Limits: bodies are bounded by the http room; JSON has 64 levels and 200 000 values; every field
//! has the bound of http-api 2; a log line holds 256 characters of a header.

mod answer;
mod api_document;
mod call;
mod chat_agent;
mod chat_events;
mod chat_request;
mod chat_tools;
mod chat_window;
mod cleaning;
mod cloud_only;
mod code_completions;
mod code_embeddings;
mod code_file;
mod code_generations;
mod code_suggestions;
mod completing;
mod completion_request;
mod cross_origin;
mod documentation_search;
mod embedding_request;
mod feature_flags;
mod fields;
mod framing;
#[cfg(fuzzing)]
pub mod fuzzing;
#[expect(
    clippy::module_inception,
    reason = "the door is the noun that the room is named after"
)]
mod gateway;
mod generating;
mod generation_request;
mod json;
mod language;
mod legacy_chat;
mod legacy_chat_request;
mod markers;
mod measures;
mod messages;
mod model_metadata;
mod model_refusal;
mod model_request;
mod monitoring;
mod prompt_request;
mod prompts;
mod react;
mod refusal;
mod repetition;
mod request_log;
mod request_path;
mod routes;
mod settings;
mod spaced_json;
mod suggestion_request;
mod user_access_token;

pub use gateway::Gateway;
pub use settings::GatewaySettings;
