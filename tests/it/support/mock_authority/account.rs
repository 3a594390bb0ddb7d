//! Accounts.

use aws_lc_rs::{
    digest,
    signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey},
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

/// An account: its key and what it was told.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) key: PublicKey,
    /// The payload of its newAccount.
    pub(crate) wanted: Value,
    /// False once the authority forgot it.
    pub(crate) known: bool,
}

/// A P-256 key as JWK coordinates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey {
    x: String,
    y: String,
}

impl PublicKey {
    pub(crate) fn from_jwk(jwk: &Value) -> Option<Self> {
        if jwk["kty"] != "EC" || jwk["crv"] != "P-256" {
            return None;
        }
        Some(Self {
            x: jwk["x"].as_str()?.to_owned(),
            y: jwk["y"].as_str()?.to_owned(),
        })
    }

    /// Whether the signature is by this key.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let mut point = vec![0x04];
        for coordinate in [&self.x, &self.y] {
            let Ok(bytes) = BASE64URL_NOPAD.decode(coordinate.as_bytes()) else {
                return false;
            };
            point.extend(bytes);
        }
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(message, signature)
            .is_ok()
    }

    /// RFC 7638.
    pub(crate) fn thumbprint(&self) -> String {
        let canonical = format!(
            r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
            self.x, self.y
        );
        BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref())
    }
}
