//! Keys that verify signatures, and sets of them (RFC 7517).

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_lc_rs::{
    digest,
    rsa::PublicKeyComponents,
    signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256},
};
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde_json::Value;

/// A public RSA key under the name that tokens call it by.
pub(super) struct Key {
    /// What its publisher calls it, else its thumbprint.
    pub(super) kid: String,
    /// RFC 7638: says whether two keys are the same.
    thumbprint: String,
    public: ParsedPublicKey,
    /// False once its publisher does not publish it any more.
    published: AtomicBool,
}

/// The keys of one publisher by name.
#[derive(Default)]
pub(super) struct KeySet(HashMap<String, Arc<Key>>);

/// Why a text is no set of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeySetError {
    /// Another document, such as a page in HTML.
    #[error("answered something that is no JSON with a list of keys")]
    NoSet,
    /// More than anybody publishes.
    #[error("publishes more than {MAXIMUM_KEYS} keys")]
    TooMany,
    /// Nothing that could verify a token.
    #[error("publishes no RSA key for RS256 signatures")]
    NoneUsable,
}

impl Key {
    /// A key out of its modulus and its exponent, big endian. None where it is too small, too
    /// large or no RSA key at all.
    pub(super) fn new(kid: Option<String>, modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let (modulus, exponent) = (unsigned(modulus), unsigned(exponent));
        let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
        let sound = (MINIMUM_MODULUS..=MAXIMUM_MODULUS).contains(&modulus.len())
            && (1..=MAXIMUM_EXPONENT).contains(&exponent.len())
            && odd(modulus)
            && odd(exponent);
        if !sound {
            return None;
        }
        let components = PublicKeyComponents {
            n: modulus,
            e: exponent,
        };
        let public = components
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .ok()?;
        let thumbprint = thumbprint(modulus, exponent);
        Some(Self {
            kid: kid.unwrap_or_else(|| thumbprint.clone()),
            thumbprint,
            public,
            published: AtomicBool::new(true),
        })
    }

    /// Whether it made this signature.
    pub(super) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(signed, signature).is_ok()
    }

    /// Whether its publisher still publishes it.
    pub(super) fn is_published(&self) -> bool {
        self.published.load(Ordering::Acquire)
    }

    fn is_same(&self, other: &Self) -> bool {
        self.kid == other.kid && self.thumbprint == other.thumbprint
    }
}

impl KeySet {
    /// Reads a set as GitLab publishes it (gitlab-clients 4.3). Keys for other purposes are left
    /// out; one that says nothing of its purpose counts.
    pub(super) fn read(text: &[u8]) -> Result<Self, KeySetError> {
        let document: Document = serde_json::from_slice(text).map_err(|_| KeySetError::NoSet)?;
        if document.keys.len() > MAXIMUM_KEYS {
            return Err(KeySetError::TooMany);
        }
        let mut keys = HashMap::new();
        for value in document.keys {
            let read = serde_json::from_value::<Jwk>(value).ok();
            if let Some(key) = read.and_then(Jwk::key) {
                // of two with one name the first counts, so that none can be pushed aside later
                keys.entry(key.kid.clone()).or_insert(Arc::new(key));
            }
        }
        if keys.is_empty() {
            return Err(KeySetError::NoneUsable);
        }
        Ok(Self(keys))
    }

    /// The same set, in which keys that were there before go on as they are: what was remembered
    /// with them stays. Those that are gone count as gone from now on.
    pub(super) fn after(mut self, before: &Self) -> Self {
        for (kid, old) in &before.0 {
            match self.0.get_mut(kid) {
                Some(new) if new.is_same(old) => *new = Arc::clone(old),
                _ => old.published.store(false, Ordering::Release),
            }
        }
        self
    }

    /// Whether both hold the very same keys.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let same = |(kid, key): (&String, &Arc<Key>)| {
            let found = other.0.get(kid);
            found.is_some_and(|found| Arc::ptr_eq(key, found))
        };
        self.len() == other.len() && self.0.iter().all(same)
    }

    /// The key of that name.
    pub(super) fn find(&self, kid: &str) -> Option<Arc<Key>> {
        self.0.get(kid).cloned()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    n: String,
    e: String,
}

impl Jwk {
    fn key(self) -> Option<Key> {
        let is = |given: &Option<String>, wanted: &str| {
            given.as_deref().is_none_or(|given| given == wanted)
        };
        if self.kty != "RSA" || !is(&self.purpose, "sig") || !is(&self.alg, "RS256") {
            return None;
        }
        let kid = self.kid.filter(|kid| !kid.is_empty());
        let number = |text: &str| {
            let text = text.trim_end_matches('=');
            BASE64URL_NOPAD.decode(text.as_bytes()).ok()
        };
        Key::new(kid, &number(&self.n)?, &number(&self.e)?)
    }
}

/// RFC 7638 3: the hash of the members that make the key, in the order of the alphabet.
fn thumbprint(modulus: &[u8], exponent: &[u8]) -> String {
    let (modulus, exponent) = (
        BASE64URL_NOPAD.encode(modulus),
        BASE64URL_NOPAD.encode(exponent),
    );
    let members = format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#);
    let hash = digest::digest(&digest::SHA256, members.as_bytes());
    BASE64URL_NOPAD.encode(hash.as_ref())
}

/// A number without leading zeros, as RFC 7518 2 writes it; some write one all the same.
fn unsigned(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// 2048 bits: smaller keys are broken by those who can pay for it (NIST SP 800-131A).
const MINIMUM_MODULUS: usize = 256;

/// 8192 bits: each doubling makes a verification four times as dear.
const MAXIMUM_MODULUS: usize = 1024;

/// Everybody uses 65537; a long exponent makes each verification dear.
const MAXIMUM_EXPONENT: usize = 4;

/// GitLab publishes two or three for each purpose.
const MAXIMUM_KEYS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7638 3.1.
    const MODULUS: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    fn jwk(changes: &[(&str, Value)]) -> Value {
        let mut jwk = serde_json::json!({"kty": "RSA", "n": MODULUS, "e": "AQAB", "kid": "k"});
        for (name, value) in changes {
            jwk[*name] = value.clone();
        }
        jwk
    }

    fn set(keys: &[Value]) -> Result<KeySet, KeySetError> {
        KeySet::read(serde_json::json!({ "keys": keys }).to_string().as_bytes())
    }

    #[test]
    fn a_key_without_a_name_is_called_by_its_thumbprint() {
        let mut nameless = jwk(&[]);
        nameless.as_object_mut().unwrap().remove("kid");
        let found = set(&[nameless]).unwrap();
        assert!(
            found
                .find("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
                .is_some()
        );
    }

    #[test]
    fn keys_of_another_purpose_are_left_out() {
        let good = jwk(&[("use", "sig".into()), ("alg", "RS256".into())]);
        let bad = [
            jwk(&[("use", "enc".into())]),
            jwk(&[("alg", "RS512".into())]),
            jwk(&[("kty", "EC".into())]),
            jwk(&[("n", "AQAB".into())]),
            jwk(&[("n", "*".into())]),
            jwk(&[("e", "AQABAQAB".into())]),
            jwk(&[("e", "Ag".into())]),
            jwk(&[("e", "".into())]),
            jwk(&[("n", BASE64URL_NOPAD.encode(&[255; 1025]).into())]),
            jwk(&[("kid", 5.into())]),
            Value::Null,
        ];
        for key in &bad {
            assert_eq!(
                set(std::slice::from_ref(key)).err(),
                Some(KeySetError::NoneUsable),
                "{key}"
            );
        }
        let mut all = bad.to_vec();
        all.push(good);
        assert_eq!(set(&all).unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for text in ["", "<html>", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":5}"#] {
            let error = KeySet::read(text.as_bytes()).err();
            assert_eq!(error, Some(KeySetError::NoSet), "{text}");
        }
        let many: Vec<_> = (0..=64)
            .map(|number| jwk(&[("kid", number.to_string().into())]))
            .collect();
        assert_eq!(set(&many).err(), Some(KeySetError::TooMany));
        assert_eq!(set(&[]).err(), Some(KeySetError::NoneUsable));
    }

    #[test]
    fn a_key_that_stays_is_the_same_and_one_that_leaves_is_told() {
        let first = set(&[jwk(&[]), jwk(&[("kid", "old".into())])]).unwrap();
        let (stays, leaves) = (first.find("k").unwrap(), first.find("old").unwrap());
        let second = set(&[jwk(&[]), jwk(&[("kid", "new".into())])])
            .unwrap()
            .after(&first);
        assert!(Arc::ptr_eq(&stays, &second.find("k").unwrap()));
        assert!(stays.is_published() && !leaves.is_published());
        assert!(second.find("old").is_none());
        // another key under the old name is another key
        let other = BASE64URL_NOPAD.encode(&[255; 256]);
        let third = set(&[jwk(&[("n", other.into())])]).unwrap().after(&second);
        assert!(!stays.is_published());
        assert!(third.find("k").unwrap().is_published());
    }
}
