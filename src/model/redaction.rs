//! What of a model server's own words may stand in the log.

use http::HeaderMap;

use crate::foundation::Secret;

/// The secrets that were sent to a server and may come back in its words.
#[derive(Clone, Debug, Default)]
pub(super) struct Redaction(Vec<Secret>);

impl Redaction {
    /// Takes out the values of headers that are marked as secret, with and without the scheme
    /// before them.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let values = headers.values().filter(|value| value.is_sensitive());
        let values = values.filter_map(|value| value.to_str().ok());
        // of `Basic abc` the second word is the secret
        let bare = values.map(|value| value.rsplit(' ').next().unwrap_or(value));
        let bare = bare.filter(|value| !value.is_empty());
        Self(bare.map(Secret::new).collect())
    }

    /// Takes out these.
    pub(super) fn of_secrets(secrets: &[&str]) -> Self {
        let secrets = secrets.iter().filter(|secret| !secret.is_empty());
        Self(secrets.map(|secret| Secret::new(*secret)).collect())
    }

    /// A few words of a text, without any secret and without control characters. Secrets go first:
    /// a cut would leave the beginning of one.
    pub(super) fn words(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            if text.contains(secret.expose()) {
                text = text.replace(secret.expose(), "**********");
            }
        }
        text.chars().take(SHOWN).map(visible).collect()
    }
}

fn visible(character: char) -> char {
    if character.is_control() {
        ' '
    } else {
        character
    }
}

/// Servers put the reason first and what they got after it.
const SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn words_are_few_and_hold_no_secret_wherever_they_are_cut() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("authorization", "Bearer sk-secret-key"), ("x-of", "team")] {
            let mut value = HeaderValue::from_static(value);
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        headers.insert("accept", HeaderValue::from_static("key"));
        let redaction = Redaction::of(&headers);
        assert_eq!(
            redaction.words("key sk-secret-key of team\nis wrong"),
            "key ********** of ********** is wrong"
        );
        for before in 180..210 {
            let text = format!("{}sk-secret-key", "é".repeat(before));
            let words = redaction.words(&text);
            assert!(!words.contains("sk-"), "{words}");
            assert!(words.chars().count() <= SHOWN);
        }
    }
}
