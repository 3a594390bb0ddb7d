//! What a client meets at a public name, step by step, and what to do about it.
//!
//! [`examine`] repeats what GitLab's own health checks do (`HEAD /`, `/monitoring/healthz`, a TLS
//! dial without ALPN, gRPC) and looks where those only say "failed": DNS, every address, the
//! chain, ALPN, who answers in whose place, trailers, port 80, clocks. Each file is one question;
//! `examination.rs` asks them in order and leaves out those that an earlier failure has answered.
//! Every [`Finding`] that is not ok carries its remedy.
//!
//! The doctor sends no token and nothing secret, so it looks on at servers with bad certificates; only
//! what `authenticated.rs` asks is secret, and that over connections whose certificate is believed.
//! It must not know the configuration of the server that it looks at: it stands outside.
//!
//! Limits: each step ends within the patience that its caller gives; at most eight addresses of a
//! name are dialled, all at once; 64 KiB of an answer are read.

mod agent_platform;
mod answerer;
mod api;
mod authenticated;
mod certificate;
mod clear_port;
mod difference;
mod examination;
mod finding;
mod names;
mod own_port;
mod place;
mod protocols;
mod reach;
mod settings;

pub use examination::{Questions, examine};
pub use finding::{Finding, Outcome, Report};
pub use place::{Place, PlaceError};
pub use settings::GitlabSettings;
