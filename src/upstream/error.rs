//! What can go wrong on the way to another server.

use std::{error::Error, io, path::PathBuf, time::Duration};

use crate::foundation::Blame;

/// Why a server behind us could not be reached or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// A proxy variable is no URL.
    #[error("{variable} is no URL of a proxy; write http://HOST:PORT")]
    Proxy {
        /// The variable.
        variable: &'static str,
    },
    /// A file with trusted roots cannot be used.
    #[error("{path}: {reason}; give a PEM file with the certificates of the authorities to trust")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of a client certificate cannot be used.
    #[error("{path}: {reason}; give the certificate and its key in PEM")]
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The address of a server is not one that we can forward to.
    #[error("{target}: {reason}; write http://host:port or https://host:port")]
    Target {
        /// What was given.
        target: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The general HTTP client cannot be built.
    #[error("the HTTP client for outgoing calls cannot be built: {0}")]
    Client(String),
    /// The name has no address.
    #[error("{host} cannot be resolved: {reason}; check the name and the DNS server")]
    Unresolvable {
        /// The name.
        host: String,
        /// What the resolver says.
        reason: String,
    },
    /// No address of the server accepts connections.
    #[error("{origin} refuses connections: {reason}; is it running and listening there?")]
    Refused {
        /// `host:port`.
        origin: String,
        /// What the system says.
        reason: String,
    },
    /// No connection within the deadline.
    #[error("{origin} did not accept a connection within {deadline:?} (limits.upstream_connect)")]
    ConnectTimeout {
        /// `host:port`.
        origin: String,
        /// The deadline.
        deadline: Duration,
    },
    /// The TLS handshake failed.
    #[error(
        "{origin}: the TLS handshake failed: {reason}; a private authority belongs into upstream.ca_files"
    )]
    Tls {
        /// `host:port`.
        origin: String,
        /// What the handshake says.
        reason: String,
    },
    /// Every connection that we may have is in use.
    #[error("all {limit} connections to {origin} are in use (limits.upstream_connections)")]
    Busy {
        /// `host:port`.
        origin: String,
        /// The bound.
        limit: usize,
    },
    /// The connection ended before the head of an answer.
    #[error("{origin} closed the connection before it answered: {reason}")]
    Reset {
        /// `host:port`.
        origin: String,
        /// What was seen.
        reason: String,
        /// False when no byte of the request can have left.
        sent: bool,
    },
    /// No head of an answer within the deadline.
    #[error(
        "{origin} did not answer within {deadline:?} (limits.upstream_headers, on gRPC limits.upstream_stream_idle)"
    )]
    HeaderTimeout {
        /// `host:port`.
        origin: String,
        /// The deadline.
        deadline: Duration,
    },
    /// The connection ended in the middle of an answer.
    #[error("the answer broke off: {reason}")]
    Cut {
        /// What was seen.
        reason: String,
    },
    /// The other side does not speak the protocol.
    #[error("{origin} answered with something that is not valid HTTP: {reason}")]
    Protocol {
        /// `host:port`.
        origin: String,
        /// What was seen.
        reason: String,
    },
}

impl UpstreamError {
    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::CaFile { .. }
            | Self::Identity { .. }
            | Self::Target { .. }
            | Self::Proxy { .. }
            | Self::Client(_)
            | Self::Busy { .. } => Blame::Us,
            _ => Blame::Upstream,
        }
    }

    /// True when bytes of the request may have reached the other side.
    pub fn was_sent(&self) -> bool {
        match self {
            Self::Reset { sent, .. } => *sent,
            Self::HeaderTimeout { .. } | Self::Protocol { .. } | Self::Cut { .. } => true,
            _ => false,
        }
    }

    /// What was seen, without the place and the advice around it.
    pub fn reason(&self) -> String {
        match self {
            Self::Unresolvable { reason, .. }
            | Self::Refused { reason, .. }
            | Self::Tls { reason, .. }
            | Self::Reset { reason, .. }
            | Self::Cut { reason }
            | Self::Protocol { reason, .. } => reason.clone(),
            _ => self.to_string(),
        }
    }

    /// The word for the metric of upstream outcomes.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Unresolvable { .. } => "unresolvable",
            Self::ConnectTimeout { .. } => "connect_timeout",
            Self::Tls { .. } | Self::CaFile { .. } | Self::Identity { .. } => "tls",
            Self::Busy { .. } => "busy",
            Self::Reset { .. } | Self::Cut { .. } => "reset",
            Self::HeaderTimeout { .. } => "header_timeout",
            Self::Protocol { .. } => "protocol",
            Self::Refused { .. } | Self::Target { .. } | Self::Proxy { .. } | Self::Client(_) => {
                "refused"
            }
        }
    }

    /// Sorts a failure of an HTTP connection that was established.
    pub(super) fn from_exchange(origin: &str, error: &hyper::Error, sent: bool) -> Self {
        let origin = origin.to_owned();
        let reason = error_chain(error);
        if error.is_parse() || is_http2_violation(error) {
            Self::Protocol { origin, reason }
        } else {
            Self::Reset {
                origin,
                reason,
                sent,
            }
        }
    }

    /// Sorts a failure of connecting.
    pub(super) fn from_connect(origin: &str, error: &io::Error, deadline: Duration) -> Self {
        let origin = origin.to_owned();
        if error.kind() == io::ErrorKind::TimedOut {
            Self::ConnectTimeout { origin, deadline }
        } else {
            let reason = error.to_string();
            Self::Refused { origin, reason }
        }
    }
}

/// The innermost cause, which is the one that helps: a refused connection, an unknown authority.
/// The outer ones of the general client repeat the URL, in whose query a secret may stand.
pub fn innermost_cause(error: &reqwest::Error) -> String {
    let mut last: Option<&dyn Error> = error.source();
    while let Some(inner) = last.and_then(Error::source) {
        last = Some(inner);
    }
    last.map_or_else(|| "the request failed".to_owned(), ToString::to_string)
}

/// An error and its sources in one line.
pub(super) fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// True when HTTP/2 framing was broken, by the other side or in its eyes; a stream or connection
/// that was merely refused or closed is not a violation.
fn is_http2_violation(error: &hyper::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(reason) = cause
            .downcast_ref::<h2::Error>()
            .and_then(h2::Error::reason)
        {
            return !matches!(
                reason,
                h2::Reason::NO_ERROR
                    | h2::Reason::REFUSED_STREAM
                    | h2::Reason::CANCEL
                    | h2::Reason::ENHANCE_YOUR_CALM
            );
        }
        source = cause.source();
    }
    false
}
