//! GitLab's gRPC service, answered in this process.
//!
//! [`Agent`] is the door. It asks `access` who calls, lets health and reflection through without,
//! hands calls to the methods (`service.rs`), and tells the log and the metrics how each ended. The
//! first event of a session's stream is judged in `first_event.rs`: which flow it asks for, whether
//! the caller may run it, and whether it runs here. A turn of a session is `session`'s.
//!
//! This room must not know connections, TLS or whether it is reached on 443 or 50052.
//!
//! Limits: 4 MiB for a message in either direction, `limits.request_head_bytes` for metadata,
//! `limits.agent_first_event_seconds` until a stream says what it is for. Texts of failures that
//! repeat what a client sent have 1 KiB.

#[expect(
    clippy::module_inception,
    reason = "the file is named after the door it defines"
)]
mod agent;
mod call;
mod call_log;
pub mod executor;
mod first_event;
mod flow_request;
#[cfg(fuzzing)]
pub mod fuzzing;
mod health;
mod hidden_text;
mod lasting;
mod measures;
mod metadata;
mod method;
mod partial_flow;
mod permission;
pub mod proto;
mod reflection;
mod secrets;
mod service;
pub mod session;
mod status;
pub mod struct_value;
mod tool_names;
pub mod tools;

pub use agent::{Agent, AgentSettings};
pub use lasting::Lasting;
