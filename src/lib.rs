//! Duogate: one process in front of, or instead of, GitLab Duo's AI gateway and agent platform.
//!
//! The way a byte takes:
//!
//! ```text
//! socket -> listener -> tls -> http (gate, dispatch) -> a door: gateway | agent | forward -> upstream
//!                        ^
//!                      acme keeps the certificate store filled
//! ```
//!
//! Each module is a room with one purpose; it may import rooms of lower levels only, which
//! `tests/it/architecture.rs` enforces. ARCHITECTURE.md walks through the rooms.

pub mod foundation;

pub mod config;
pub mod telemetry;

pub mod listener;
pub mod prompt;
pub mod upstream;

pub mod access;
pub mod documentation;
pub mod model;
pub mod tls;

pub mod acme;
pub mod flow;
pub mod http;

pub mod admin;
pub mod agent;
pub mod forward;
pub mod gateway;
pub mod inspect;

pub mod app;

pub mod cli;
