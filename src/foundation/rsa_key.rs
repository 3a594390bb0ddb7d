//! An RSA key of ours that signs tokens.

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use data_encoding::BASE64URL_NOPAD;
use rustls_pki_types::PrivateKeyDer;

use super::{PemError, private_key_from_pem};

/// A private key of 2048 to 8192 bits.
pub struct RsaKey(KeyPair);

/// Why a text gave no such key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RsaKeyError {
    /// It holds no key at all.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// It holds one of another kind.
    #[error("is no RSA key of 2048 to 8192 bits")]
    NoRsaKey,
}

impl RsaKey {
    /// Reads PKCS#8 or PKCS#1 in PEM.
    pub fn from_pem(text: &str) -> Result<Self, RsaKeyError> {
        let pair = match &private_key_from_pem(text)? {
            PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()).ok(),
            PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()).ok(),
            _ => None,
        };
        pair.map(Self).ok_or(RsaKeyError::NoRsaKey)
    }

    /// The public half as PKCS#1.
    pub fn public_der(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// A token with this head and these claims, both JSON, signed by RS256 (RFC 7515); nothing
    /// where signing fails.
    pub fn sign_token(&self, header: &[u8], claims: &[u8]) -> Option<String> {
        let header = BASE64URL_NOPAD.encode(header);
        let mut token = format!("{header}.{}", BASE64URL_NOPAD.encode(claims));
        let mut signature = vec![0; self.0.public_modulus_len()];
        let random = SystemRandom::new();
        self.0
            .sign(&RSA_PKCS1_SHA256, &random, token.as_bytes(), &mut signature)
            .ok()?;
        token.push('.');
        BASE64URL_NOPAD.encode_append(&signature, &mut token);
        Some(token)
    }
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RsaKey(..)")
    }
}
