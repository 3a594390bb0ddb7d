//! What answers requests, and what it is told about them.

use std::{
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use http::{Request, Response};

use super::{RequestBody, ResponseBody};
use crate::foundation::{ConnectionFacts, RequestId};

/// The answer of a door, once its head is known.
pub type DoorFuture = Pin<Box<dyn Future<Output = Response<ResponseBody>> + Send + 'static>>;

/// Something that answers requests: the built-in gateway or agent, or a forwarder. The request
/// carries an [`Arc<RequestContext>`](RequestContext) in its extensions. Dropping the future or
/// the answer's body cancels the work at once.
pub trait Door: Send + Sync + 'static {
    /// Answers one request.
    fn call(&self, request: Request<RequestBody>) -> DoorFuture;
}

/// Which door a request goes to, and so how failures are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DoorKind {
    /// The HTTP API: failures are JSON.
    Gateway,
    /// gRPC: failures are trailers-only statuses.
    Agent,
}

impl DoorKind {
    /// The word that logs and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Agent => "agent",
        }
    }
}

/// What is known of a request beside itself.
#[derive(Debug)]
pub struct RequestContext {
    /// The correlation id.
    pub id: RequestId,
    /// The connection it came by.
    pub connection: Arc<ConnectionFacts>,
    /// The client: the peer, or what a trusted proxy says.
    pub client: IpAddr,
    /// The door it was dispatched to.
    pub door: DoorKind,
    /// What will stand in the access log.
    pub entry: Arc<AccessEntry>,
}

/// Facts that a door adds to the access-log line of a request. The line is written when the last
/// holder lets go, so a tunnel keeps a clone for as long as it carries bytes.
#[derive(Debug, Default)]
pub struct AccessEntry {
    /// Which upstream answered, as `host:port`.
    pub upstream: OnceLock<Arc<str>>,
    /// The gRPC status, from headers or trailers.
    pub grpc_status: OnceLock<u16>,
    /// Why the exchange ended early, in words for the operator; never content.
    pub failure: OnceLock<String>,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

impl AccessEntry {
    /// Counts body or tunnel bytes from the client.
    pub fn add_bytes_in(&self, bytes: u64) {
        self.bytes_in.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts body or tunnel bytes to the client.
    pub fn add_bytes_out(&self, bytes: u64) {
        self.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes from and to the client so far.
    pub fn bytes(&self) -> (u64, u64) {
        (
            self.bytes_in.load(Ordering::Relaxed),
            self.bytes_out.load(Ordering::Relaxed),
        )
    }
}

/// Placed by a door into the extensions of its answer where the content type does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// A switched protocol: the connection's bytes belong to a tunnel from now on.
    Tunnel,
}
