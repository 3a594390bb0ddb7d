//! A model that a command calls to see whether it answers.

use serde_json::Value;

/// Characters of a reason: a sentence, with what a server says inside it.
const SHOWN: usize = 500;

/// What GitLab's administrator types in for a self-hosted model.
#[derive(Clone, Default)]
pub struct ModelUnderTest {
    /// Such as `mistral`.
    pub family: String,
    /// The URL of its server.
    pub endpoint: String,
    /// What its server calls it, behind a prefix.
    pub identifier: Option<String>,
    /// Never shown.
    pub api_key: Option<String>,
}

impl ModelUnderTest {
    /// What stands before the first slash of the identifier.
    pub(super) fn provider(&self) -> &str {
        let identifier = self.identifier.as_deref().unwrap_or_default();
        identifier
            .split_once('/')
            .map_or("custom_openai", |(provider, _)| provider)
    }

    /// What a gateway says of this model: its reason, else the beginning of its answer; one line.
    pub(super) fn reason(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        let json: Value = serde_json::from_str(&text).unwrap_or_default();
        let mut keys = ["detail", "error"].into_iter();
        let reason = keys.find_map(|key| json.get(key)?.as_str());
        // the key goes first: a cut would leave the beginning of it
        let reason = self.without_key(reason.unwrap_or(&text));
        let visible = |letter: char| if letter.is_control() { ' ' } else { letter };
        reason.chars().take(SHOWN).map(visible).collect()
    }

    /// A text without the key, whoever wrote it.
    pub(super) fn without_key(&self, text: &str) -> String {
        match self.api_key.as_deref() {
            Some(key) if !key.is_empty() => text.replace(key, "**********"),
            _ => text.to_owned(),
        }
    }
}

impl std::fmt::Debug for ModelUnderTest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ModelUnderTest")
            .field("family", &self.family)
            .field("identifier", &self.identifier)
            .finish_non_exhaustive()
    }
}
