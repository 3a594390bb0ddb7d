//! Who we are towards Amazon, Google and Microsoft: keys and tokens from where their own tools find them,
//! kept until shortly before they end, and Amazon's signature.
//!
//! This part must not know models or what is asked of them. Nothing is looked for before a call
//! needs it; what a source gives or refuses is remembered, so that a source that is gone delays
//! one call in a few seconds and not every one. The metadata addresses of virtual machines are
//! asked here and nowhere else, without a proxy, and never because a request says so. Keys and
//! tokens stand in no error.
//!
//! Limits: 64 KiB of a file or an answer, 5 s for an answer and 1 s for a connection to a metadata
//! server; renewal 5 min before the end, and tried once in 10 s.

mod amazon;
mod container;
mod entra;
mod error;
mod fetch;
mod google;
mod instance;
mod kept;
mod profile;
mod service_account;
mod signature;
mod web_identity;

pub(super) use amazon::{AmazonAccount, domain};
pub(super) use entra::EntraAccount;
pub(super) use error::CloudError;
pub(super) use fetch::CloudClients;
pub(super) use google::GoogleAccount;
pub(super) use signature::{Signable, sign};
