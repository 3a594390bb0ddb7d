//! From the headers of a request to a caller: the checks in their order.

use std::sync::Arc;

use http::HeaderMap;

use super::{
    Audience, AuthenticationError, Caller, Refusal,
    authority::Inner,
    cache::{self, TokenHash},
    claims::Claims,
    headers,
    key::Key,
    token::{TOKEN_BYTES, Token},
};

impl Inner {
    /// All checks of http-api 3.5, or of agent-platform 2.3, in their order.
    pub(super) async fn examine(
        &self,
        headers: &HeaderMap,
    ) -> Result<(Arc<Caller>, &'static str), AuthenticationError> {
        if self.policy.lets_in(headers) {
            return Ok((Arc::clone(&self.anybody), "bypassed"));
        }
        let token = headers::bearer(headers)?;
        let (caller, outcome) = self.verify(token).await?;
        if let Some(claims) = caller.claims() {
            let own = caller.is_issued_by_us();
            match self.policy.audience {
                Audience::Gateway => headers::compare(claims, own, headers)?,
                Audience::AgentPlatform => headers::compare_agent(claims, own, headers)?,
            }
        }
        Ok((caller, outcome))
    }

    async fn verify(
        &self,
        token: &[u8],
    ) -> Result<(Arc<Caller>, &'static str), AuthenticationError> {
        if token.len() > TOKEN_BYTES {
            return Err(Refusal::TooLong.into());
        }
        let hash = cache::hash(token);
        if let Some(caller) = self.cache.find(&hash, self.now()) {
            return Ok((caller, "remembered"));
        }
        let parsed = Token::parse(token)?;
        let caller = if self.policy.believes_anybody() {
            self.believe(&parsed)?
        } else {
            self.prove(&parsed, hash).await?
        };
        Ok((caller, "verified"))
    }

    /// Without a look at the signature, because the operator wants it so. Nothing is remembered:
    /// there is no key whose end would end it.
    fn believe(&self, token: &Token<'_>) -> Result<Arc<Caller>, AuthenticationError> {
        let claims = self.claims(token)?;
        let own = self.names_us(&claims);
        Ok(Arc::new(Caller::verified(claims, own)))
    }

    async fn prove(
        &self,
        token: &Token<'_>,
        hash: TokenHash,
    ) -> Result<Arc<Caller>, AuthenticationError> {
        let (key, is_ours) = self.key(token).await?;
        let claims = self.claims(token)?;
        if self.names_us(&claims) && !is_ours {
            return Err(Refusal::ForgedIssuer.into());
        }
        let own = is_ours && self.names_us(&claims);
        let caller = Arc::new(Caller::verified(claims, own));
        self.cache.keep(hash, &caller, key, self.now());
        Ok(caller)
    }

    /// The key that made the signature, and whether it is ours.
    async fn key(&self, token: &Token<'_>) -> Result<(Arc<Key>, bool), AuthenticationError> {
        let made = |key: &Arc<Key>| key.verifies(token.signed, &token.signature);
        let kid = token.kid.as_deref();
        let mut ours = self.own.candidates(kid).peekable();
        let named = ours.peek().is_some();
        if let Some(key) = ours.find(|key| made(key)) {
            return Ok((Arc::clone(key), true));
        }
        let Some(kid) = kid else {
            return Err(Refusal::NotOurs.into());
        };
        let mut found = self.keyring.find(kid);
        if found.is_empty() && !named {
            found = self.keyring.find_anew(kid).await;
        }
        if found.is_empty() && !named {
            return Err(if self.keyring.is_empty_handed() {
                AuthenticationError::NoKeys
            } else {
                Refusal::UnknownKey.into()
            });
        }
        let key = found.into_iter().find(|key| made(key));
        key.map(|key| (key, false))
            .ok_or_else(|| Refusal::Signature.into())
    }

    fn claims(&self, token: &Token<'_>) -> Result<Claims, Refusal> {
        Claims::read(&token.payload()?, &self.policy.service_name, self.now())
    }

    fn names_us(&self, claims: &Claims) -> bool {
        claims.issuer.as_deref() == Some(&*self.policy.service_name)
    }

    /// In seconds since 1970.
    pub(super) fn now(&self) -> i64 {
        let now = self.clock.now();
        let since = now
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }
}
