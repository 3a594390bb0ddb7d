//! What an operator's command looks at from outside, or asks of a running process.
//!
//! For now the liveness of a process, for container health checks in images without shell or
//! curl. This room speaks to the admin listener as any client would; it knows nothing of how the
//! process answers.
//!
//! Limits: a question takes at most the time its caller gives, an answer is read up to 8 KiB.

mod health;

pub use health::{HealthError, health};
