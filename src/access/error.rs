//! Why somebody is not let in, why no token is issued, and why access cannot be prepared.

use std::path::PathBuf;

use crate::{foundation::PemError, upstream::UpstreamError};

/// Why a request is not let in. The text is the one of the wire (http-api 3.5), in the key `error`
/// of a 401, but for [`Self::NoKeys`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationError {
    /// No token came.
    #[error("No authorization header presented")]
    NoAuthorization,
    /// Something other than a bearer token came.
    #[error("Invalid authorization header")]
    NotBearer,
    /// The kind of token is not said, or another one.
    #[error("Invalid authentication token type - only OIDC is supported")]
    NotOidc,
    /// The token is not accepted; the log says why, the caller does not learn it.
    #[error("Forbidden by auth provider")]
    Refused(Refusal),
    /// The token was made for somebody else than the header says.
    #[error("Header mismatch '{0}'")]
    Mismatch(&'static str),
    /// Nobody who publishes keys has answered yet: a 503 with the text in the key `detail`.
    #[error("The keys that verify tokens could not be fetched yet. Please try again later.")]
    NoKeys,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Longer than any token that GitLab makes.
    #[error("the token is longer than {} bytes", super::token::TOKEN_BYTES)]
    TooLong,
    /// No compact JWS, or a part of it is damaged.
    #[error("the token is damaged: {0}")]
    Malformed(&'static str),
    /// Signed in another way than RS256, or not at all.
    #[error("the token is not signed by RS256")]
    Algorithm,
    /// Nobody we know publishes its key.
    #[error(
        "no source publishes the key that the token names; is the GitLab instance in `gitlab`, and is its key set reachable?"
    )]
    UnknownKey,
    /// It names no key, and none of ours signed it.
    #[error(
        "the token names no key and was not signed by one of ours (keys.gateway, keys.agent_platform)"
    )]
    NotOurs,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet; compare the clocks")]
    NotYetValid,
    /// It is meant for another service.
    #[error(
        "the token is for another audience than auth.service_name, or auth.agent_platform.service_name on gRPC"
    )]
    Audience,
    /// It says that we issued it, but another's key signed it.
    #[error("the token names us as its issuer, but was not signed by us")]
    ForgedIssuer,
}

/// Why no token is issued for a user (http-api 2.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The caller may do nothing that such a token is for, or came with one: a 403. Only of tokens
    /// for IDEs.
    #[error("Unauthorized to create user access token")]
    Unauthorized,
    /// There is no key to sign with, or signing failed: a 500, INTERNAL on gRPC.
    #[error("Failed to generate JWT")]
    NoKey,
}

/// Why access cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A key of ours cannot be read.
    #[error("{key}: {reason}")]
    Pem {
        /// The key of the configuration.
        key: &'static str,
        /// What is wrong with the text.
        reason: PemError,
    },
    /// A key of ours is of another kind.
    #[error(
        "{key}: is no RSA key of 2048 to 8192 bits; make one with duogate keys new or openssl genrsa 2048"
    )]
    NoRsaKey {
        /// The key of the configuration.
        key: &'static str,
    },
    /// The file of a key of ours cannot be read.
    #[error("{key}: {} cannot be read: {reason}; let this user read it", path.display())]
    KeyFile {
        /// The key of the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The way to a source of keys cannot be prepared.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

impl AuthenticationError {
    /// The reason for the log; tells more than the caller learns, and nothing of the token.
    pub fn log(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.to_string(),
            other => other.to_string(),
        }
    }

    /// The word for the metric of verifications.
    pub(super) fn outcome(self) -> &'static str {
        match self {
            Self::NoAuthorization => "no_token",
            Self::NotBearer | Self::NotOidc => "wrong_type",
            Self::Mismatch(_) => "mismatch",
            Self::NoKeys => "no_keys",
            Self::Refused(refusal) => match refusal {
                Refusal::TooLong | Refusal::Malformed(_) => "malformed",
                Refusal::Algorithm => "algorithm",
                Refusal::UnknownKey | Refusal::NotOurs => "unknown_key",
                Refusal::Signature => "signature",
                Refusal::Expired => "expired",
                Refusal::NotYetValid => "not_yet_valid",
                Refusal::Audience => "audience",
                Refusal::ForgedIssuer => "forged_issuer",
            },
        }
    }
}

impl From<Refusal> for AuthenticationError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
