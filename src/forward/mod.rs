//! The reverse proxy: requests out to a server behind us, answers back as they arrive.
//!
//! [`Forwarder`] is a door. One instance carries the HTTP API over kept-alive HTTP/1.1
//! connections, another carries gRPC over HTTP/2. A request is rewritten (`request.rs`), sent,
//! and its answer passed on frame by frame with its trailers (`answer.rs`); nothing is buffered,
//! compressed or cut anew. A WebSocket becomes a tunnel (`websocket.rs`, `tunnel.rs`), whether it
//! came over HTTP/1.1 or HTTP/2. What a failure becomes stands in `failure.rs`.
//!
//! This room must not know what the requests mean, nor how connections are kept: that is the
//! upstream room's. No task outlives its request but a tunnel: a client that leaves drops the
//! exchange, and with it the upstream's side.
//!
//! Limits: `limits.api_body_bytes`, `limits.upstream_idle` and `limits.upstream_stream_idle`;
//! the pools' own.

mod answer;
mod failure;
mod fields;
mod forwarder;
mod frames;
#[cfg(fuzzing)]
pub mod fuzzing;
mod grpc;
mod outcome;
mod outgoing;
mod request;
mod response;
mod tunnel;
mod websocket;

pub use forwarder::{ForwardSettings, Forwarder};
