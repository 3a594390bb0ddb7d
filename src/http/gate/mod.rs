//! The strict gate in front of hyper's HTTP/1 parser.
//!
//! hyper forgives what smuggling lives on, and what it
//! refuses it refuses without a body or a log line. So a byte-level scanner stands before it:
//! [`GateStream`] wraps the connection, reads along, and lets pass only bytes of heads that it
//! found valid as a whole and of bodies that are valid so far. What follows a request is held
//! until its answer is complete ([`GateControl`] is told), so a second request is never parsed early and
//! bytes behind an `Upgrade` reach the tunnel or nobody.
//!
//! A bad head never reaches hyper: the gate answers itself (`farewell.rs`), closes, and reports a
//! [`GateViolation`] to its hook. A bad chunk line fails the body instead, since the head is
//! gone already; the door answers then. Which rule gives which status is written on one page:
//! `violation.rs`. The scanners ([`HeadScanner`], [`ChunkScanner`]) read no socket and are
//! fuzzed.
//!
//! The gate must not know doors or paths, and it does not decide what a request means.
//!
//! Limits: `limits.request_head`, `request_head_bytes`, `request_head_fields`,
//! `request_target_bytes`, `keep_alive_idle`, `response_body_idle`; a method of 32 bytes; a chunk extension of 256
//! bytes; trailers of 8 KiB in 64 fields; 4 KiB read on behind a request; 2 s and 256 KiB of input
//! thrown away after an answer of its own. An idle connection holds no buffer here.

mod alphabet;
mod authority;
mod chunks;
mod control;
mod deadline;
mod farewell;
mod field;
mod head;
mod request_line;
mod stream;
mod trailer;
mod violation;

pub use chunks::ChunkScanner;
pub use control::GateControl;
pub use head::{BodyFraming, Head, HeadLimits, HeadProgress, HeadScanner};
pub use stream::{GateHook, GateStream, Wake};
pub use violation::{GateVerdict, GateViolation};
