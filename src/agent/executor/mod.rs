//! What the client does for us: its answers to our actions, and GitLab's API through it.
//!
//! [`Outbox`] sends actions on the stream and finds the answers to them; [`GitLab`] asks GitLab's
//! API in the user's name, which only the client can do. It must not know sessions, checkpoints or
//! flows.
//!
//! Limits: 4 MiB for an action; as many unanswered ones as `limits.agent_outstanding_actions`;
//! three attempts for a request; 10 s for each attempt of GraphQL, none for other actions, since a
//! person may sit behind them.

mod answer;
mod error;
mod gitlab;
mod measures;
mod outbox;
mod pattern;

pub use answer::{HttpAnswer, plain_text, scheduled};
pub use error::ExecutorError;
pub use gitlab::{GitLab, workflow_global_id};
pub use measures::ExecutorMeasures;
pub use outbox::Outbox;
