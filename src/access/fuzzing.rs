//! Doors for the fuzz targets alone; nothing of it is in the server.

use super::{claims::Claims, key::KeySet, token::Token};

/// Takes a token apart and reads its claims as if its signature were right.
pub fn token(text: &[u8]) {
    let Ok(token) = Token::parse(text) else {
        return;
    };
    assert!(text.starts_with(token.signed));
    if let Ok(payload) = token.payload() {
        claims(&payload);
    }
}

/// Reads claims; what is accepted has not expired.
pub fn claims(payload: &[u8]) {
    if let Ok(claims) = Claims::read(payload, AUDIENCE, NOW) {
        assert!(claims.expires > NOW - 5);
    }
}

/// Reads a set of keys.
pub fn key_set(text: &[u8]) {
    if let Ok(keys) = KeySet::read(text) {
        assert!((1..=64).contains(&keys.len()));
    }
}

const AUDIENCE: &str = "gitlab-ai-gateway";

const NOW: i64 = 1_800_000_000;
