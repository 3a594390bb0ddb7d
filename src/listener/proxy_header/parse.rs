//! Which version, and the words both share.

use std::net::SocketAddr;

use super::{binary, text};

/// What the bytes so far mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A header may still come of it.
    Incomplete,
    /// A whole header.
    Complete {
        /// Its length; what follows is the client's.
        length: usize,
        /// Source and destination; none where the header leaves them open.
        addresses: Option<(SocketAddr, SocketAddr)>,
    },
}

/// Why the bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyHeaderError {
    /// Neither signature.
    #[error("the connection does not begin with a PROXY header")]
    Missing,
    /// The header is longer than allowed.
    #[error("the PROXY header is too long")]
    TooLong,
    /// A part of it is not as the protocol says.
    #[error("the PROXY header is malformed: {0}")]
    Malformed(&'static str),
}

/// Reads a header of either version from the beginning of `bytes`.
pub fn parse(bytes: &[u8]) -> Result<Parsed, ProxyHeaderError> {
    if begins(bytes, binary::SIGNATURE) {
        binary::parse(bytes)
    } else if begins(bytes, text::SIGNATURE) {
        text::parse(bytes)
    } else {
        Err(ProxyHeaderError::Missing)
    }
}

/// True if `bytes` begins with the signature, as far as it has come.
fn begins(bytes: &[u8], signature: &[u8]) -> bool {
    let length = bytes.len().min(signature.len());
    bytes.get(..length) == signature.get(..length)
}

/// The longest header accepted: 16 bytes, addresses of Unix sockets (216) and as much again as
/// the extra fields that load balancers are known to send need (identifiers and TLS facts).
pub const MAXIMUM_LENGTH: usize = 1024;
