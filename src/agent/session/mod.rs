//! One stream of `ExecuteWorkflow`: a turn of a session.
//!
//! [`SessionStart`] is the first event, judged by the service. Everything that a turn needs of
//! GitLab is asked through the client's stream, as the client's user, and so is the storing of what
//! the turn left: this process keeps nothing of a session between two turns.
//!
//! This room's part must not know tokens, permissions or how models are called.
//!
//! Limits: see `config/limits.rs`.

mod checkpoint;
mod checkpoints;
mod cleaning;
mod error;
mod history;
mod live_session;
mod measures;
mod notifier;
mod policy;
mod pump;
mod record;
mod reporter;
mod sessions;
mod start;
mod status;
mod turn;
mod workflow;

pub(super) use checkpoint::StoredCheckpoint;
pub(super) use error::SessionError;
pub(super) use measures::SessionMeasures;
pub(super) use status::StatusEvent;
pub(super) use workflow::Workflow;

pub use sessions::{OpenSessions, SessionServices, Sessions};
pub use start::{FlowChoice, RequestMetadata, SessionStart};
