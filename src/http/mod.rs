//! Byte streams in, requests to a door.
//!
//! A connection arrives from the listener or the TLS room with its facts. HTTP/1 passes the
//! strict [`gate`] first, HTTP/2 a watcher of frames; hyper parses both. Each request gets an
//! identifier, is admitted or refused, is dispatched to a [`Door`], and leaves one line in the
//! access log when its last byte has gone. What a failure looks like to a client is written on
//! one page: `problem.rs`. Who gets a request: `dispatch.rs`.
//!
//! This room must not know which doors exist: the application hands them in. It must not know
//! upstreams, tokens or models.
//!
//! Limits: all of `config::Limits`; heads, bodies, streams and requests in flight are bounded.

pub mod gate;

mod access_log;
mod admission;
mod body;
mod client_address;
mod connection;
mod dispatch;
mod door;
mod ending;
mod frames;
#[cfg(fuzzing)]
pub mod fuzzing;
mod hooks;
mod http1;
mod measures;
mod problem;
mod redirect;
mod rewind;
mod server;
mod service;
mod tokens;
mod tracked;
mod untaken;

pub use access_log::{AccessEntry, RequestFacts};
pub use body::{BodyError, RequestBody, ResponseBody, empty_body, full_body};
pub use client_address::is_trusted;
pub use door::{Door, DoorFuture, DoorKind, RequestContext, StreamKind};
pub use problem::{GrpcCode, Problem};
pub use redirect::Redirect;
pub use server::{Doors, HttpServer, HttpSettings, Surface};
pub use tokens::TokenTable;
