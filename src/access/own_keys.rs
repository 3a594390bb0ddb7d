//! Our own keys: one signs, and both it and its predecessor verify.

use std::{fmt, fs::File, io::Read, path::Path, sync::Arc};

use x509_parser::{prelude::FromDer, public_key::RSAPublicKey};

use super::{AccessError, Audience, key::Key};
use crate::{
    config::{KeySource, SigningKeys},
    foundation::{RsaKey, RsaKeyError},
};

/// The keys of one door.
#[derive(Default)]
pub(super) struct OwnKeys {
    signing: Option<SigningKey>,
    verifying: Vec<Arc<Key>>,
}

/// A private key with its public half.
pub(super) struct SigningKey {
    private: RsaKey,
    public: Arc<Key>,
}

impl fmt::Debug for OwnKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OwnKeys(..)")
    }
}

impl OwnKeys {
    /// Reads the keys of a service.
    pub(super) fn read(audience: Audience, keys: &SigningKeys) -> Result<Self, AccessError> {
        let (signing, validation) = match audience {
            Audience::Gateway => ("keys.gateway.signing", "keys.gateway.validation"),
            Audience::AgentPlatform => (
                "keys.agent_platform.signing",
                "keys.agent_platform.validation",
            ),
        };
        let mut own = Self::default();
        if let Some(source) = &keys.signing {
            let key = SigningKey::read(signing, source)?;
            own.verifying.push(Arc::clone(&key.public));
            own.signing = Some(key);
        }
        if let Some(source) = &keys.validation {
            let key = SigningKey::read(validation, source)?;
            own.verifying.push(key.public);
        }
        Ok(own)
    }

    /// The one that signs.
    pub(super) fn signing(&self) -> Option<&SigningKey> {
        self.signing.as_ref()
    }

    /// Those that may have signed a token: the one it names, or each where it names none, as the
    /// official container's tokens do.
    pub(super) fn candidates(&self, kid: Option<&str>) -> impl Iterator<Item = &Arc<Key>> {
        self.verifying
            .iter()
            .filter(move |key| kid.is_none_or(|kid| key.kid == kid))
    }
}

impl SigningKey {
    /// Reads a key; `name` is the key of the configuration.
    fn read(name: &'static str, source: &KeySource) -> Result<Self, AccessError> {
        let text = match source {
            KeySource::Pem(text) => text.clone(),
            KeySource::File(path) => read_file(path).map_err(|error| AccessError::KeyFile {
                key: name,
                path: path.clone(),
                reason: error.to_string(),
            })?,
        };
        let private = RsaKey::from_pem(&text).map_err(|error| match error {
            RsaKeyError::Pem(reason) => AccessError::Pem { key: name, reason },
            RsaKeyError::NoRsaKey => AccessError::NoRsaKey { key: name },
        })?;
        Self::new(private).ok_or(AccessError::NoRsaKey { key: name })
    }

    fn new(private: RsaKey) -> Option<Self> {
        let (_, public) = RSAPublicKey::from_der(private.public_der()).ok()?;
        let public = Key::new(None, public.modulus, public.exponent)?;
        Some(Self {
            public: Arc::new(public),
            private,
        })
    }

    /// A token with these claims, or nothing where signing fails.
    pub(super) fn sign(&self, claims: &[u8]) -> Option<String> {
        let header = serde_json::json!({ "alg": "RS256", "typ": "JWT", "kid": self.public.kid });
        self.private
            .sign_token(header.to_string().as_bytes(), claims)
    }
}

fn read_file(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(MAXIMUM_FILE_BYTES)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// An RSA key of 8192 bits in PEM has 6.4 kB; comments may stand around it.
const MAXIMUM_FILE_BYTES: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;
    use rcgen::{KeyPair as Pair, PKCS_RSA_SHA256, RsaKeySize};

    use super::*;

    fn pem() -> String {
        let pair = Pair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048);
        pair.expect("the provider makes RSA keys").serialize_pem()
    }

    fn own(signing: Option<KeySource>, validation: Option<KeySource>) -> Result<OwnKeys, String> {
        let keys = SigningKeys {
            signing,
            validation,
        };
        OwnKeys::read(Audience::Gateway, &keys).map_err(|error| error.to_string())
    }

    #[test]
    fn what_one_signs_the_same_verifies_by_name_or_without() {
        let own = own(Some(KeySource::Pem(pem())), Some(KeySource::Pem(pem()))).unwrap();
        assert_eq!(own.candidates(None).count(), 2);
        let signing = own.signing().unwrap();
        let token = signing.sign(b"{}").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        let named: Vec<_> = own.candidates(Some(&signing.public.kid)).collect();
        assert_eq!(named.len(), 1);
        assert!(named[0].verifies(signed.as_bytes(), &signature));
        assert!(!named[0].verifies(b"else", &signature));
        assert_eq!(own.candidates(Some("other")).count(), 0);
    }

    #[test]
    fn keys_that_cannot_sign_are_told_by_their_name_and_without_their_text() {
        let damaged = pem().replace("\nM", "\n!");
        let elliptic = Pair::generate().expect("a P-256 key").serialize_pem();
        let cases = [
            (
                KeySource::Pem(damaged),
                "keys.gateway.signing: is not valid PEM",
            ),
            (
                KeySource::Pem(
                    "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n".to_owned(),
                ),
                "keys.gateway.signing: holds no private key",
            ),
            (
                KeySource::Pem(elliptic),
                "keys.gateway.signing: is no RSA key of 2048 to 8192 bits",
            ),
            (
                KeySource::File("/nowhere/key.pem".into()),
                "keys.gateway.signing: /nowhere/key.pem cannot be read",
            ),
        ];
        for (source, expected) in cases {
            let error = own(Some(source), None).expect_err(expected);
            assert!(error.starts_with(expected), "{error}");
        }
        assert!(
            own(None, Some(KeySource::Pem(pem())))
                .unwrap()
                .signing()
                .is_none()
        );
    }
}
