//! Keys that tests sign tokens with, as GitLab has them.

use std::time::UNIX_EPOCH;

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaEncoding},
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use duogate::foundation::{Clock, SystemClock};
use serde_json::{Value, json};
use x509_parser::{prelude::FromDer, public_key::RSAPublicKey};

/// An RSA key of 2048 bits with a name.
pub(crate) struct TokenKey {
    pub(crate) kid: String,
    pair: KeyPair,
}

impl TokenKey {
    pub(crate) fn new(kid: &str) -> Self {
        Self {
            kid: kid.to_owned(),
            pair: KeyPair::generate(KeySize::Rsa2048).unwrap(),
        }
    }

    /// Its public half as GitLab publishes it.
    pub(crate) fn jwk(&self) -> Value {
        let der = self.public();
        let (_, key) = RSAPublicKey::from_der(&der).unwrap();
        let number = |bytes: &[u8]| {
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            BASE64URL_NOPAD.encode(&bytes[zeros..])
        };
        json!({
            "kty": "RSA", "kid": self.kid, "use": "sig", "alg": "RS256",
            "n": number(key.modulus), "e": number(key.exponent),
        })
    }

    /// Its private half in PEM.
    pub(crate) fn pem(&self) -> String {
        use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
        let der: Pkcs8V1Der<'_> = self.pair.as_der().unwrap();
        pem("PRIVATE KEY", der.as_ref())
    }

    /// Its public half in PEM.
    pub(crate) fn public_pem(&self) -> String {
        pem("RSA PUBLIC KEY", &self.public())
    }

    /// A token as GitLab makes it, with these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.kid });
        self.sign(&header, claims)
    }

    /// A token with another header.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_by(&RSA_PKCS1_SHA256, header, claims)
    }

    /// A token signed in another way.
    pub(crate) fn sign_by(
        &self,
        way: &'static dyn RsaEncoding,
        header: &Value,
        claims: &Value,
    ) -> String {
        let signed = unsigned(header, claims);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(way, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .unwrap();
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }

    /// A token whose "secret" is what everybody can read: its public half, in one of the forms in
    /// which careless libraries take it for a secret.
    pub(crate) fn confused(&self, form: &str, claims: &Value) -> String {
        let secret = match form {
            "pem" => pem("RSA PUBLIC KEY", &self.public()).into_bytes(),
            "der" => self.public(),
            _ => self.jwk()["n"].as_str().unwrap().as_bytes().to_vec(),
        };
        let header = json!({ "alg": "HS256", "typ": "JWT", "kid": self.kid });
        let signed = unsigned(&header, claims);
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, &secret),
            signed.as_bytes(),
        );
        format!("{signed}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
    }

    /// PKCS#1.
    fn public(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }
}

/// The GitLab that tokens of tests are from.
pub(crate) const INSTANCE: &str = "7a1c-instance";

/// What GitLab puts into a token for one of its instances, good for an hour from now.
pub(crate) fn claims_now(issuer: &str, scopes: &[&str]) -> Value {
    let now = SystemClock.now().duration_since(UNIX_EPOCH).unwrap();
    let now = now.as_secs();
    json!({
        "iss": issuer,
        "sub": INSTANCE,
        "aud": ["gitlab-ai-gateway", "gitlab-duo-workflow-service"],
        "gitlab_realm": "self-managed",
        "jti": "one",
        "iat": now,
        "nbf": now - 5,
        "exp": now + 3600,
        "scopes": scopes,
    })
}

/// Header and claims of a token.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

/// The claims of a token, whoever signed it.
pub(crate) fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap()
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
