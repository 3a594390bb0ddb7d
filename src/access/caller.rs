//! Who is calling, and what they may do.

use std::fmt;

use super::claims::Claims;

/// Somebody who was let in.
pub struct Caller {
    /// None for those who needed no token.
    claims: Option<Claims>,
    /// Whether one of our keys signed the token, and it names us as its issuer.
    is_issued_by_us: bool,
}

impl Caller {
    pub(super) fn verified(claims: Claims, is_issued_by_us: bool) -> Self {
        Self {
            claims: Some(claims),
            is_issued_by_us,
        }
    }

    /// Somebody without a token, who may do everything (http-api 3.7).
    pub(super) fn bypassed() -> Self {
        Self {
            claims: None,
            is_issued_by_us: false,
        }
    }

    /// Whether the token permits this (http-api 3.6); without a token everything is.
    pub fn can(&self, unit_primitive: &str) -> bool {
        self.claims.as_ref().is_none_or(|claims| {
            let mut scopes = claims.scopes.iter();
            scopes.any(|scope| scope == unit_primitive)
        })
    }

    /// Whether we issued the token; some routes and methods refuse those.
    pub fn is_issued_by_us(&self) -> bool {
        self.is_issued_by_us
    }

    /// True for those who were let in without a token.
    pub fn is_bypassed(&self) -> bool {
        self.claims.is_none()
    }

    /// Who issued the token.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.as_ref()?.issuer.as_deref()
    }

    /// `self-managed` or `saas`, as the token says.
    pub fn realm(&self) -> Option<&str> {
        self.claims.as_ref()?.realm.as_deref()
    }

    /// The GitLab instance that the token belongs to; in our own tokens the user.
    pub fn subject(&self) -> Option<&str> {
        self.claims.as_ref()?.subject.as_deref()
    }

    /// A claim that has no accessor of its own, such as `skip_usage_cutoff`.
    pub fn claim(&self, name: &str) -> Option<&serde_json::Value> {
        self.claims.as_ref()?.extra.get(name)
    }

    pub(super) fn claims(&self) -> Option<&Claims> {
        self.claims.as_ref()
    }

    pub(super) fn expires(&self) -> Option<i64> {
        self.claims.as_ref().map(|claims| claims.expires)
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Caller")
            .field("issuer", &self.issuer())
            .field("realm", &self.realm())
            .field("is_issued_by_us", &self.is_issued_by_us)
            .finish_non_exhaustive()
    }
}
