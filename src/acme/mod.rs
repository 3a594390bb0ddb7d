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
//! how long to back off is pure arithmetic in `schedule.rs`; one attempt is `order.rs` with the
//! proofs of `proof.rs`; what survives a restart is `state.rs`; the account is `account.rs`; the
//! wire is `client.rs`. [`AcmeStatus`] is what `/certs` shows.
//!
//! State, below the state folder:
//!
//! ```text
//! accounts/DIRECTORY/account.json      account URL and key
//! certificates/NAME/certificate.pem    chain and key, in one file so that they change in one step
//! certificates/NAME/order.json         an order on its way, with its key and signing request
//! certificates/NAME/history.json       failures so far, the pause after the last one, what worked
//! ```
//!
//! This room must not know HTTP servers or listeners: challenges are handed to
//! [`crate::tls::ChallengeResponder`]s, whoever they are.
//!
//! Limits: answers of the ACME server at most 1 MiB, each call 30 s; three orders per attempt;
//! two minutes of polling per step; back-off 1, 10, 100 minutes, then daily, never shorter than
//! the server's Retry-After. What can never succeed is blocked until the next start or an operator's
//! wish.

mod account;
mod check;
mod client;
mod error;
mod keeper;
mod order;
mod pace;
mod proof;
mod schedule;
mod start;
mod state;
mod status;

pub use check::check;
pub use error::AcmeError;
pub use start::{Surroundings, start};
pub use status::{AcmeStatus, RenewalWish};
