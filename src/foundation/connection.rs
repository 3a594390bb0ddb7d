//! What is known about a connection before its first request.

use std::net::SocketAddr;

/// Which of our listeners a connection came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListenerKind {
    /// The TLS port for everything (443).
    Https,
    /// Challenges and redirects (80).
    Http,
    /// The optional port of the HTTP API (5052).
    Gateway,
    /// The optional port of the gRPC service (50052).
    AgentPlatform,
    /// The operator's port.
    Admin,
    /// A port that serves metrics alone.
    Metrics,
}

impl ListenerKind {
    /// True for those that show the process to its operator and carry nobody's requests. They
    /// have places of their own and are there until the process ends.
    pub fn is_operators(self) -> bool {
        matches!(self, Self::Admin | Self::Metrics)
    }

    /// The word that logs and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Gateway => "gateway",
            Self::AgentPlatform => "agent_platform",
            Self::Admin => "admin",
            Self::Metrics => "metrics",
        }
    }
}

/// Facts of a connection, shared by all its requests.
#[derive(Clone, Debug)]
pub struct ConnectionFacts {
    /// The listener that accepted it.
    pub listener: ListenerKind,
    /// The other end: what the socket says, or a PROXY header from a trusted network.
    pub peer: SocketAddr,
    /// The address the client dialled, as far as we can tell.
    pub local: SocketAddr,
    /// Present when the bytes travel in TLS.
    pub tls: Option<TlsFacts>,
}

/// Facts of a finished TLS handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// The key-exchange group, such as `X25519MLKEM768`.
    pub group: &'static str,
    /// The name the client asked for; absent without SNI.
    pub server_name: Option<String>,
    /// True when ALPN chose `h2`; false for `http/1.1`; none without ALPN.
    pub http2: Option<bool>,
}
