//! A compact JWS (RFC 7515 7.1) taken apart, within bounds, before anything is believed.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

use super::Refusal;

/// A token whose form is sound. Nothing in it is believed yet.
pub(super) struct Token<'a> {
    /// The key that it says it was signed with.
    pub(super) kid: Option<String>,
    /// What the signature covers.
    pub(super) signed: &'a [u8],
    /// The signature.
    pub(super) signature: Vec<u8>,
    /// The claims, still in base64.
    payload: &'a [u8],
}

impl<'a> Token<'a> {
    /// Takes a token apart. Refuses whatever is not signed by RS256.
    pub(super) fn parse(text: &'a [u8]) -> Result<Self, Refusal> {
        if text.len() > TOKEN_BYTES {
            return Err(Refusal::TooLong);
        }
        let mut dots = memchr::memchr_iter(b'.', text);
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(Refusal::Malformed("it has not three parts"));
        };
        let (signed, signature) = split(text, second);
        let (header, payload) = split(signed, first);
        if header.len() > HEADER_BYTES {
            return Err(Refusal::Malformed("its header is too long"));
        }
        let header = decode(header, "its header is no base64url")?;
        let header: Header = serde_json::from_slice(&header)
            .map_err(|_| Refusal::Malformed("its header is no object with an algorithm"))?;
        // compared as it is written: RFC 7515 4.1.1
        if header.alg != "RS256" {
            return Err(Refusal::Algorithm);
        }
        if header.crit.is_some() {
            return Err(Refusal::Malformed(
                "its header asks for extensions (crit) that we do not have",
            ));
        }
        if signature.len() > SIGNATURE_CHARACTERS {
            return Err(Refusal::Signature);
        }
        Ok(Self {
            kid: header.kid,
            signed,
            signature: decode(signature, "its signature is no base64url")?,
            payload,
        })
    }

    /// The claims as JSON. To be read once the signature is known to be right.
    pub(super) fn payload(&self) -> Result<Vec<u8>, Refusal> {
        decode(self.payload, "its claims are no base64url")
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

/// What stands before and behind the byte at `place`.
fn split(text: &[u8], place: usize) -> (&[u8], &[u8]) {
    let before = text.get(..place).unwrap_or_default();
    let behind = text.get(place + 1..).unwrap_or_default();
    (before, behind)
}

fn decode(text: &[u8], otherwise: &'static str) -> Result<Vec<u8>, Refusal> {
    BASE64URL_NOPAD
        .decode(text)
        .map_err(|_| Refusal::Malformed(otherwise))
}

/// GitLab's tokens name every permission an instance has and take several KiB; what is longer than
/// this is not hashed, let alone parsed.
pub(super) const TOKEN_BYTES: usize = 32 * 1024;

/// `alg`, `typ` and `kid` take about 150 bytes.
const HEADER_BYTES: usize = 2048;

/// An RSA key of 8192 bits, the longest there is here, signs with 1024 bytes.
const SIGNATURE_CHARACTERS: usize = 1366;

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, payload: &str) -> String {
        let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        format!("{}.{}.{}", part(header), part(payload), part("signature"))
    }

    fn refusal(text: &str) -> Refusal {
        Token::parse(text.as_bytes()).err().expect(text)
    }

    #[test]
    fn a_sound_token_is_taken_apart() {
        let text = token(r#"{"alg":"RS256","typ":"JWT","kid":"k"}"#, "{}");
        let parsed = Token::parse(text.as_bytes()).expect("it is sound");
        assert_eq!(parsed.kid.as_deref(), Some("k"));
        assert_eq!(parsed.signature, b"signature");
        assert_eq!(parsed.payload(), Ok(b"{}".to_vec()));
        assert_eq!(parsed.signed, text.rsplit_once('.').unwrap().0.as_bytes());
        let nameless = token(r#"{"alg":"RS256"}"#, "{}");
        assert_eq!(Token::parse(nameless.as_bytes()).unwrap().kid, None);
    }

    #[test]
    fn only_rs256_counts() {
        for algorithm in [
            "none", "None", "HS256", "RS384", "rs256", "PS256", "ES256", "",
        ] {
            let header = format!(r#"{{"alg":"{algorithm}","kid":"k"}}"#);
            assert_eq!(refusal(&token(&header, "{}")), Refusal::Algorithm);
        }
    }

    #[test]
    fn damage_is_told_from_length() {
        let long = token(r#"{"alg":"RS256"}"#, &"x".repeat(TOKEN_BYTES));
        assert_eq!(refusal(&long), Refusal::TooLong);
        assert_eq!(refusal(&"a".repeat(1_000_000)), Refusal::TooLong);
        let padded = format!("{}=", token(r#"{"alg":"RS256"}"#, "{}"));
        let critical = token(r#"{"alg":"RS256","crit":["b64"],"b64":false}"#, "{}");
        let wide = token(
            &format!(r#"{{"alg":"RS256","x":"{}"}}"#, "x".repeat(3000)),
            "{}",
        );
        let number = token(r#"{"alg":"RS256","kid":7}"#, "{}");
        for text in [
            "", "a", "a.b", "a.b.c.d", "..", "a.b.c.", "ä.b.c", &padded, &critical, &wide, &number,
        ] {
            assert!(matches!(refusal(text), Refusal::Malformed(_)), "{text}");
        }
        let parts = token(r#"{"alg":"RS256"}"#, "{}");
        let signed = parts.rsplit_once('.').unwrap().0;
        let signature = refusal(&format!("{signed}.{}", "A".repeat(2000)));
        assert_eq!(signature, Refusal::Signature);
    }

    #[test]
    fn payloads_are_decoded_late() {
        let text = format!("{}.*.AAAA", BASE64URL_NOPAD.encode(br#"{"alg":"RS256"}"#));
        let parsed = Token::parse(text.as_bytes()).expect("nobody looked at the claims yet");
        assert!(parsed.payload().is_err());
    }
}
