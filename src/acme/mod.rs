//! Keeps the certificate store filled from an ACME server (RFC 8555).
//!
//! [`start`] divides the domains (all DNS names share one certificate, each IP address has its
//! own), serves at once what the state folder holds or a self-signed certificate for the right
//! names, and gives every certificate a keeper: a task that waits until something is due, makes
//! one attempt, and swaps the result into the store without touching connections.
//!
//! ```text
//! missing --> ordering --+--> valid --> due --> renewing --+--> valid
//!                        |                                 |
//!                        +---> backing off (or blocked) <--+
//! ```
//!
//! The last good certificate is served whatever happens, even after its end. When to renew and
//! how long to back off is pure arithmetic in `schedule.rs`; the server's own wish (RFC 9773) is
//! `renewal_info.rs`; which servers are asked, and for what, is `authorities.rs`; one attempt at
//! one server is `order.rs` with the proofs of `proof.rs`; what survives a restart is `state.rs`;
//! the account is `account.rs`; the wire is `client.rs`. [`AcmeStatus`] is what `/certs` shows, and
//! takes the operator's wish to renew.
//!
//! State, below the state folder, kept by one process at a time (`lock.rs`):
//!
//! ```text
//! lock                                 who keeps the certificates
//! accounts/DIRECTORY/account.json      account URL and key
//! certificates/NAME/certificate.pem    where it is from, chain and key, changed in one step
//! certificates/NAME/order-*.json       an order on its way, with its key and signing request
//! certificates/NAME/history.json       state, failures so far, the pause after the last one
//! certificates/NAME/renewal.json       the server's window and our moment in it
//! certificates/NAME/rehearsal/         during a trial at the staging directory
//! ```
//!
//! This room must not know HTTP servers or listeners: challenges are handed to
//! [`crate::tls::ChallengeResponder`]s, whoever they are.
//!
//! Limits: answers of the ACME server at most 1 MiB, each call 30 s; two minutes of polling per
//! step; three failed proofs of a name an hour; back-off 1, 10, 100 minutes, then daily (tighter
//! near the end of a certificate), never shorter than the server's Retry-After; a third of a
//! certificate's life between two orders, whatever the calendar says.

mod account;
mod authorities;
mod check;
mod client;
mod display;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod keeper;
mod lock;
mod mounts;
mod order;
mod pace;
mod proof;
mod renewal_info;
mod schedule;
mod serving;
mod start;
mod state;
mod status;

pub use check::check;
pub use error::AcmeError;
pub use start::{Surroundings, start};
pub use status::{AcmeStatus, RenewalWish};
