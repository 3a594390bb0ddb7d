//! Signed messages (RFC 8555 6.2), taken apart and checked as far as their form goes.

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use super::account::PublicKey;

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) url: String,
    pub(crate) nonce: String,
    pub(crate) signer: Signer,
    /// None where the payload is empty (POST-as-GET).
    pub(crate) payload: Option<Value>,
    message: String,
    signature: Vec<u8>,
}

/// By whom it says it is.
#[derive(Clone, Debug)]
pub(crate) enum Signer {
    Key(PublicKey),
    /// The URL of an account.
    Account(String),
}

impl Signed {
    /// What the body says, or which rule it breaks.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        let outer: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let part = |name: &str| outer[name].as_str().ok_or(format!("no {name}"));
        let (protected, payload) = (part("protected")?, part("payload")?);
        let header: Value = serde_json::from_slice(&decoded(protected)?)
            .map_err(|error| format!("protected: {error}"))?;
        if header["alg"] != "ES256" {
            return Err(format!("alg {}", header["alg"]));
        }
        let word = |name: &str| {
            let value = header[name]
                .as_str()
                .ok_or(format!("no {name} in the header"));
            value.map(ToOwned::to_owned)
        };
        let signer = match (header.get("jwk"), header.get("kid")) {
            (Some(jwk), None) => {
                let key = PublicKey::from_jwk(jwk).ok_or(format!("jwk {jwk}"))?;
                Signer::Key(key)
            }
            (None, Some(_)) => Signer::Account(word("kid")?),
            _ => return Err("not exactly one of jwk and kid".to_owned()),
        };
        let payload_json = match decoded(payload)? {
            empty if empty.is_empty() => None,
            bytes => Some(serde_json::from_slice(&bytes).map_err(|error| error.to_string())?),
        };
        Ok(Self {
            url: word("url")?,
            nonce: word("nonce")?,
            signer,
            payload: payload_json,
            message: format!("{protected}.{payload}"),
            signature: decoded(part("signature")?)?,
        })
    }

    pub(crate) fn is_by(&self, key: &PublicKey) -> bool {
        key.verifies(self.message.as_bytes(), &self.signature)
    }
}

fn decoded(text: &str) -> Result<Vec<u8>, String> {
    BASE64URL_NOPAD
        .decode(text.as_bytes())
        .map_err(|error| format!("base64: {error}"))
}
