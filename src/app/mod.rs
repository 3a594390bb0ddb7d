//! The composition root: from a configuration to a running process.
//!
//! The only place that sees every room. It reads as a checklist: judge the configuration with
//! every room that can, open every address before the first connection is accepted, fill the
//! certificate store, build the doors, serve, and end in order. It must not
//! know what a request is: it hands rooms to rooms and decides nothing between them.
//!
//! A reload repeats the checklist with the configuration as it stands then. Everything that can
//! fail comes first, then one swap: a `Generation` is what connections get that come after it.
//! Connections keep what they began with; each request goes to the doors in force when it arrives.
//!
//! Limits: one runtime; everything else is bounded by the rooms it wires.

mod access;
mod base;
mod certificates;
mod check;
mod connections;
mod doors;
mod drain;
mod error;
mod generation;
mod hand_over;
mod keeping;
mod listen;
mod listeners;
mod notify;
mod operator;
mod reload;
mod report;
mod routes;
mod serve;
mod watchdog;

pub use base::Services;
pub use check::{check, notices};
pub use error::ServeError;
pub use serve::{Running, serve, start};
