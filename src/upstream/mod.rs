//! Outgoing HTTP: how Duogate reaches the servers behind it.
//!
//! An [`Origin`] names a server. The [`Resolver`] finds its addresses and forgets them when
//! connections to them fail, so that a container that was recreated elsewhere is found. The
//! [`Dialer`] makes a byte stream: TCP, and TLS where the origin says so. On top stand two pools:
//! [`Http1Pool`] lends a connection to one exchange at a time, the most recently used first;
//! [`Http2Pool`] spreads streams over few connections. [`outgoing_client`] makes the general
//! client of rooms that call public services, [`ServiceClient`] is the one for servers that requests
//! may name, to which no address is called that [`judge_address`] refuses; [`SseReader`] reads what
//! they stream, [`EventStreamReader`] what Amazon's do. A [`Balancer`] shares calls among servers, each with a [`Breaker`]. A [`Probe`] looks at a server with whatever certificate
//! it has, for an [`exchange`] or for [`TrustRoots::judge`].
//!
//! This room must not know requests of clients, doors or models. It returns what the other
//! server said, or an [`UpstreamError`] that tells whose fault it is and whether anything was
//! sent; it retries only what was never sent.
//!
//! Limits: connections in use at once (`limits.upstream_connections`), their idle time and age,
//! deadlines for connecting and for the head of an answer; 64 names in the resolver's memory for
//! 10 s; 64 servers with pools of a service client; 90 streams on one HTTP/2 connection; 64 KiB of an exchange's body.

mod balancer;
mod breaker;
mod client;
mod dial;
mod encrypted_key;
mod error;
mod event_stream;
mod exchange;
mod forbidden_address;
mod http1;
mod http2;
mod measures;
mod origin;
mod pool;
mod probe;
mod resolver;
mod roots;
mod service_body;
mod service_client;
mod service_identity;
mod service_pools;
mod sse;
mod stream;

pub use balancer::{Balancer, NoPlace, Permit};
pub use breaker::Breaker;
pub use client::{ClientSettings, outgoing_client};
pub use dial::Dialer;
pub use error::{UpstreamError, innermost_cause};
pub use event_stream::{EventStreamError, EventStreamFrame, EventStreamReader};
pub use exchange::{Exchange, exchange};
pub use forbidden_address::{ForbiddenAddress, judge_address, judge_host};
pub use http1::{Http1Lease, Http1Pool};
pub use http2::{Http2Pool, Http2Slot};
pub use measures::PoolMeasures;
pub use origin::Origin;
pub use pool::PoolSettings;
pub use probe::{Probe, ProbeError, Shown};
pub use resolver::{Lookup, Resolver};
pub use roots::TrustRoots;
pub use service_body::ServiceBody;
pub use service_client::{ServiceClient, ServiceClientSettings};
pub use service_identity::ServiceIdentity;
pub use sse::{SseError, SseEvent, SseReader};
pub use stream::UpstreamStream;
