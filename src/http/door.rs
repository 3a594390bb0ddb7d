//! What answers requests, and what it is told about them.

use std::{future::Future, net::IpAddr, pin::Pin, sync::Arc};

use http::{Request, Response};

use super::{AccessEntry, RequestBody, ResponseBody};
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
    /// The operator: failures are plain text.
    Admin,
    /// Challenges and redirects on the clear port: failures are plain text.
    Clear,
}

impl DoorKind {
    /// The word that logs and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Agent => "agent",
            Self::Admin => "admin",
            Self::Clear => "clear",
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

/// Placed by a door into the extensions of its answer where the content type does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// A switched protocol: the connection's bytes belong to a tunnel from now on.
    Tunnel,
}
