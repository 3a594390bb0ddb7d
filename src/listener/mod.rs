//! Sockets in, raw streams with a peer out.
//!
//! Every address is bound before the first connection is accepted; if one fails all are closed
//! and every failure is told. Accepted connections are counted, bounded in total and per client,
//! and handed on as an [`Incoming`]: a [`RawStream`] whose peer is what the socket says or, from
//! listed networks only, what a PROXY header says, and a permit that frees its place when it is
//! dropped.
//!
//! This room must not know TLS, HTTP or what a listener is for beyond its [`ListenerKind`]
//! (operator ports have places of their own, so that a flood of the public ones leaves them
//! reachable).
//!
//! Limits: `limits.connections`, `limits.connections_per_client` and `limits.proxy_header`; a
//! PROXY header of 107 bytes (version 1) or 1 024 bytes (version 2); 256 operator connections;
//! 1 024 connections wait for accept on each socket.
//!
//! [`ListenerKind`]: crate::foundation::ListenerKind

mod accept;
mod admission;
mod bind;
mod descriptors;
mod error;
mod inherited;
mod passing;
pub mod proxy_header;
mod receive;
mod stream;

pub use accept::{AcceptSettings, Incoming, run};
pub use admission::{ConnectionCounts, ConnectionPermit, Refusal};
pub use bind::{BindRequest, Listener, bind};
pub use descriptors::raise_descriptor_limit;
pub use error::ListenerError;
pub use inherited::InheritedSockets;
pub use passing::{pass_sockets, receive_sockets};
pub use stream::RawStream;
