//! Who is calling, and what may they do.
//!
//! [`Access`] takes the headers of a request and answers with a [`Caller`] or an
//! [`AuthenticationError`] whose text is the one of the wire (http-api 3.5, agent-platform 2.3).
//! There is one for each [`Audience`]; both share their sources of keys. A token is verified
//! with a key of the issuer that published it: a GitLab instance, the customers' portal, or
//! ourselves. The keys of others are fetched in the background (`source.rs`, `fetch.rs`), each
//! source by a task of its own, so that a dead one neither delays nor fails the others, nor the
//! start. The last good keys stay until the source publishes others. A token whose key is unknown
//! makes the sources be asked once more; the request waits for that, but not long. Verified tokens
//! are remembered by their hash, so that the next request costs no signature; what is remembered
//! ends with the key that signed it. [`Access::issue_user_token`] and
//! [`Access::issue_agent_token`] make the tokens with which IDEs and executors come to us directly.
//!
//! This room must not know routes, bodies, or how an answer is written: the doors map its errors.
//! It keeps no token, and no text of it, anywhere.
//!
//! Limits: a token of 32 KiB; 10 000 remembered tokens of each audience, each for 5 minutes at most; 64 keys and
//! 256 KiB of a key set; 10 s, 3 redirects and 64 KiB of a discovery document for one fetch; one
//! fetch a minute for each source on account of unknown keys, for which at most 256 requests wait
//! 2 s at most. A source that is dead for good keeps its last keys for good: whoever wants them
//! gone takes the source out of the configuration.

mod agent_token;
mod authentication;
mod authority;
mod cache;
mod caller;
mod check;
mod claims;
mod error;
mod fetch;
#[cfg(fuzzing)]
pub mod fuzzing;
mod headers;
mod issuer;
mod key;
mod keyring;
mod own_keys;
mod policy;
mod source;
mod status;
mod token;
mod user_token;

pub use authority::{Access, Surroundings};
pub use caller::Caller;
pub use check::check;
pub use error::{AccessError, AuthenticationError, IssueError, Refusal};
pub use issuer::IssuedToken;
pub use policy::Audience;
pub use status::{SourceState, SourceStatus};
