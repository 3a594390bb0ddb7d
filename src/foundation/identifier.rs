//! The correlation id that ties GitLab's log lines to ours.

use std::{fmt, sync::Arc};

use data_encoding::HEXLOWER;

use super::Randomness;

/// A request identifier: `X-Request-ID` of the caller, or a new one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Takes the caller's identifier if it is 1 to 128 visible ASCII characters.
    pub fn from_caller(value: &[u8]) -> Option<Self> {
        if value.is_empty() || value.len() > MAXIMUM_LENGTH {
            return None;
        }
        if !value.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        std::str::from_utf8(value)
            .ok()
            .map(|text| Self(text.into()))
    }

    /// A new identifier of 128 random bits in lower-case hexadecimal.
    pub fn new(randomness: &dyn Randomness) -> Self {
        let mut bits = [0_u8; 16];
        randomness.fill(&mut bits);
        Self(HEXLOWER.encode(&bits).into())
    }

    /// The text of the identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Long enough for every correlation id GitLab makes, short enough to echo in a header and keep
/// in every log line.
const MAXIMUM_LENGTH: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::SystemRandomness;

    #[test]
    fn callers_identifier_is_bounded_and_visible() {
        assert!(RequestId::from_caller(b"01HX-abc").is_some());
        assert!(RequestId::from_caller(b"").is_none());
        assert!(RequestId::from_caller(b"a b").is_none());
        assert!(RequestId::from_caller(&[b'a'; 128]).is_some());
        assert!(RequestId::from_caller(&[b'a'; 129]).is_none());
        assert!(RequestId::from_caller("ü".as_bytes()).is_none());
    }

    #[test]
    fn new_identifiers_differ() {
        let (one, two) = (
            RequestId::new(&SystemRandomness),
            RequestId::new(&SystemRandomness),
        );
        assert_eq!(one.as_str().len(), 32);
        assert_ne!(one, two);
    }
}
