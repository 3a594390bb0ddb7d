//! Raw streams in, authenticated byte streams with facts out.
//!
//! [`Handshaker`] reads a ClientHello, chooses a certificate by name and by the address that was
//! dialled, and finishes the handshake within its deadline. [`CertificateStore`] holds what is
//! served; it is one pointer, swapped by whoever fills it, and a connection keeps the certificate
//! it began with. Three fillers exist: [`InternalSource`] (an authority of our own in the state
//! folder), [`FileSource`] (the operator's files, watched) and the `acme` room above, which also
//! uses [`ChallengeCertificates`] to answer tls-alpn-01 through [`ChallengeResponder`].
//!
//! A [`Certificate`] can only be made from a chain and a key that were proved to belong together,
//! so nothing unproved ever reaches the store.
//!
//! What a client meets: TLS 1.2 and 1.3, X25519MLKEM768 first, ALPN `h2` and `http/1.1`, no ALPN
//! and no SNI served; a name that is not ours gets the alert `unrecognized_name` (with source
//! `files` the file's certificate is served whatever the name); plain HTTP gets one plain
//! sentence with status 400.
//!
//! This room must not know HTTP beyond that sentence, nor orders, accounts or schedules of an
//! ACME server, nor who accepts connections.
//!
//! Limits: a handshake ends within `limits.tls_handshake`; a ClientHello is bounded by rustls
//! (64 KiB); TLS 1.2 sessions and watched files are bounded by named constants in their files;
//! a certificate or key file is at most 1 MiB.

mod certificate;
mod challenge;
mod check;
mod durable;
mod error;
mod files;
#[cfg(fuzzing)]
pub mod fuzzing;
mod handshake;
mod hello;
mod internal;
mod issue;
mod lookup;
mod provider;
mod store;

pub use certificate::{Certificate, CertificateOrigin};
pub use challenge::{ChallengeCertificates, ChallengeResponder, PendingChallenge};
pub use check::check;
pub use durable::{create_private_folder, probe_folder, write_durably};
pub use error::TlsError;
pub use files::{FilePair, FileSource};
pub use handshake::{Handshake, Handshaker};
pub use internal::InternalSource;
pub use issue::temporary_certificate;
pub use lookup::UnknownNames;
pub use provider::{ServerParameters, crypto_provider};
pub use store::{CertificateStore, Entry};
