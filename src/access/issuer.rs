//! What tokens of ours are made with, and the claims that all of them have.

use std::fmt;

use serde_json::{Map, Value};

use super::{IssueError, own_keys::OwnKeys};
use crate::foundation::{Randomness, random_uuid};

/// A token of ours.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// The token itself. A secret.
    pub token: String,
    /// When it expires, in seconds since 1970.
    pub expires_at: u64,
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("IssuedToken")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// What a token is made with.
pub(super) struct Issuer<'a> {
    pub(super) keys: &'a OwnKeys,
    pub(super) service_name: &'a str,
    pub(super) randomness: &'a dyn Randomness,
    /// In seconds since 1970.
    pub(super) now: u64,
}

impl Issuer<'_> {
    /// A token with these claims and those that all have: it names us as its issuer and its
    /// audience, and lives an hour.
    pub(super) fn issue(&self, mut claims: Map<String, Value>) -> Result<IssuedToken, IssueError> {
        let key = self.keys.signing().ok_or(IssueError::NoKey)?;
        let expires_at = self.now.saturating_add(LIFE_SECONDS);
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        set("iss", self.service_name.into());
        set("aud", self.service_name.into());
        set("exp", expires_at.into());
        set("nbf", self.now.into());
        set("iat", self.now.into());
        set("jti", random_uuid(self.randomness).into());
        let claims = Value::Object(claims).to_string();
        let token = key.sign(claims.as_bytes()).ok_or(IssueError::NoKey)?;
        Ok(IssuedToken { token, expires_at })
    }
}

/// An hour; GitLab asks for another one before.
const LIFE_SECONDS: u64 = 3600;
