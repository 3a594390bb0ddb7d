//! An ACME server of ours (RFC 8555, RFC 9773) for what no real one can be told to do: refusals
//! with Retry-After, paused names, slow issuance, moved windows, broken answers.
//!
//! Without a script it is honest: it checks the form and the signature of every message, the order
//! of steps and the names of signing requests, and a test fails at its end if the client broke a
//! rule. It records every request. `Behaviour` changes how it works as a whole; a scripted `Reply`
//! stands in for its next answers at one `Step`.

mod account;
mod authority;
mod authorization;
mod behaviour;
mod desk;
mod issuer;
mod ledger;
mod order;
mod policy;
mod reply;
mod server;
mod signed;
mod step;
mod validation;

pub(crate) use authority::MockAuthority;
pub(crate) use behaviour::{Behaviour, Offer, RenewalInfo, Replaces, Validation};
pub(crate) use issuer::renewal_identifier;
pub(crate) use reply::Reply;
pub(crate) use step::Step;
