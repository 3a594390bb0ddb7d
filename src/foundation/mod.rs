//! Words that every other room uses.
//!
//! Time and how it is written, randomness, identifiers, versions, texts cut to size, checksums, secrets, PEM
//! text, keys that sign, the facts of a connection, whom to blame for a failure, the signals of shutdown, and
//! the one place where tasks are started. Nothing here opens a socket or a file, and nothing here knows what
//! Duogate is for: a type that names a door, a certificate source or a metric belongs to a higher room.
//!
//! Limits: a request identifier holds at most 128 visible characters; a PEM text is bounded by
//! whoever reads it.

mod beginning;
mod blame;
mod checksum;
mod clock;
mod connection;
mod identifier;
mod pem;
mod randomness;
mod release_version;
mod rsa_key;
mod secret;
mod shutdown;
mod tasks;
mod timestamp;
mod uuid;

pub use beginning::beginning;
pub use blame::Blame;
pub use checksum::{CRC32, CRC32C, Crc32};
pub use clock::{Clock, SystemClock};
pub use connection::{ConnectionFacts, ListenerKind, TlsFacts};
pub use identifier::RequestId;
pub use pem::{PemError, certificates_from_pem, private_key_from_pem};
pub use randomness::{Randomness, SystemRandomness};
pub use release_version::ReleaseVersion;
pub use rsa_key::{RsaKey, RsaKeyError};
pub use secret::Secret;
pub use shutdown::{Shutdown, ShutdownPhase, ShutdownTrigger};
pub use tasks::Tasks;
pub use timestamp::timestamp;
pub use uuid::{OrderedUuids, random_uuid};
