//! Tokens of http-01 challenges that an ACME server may ask for now.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    config::ChallengeKind,
    tls::{ChallengeResponder, PendingChallenge, TlsError},
};

/// Token to key authorization. Almost always empty, and then costs one atomic read a request.
#[derive(Debug, Default)]
pub struct TokenTable {
    any: AtomicBool,
    tokens: RwLock<HashMap<String, String>>,
}

impl TokenTable {
    /// The key authorization of a token we hold.
    pub fn key_authorization(&self, token: &str) -> Option<String> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        self.tokens
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(token)
            .cloned()
    }

    /// Holds a token from now on.
    fn insert(&self, token: &str, key_authorization: &str) {
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(token.to_owned(), key_authorization.to_owned());
        self.any.store(true, Ordering::Release);
    }

    /// Forgets a token.
    fn remove(&self, token: &str) {
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        tokens.remove(token);
        self.any.store(!tokens.is_empty(), Ordering::Release);
    }
}

impl ChallengeResponder for TokenTable {
    fn kind(&self) -> ChallengeKind {
        ChallengeKind::Http01
    }

    fn present(&self, challenge: &PendingChallenge) -> Result<(), TlsError> {
        self.insert(&challenge.token, &challenge.key_authorization);
        Ok(())
    }

    fn withdraw(&self, challenge: &PendingChallenge) {
        self.remove(&challenge.token);
    }
}
