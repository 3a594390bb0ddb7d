//! What can go wrong with certificates and handshakes.

use std::{io, path::PathBuf};

use rustls::Error as RustlsError;

use crate::foundation::{Blame, PemError};

/// A failure of this room. The text names what, where and the remedy; it never holds key material.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of the operator or of the state folder cannot be read.
    #[error("{label}: cannot read {}: {source}; check that the file exists and that Duogate's user may read it", path.display())]
    Unreadable {
        /// The configuration key or the role of the file.
        label: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file was read but is too large to be a key or a chain.
    #[error("{label}: {} is larger than 1 MiB; expected a PEM file", path.display())]
    TooLarge {
        /// The configuration key or the role of the file.
        label: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A file was read but holds no usable PEM.
    #[error("{label}: {} {source}", path.display())]
    Pem {
        /// The configuration key or the role of the file.
        label: &'static str,
        /// The file.
        path: PathBuf,
        /// What the text lacks.
        source: PemError,
    },
    /// Key and certificate do not belong together.
    #[error(
        "the key in {key} does not belong to the certificate in {certificate}; give the pair that was issued together, the server's own certificate first in its file"
    )]
    Mismatch {
        /// Where the chain came from.
        certificate: String,
        /// Where the key came from.
        key: String,
    },
    /// The key is of a kind that TLS here cannot use.
    #[error(
        "the key in {key} cannot be used: {reason}; use ECDSA P-256 or P-384, Ed25519, or RSA of at least 2048 bits"
    )]
    UnusableKey {
        /// Where the key came from.
        key: String,
        /// What the provider said.
        reason: String,
    },
    /// The certificate is not X.509 as we know it.
    #[error(
        "the certificate in {certificate} cannot be used: {reason}; write the chain in PEM, the server's own certificate first"
    )]
    UnusableCertificate {
        /// Where the chain came from.
        certificate: String,
        /// What is wrong.
        reason: String,
    },
    /// The state folder or a file in it cannot be written.
    #[error("tls.state: cannot write {}: {source}; make the folder writable for Duogate's user or choose another with tls.state", path.display())]
    StateNotWritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Making a key, a certificate or a signing request failed.
    #[error("could not make {what}: {reason}; this is a fault of Duogate")]
    Generation {
        /// What was being made.
        what: &'static str,
        /// What the library said.
        reason: String,
    },
    /// Parameters of TLS that the provider refuses.
    #[error("could not set up TLS: {0}; this is a fault of Duogate")]
    Setup(rustls::Error),
    /// The client did not finish its handshake in time.
    #[error("the handshake was not finished in time")]
    Timeout,
    /// The client left before its ClientHello was complete.
    #[error("the connection was closed before the ClientHello was complete")]
    Closed,
    /// The client spoke HTTP without TLS; it was answered 400.
    #[error("plain HTTP on a TLS port")]
    PlainHttp,
    /// The client asked for a name that is not ours.
    #[error("no certificate for the name {0:?}; add it to domains if it should be served")]
    UnknownName(String),
    /// Nothing has been installed in the store yet.
    #[error("no certificate is installed yet")]
    NoCertificate,
    /// The bytes were no TLS, or the two sides found no common ground.
    #[error("the handshake failed: {0}")]
    Handshake(#[source] io::Error),
}

impl TlsError {
    /// The word for the metric of handshakes.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::PlainHttp => "plain_http",
            Self::UnknownName(_) => "unknown_name",
            Self::Handshake(error) => handshake_outcome(error),
            _ => "failed",
        }
    }

    /// Whose fault this is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Timeout
            | Self::Closed
            | Self::PlainHttp
            | Self::UnknownName(_)
            | Self::Handshake(_) => Blame::Client,
            _ => Blame::Us,
        }
    }
}

/// An alert of the client often means that it does not trust our certificate; without common
/// ground it is outdated; both are for the operator to know apart.
fn handshake_outcome(error: &io::Error) -> &'static str {
    let cause = error.get_ref();
    match cause.and_then(|cause| cause.downcast_ref::<RustlsError>()) {
        Some(RustlsError::AlertReceived(_)) => "alert",
        Some(RustlsError::PeerIncompatible(_)) => "incompatible",
        Some(_) => "failed",
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => "closed",
            _ => "failed",
        },
    }
}
