//! What both pools need to know.

use std::time::Duration;

use crate::config::Limits;

/// Deadlines and bounds of a pool.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// For the head of an answer.
    pub headers: Duration,
    /// An idle connection is closed after this.
    pub idle: Duration,
    /// An older connection takes no new requests.
    pub age: Duration,
    /// Connections in use at once.
    pub connections: usize,
}

impl PoolSettings {
    /// For requests that are answered as a whole or begin to be.
    pub fn for_requests(limits: &Limits) -> Self {
        Self {
            headers: limits.upstream_headers,
            idle: limits.upstream_keep_alive_idle,
            age: limits.upstream_connection_age,
            connections: limits.upstream_connections,
        }
    }

    /// For gRPC, whose servers may send the head of an answer only with its first message: it is
    /// waited for as long as for any other message.
    pub fn for_streams(limits: &Limits) -> Self {
        Self {
            headers: limits.upstream_stream_idle,
            ..Self::for_requests(limits)
        }
    }
}

/// How often idle and aged connections are looked for. A second more of life does no harm, and
/// looking costs nothing.
pub(super) const UPKEEP_INTERVAL: Duration = Duration::from_secs(1);
