//! The composition root: from a configuration to a running process.
//!
//! The only place that sees every room. It builds what the configuration asks for, in the order
//! of the levels, and ends it in the opposite order.

mod serve;

pub use serve::{check, serve};
