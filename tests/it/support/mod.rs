//! What tests stand on: the real binary, real clients, stand-in upstreams.
//!
//! Everything is started on loopback with ports and folders of its own, so tests run side by
//! side. Whatever a test starts dies with it: handles kill on drop, and the kernel kills what a
//! killed test leaves behind.

mod acme_edge;
pub(crate) mod certificate;
pub(crate) mod clock;
pub(crate) mod cloud_server;
pub(crate) mod curl;
mod duogate;
pub(crate) mod edge;
pub(crate) mod flood;
mod folder;
pub(crate) mod frames;
pub(crate) mod judge;
pub(crate) mod key_server;
pub(crate) mod llama;
#[expect(
    dead_code,
    reason = "some of what it can do and records has no test yet"
)]
pub(crate) mod mock_authority;
pub(crate) mod model_server;
mod parts;
mod ports;
mod process;
mod reloading;
mod samples;
pub(crate) mod scratch;
pub(crate) mod secrets;
mod standin;
pub(crate) mod tls_client;
pub(crate) mod token_key;
mod web;
pub(crate) mod wire;

pub(crate) use certificate::TestAuthority;
pub(crate) use curl::{curl, fetch};
pub(crate) use duogate::{Duogate, Settings};
pub(crate) use folder::Folder;
pub(crate) use parts::{
    agent_client, cloud, grpcurl, have, have_tokens, jwt, node, python, seconds_from_environment,
    session_load, skip, sslyze, workhorse_client,
};
pub(crate) use ports::Port;
pub(crate) use process::{Outcome, Process, command, run};
pub(crate) use samples::{Sample, appears, samples, settles, value};
pub(crate) use standin::Standin;
pub(crate) use web::{Answer, get, request};
