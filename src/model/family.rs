//! Families of models: what is known of a model by the name of its kind.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};

/// A family (models-and-prompts 1.3).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// What GitLab sends.
    pub name: String,
    /// What people read.
    pub title: String,
    /// Prompt folders in the order in which they are searched, without `base`.
    pub folders: Vec<String>,
    /// The window in tokens.
    #[serde(rename = "context_tokens")]
    pub max_context_tokens: u32,
    /// Sent where a request says nothing.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// Sent where a request says nothing.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// Whether thoughts in the text are taken out.
    #[serde(default)]
    pub strip_reasoning: bool,
    /// Whether several system messages become one.
    #[serde(default)]
    pub single_system_message: bool,
}

impl Family {
    /// Tokens that a conversation may take of the window; the rest is the answer's and the estimate's
    /// (agent-platform 8.6).
    pub fn conversation_tokens(&self) -> usize {
        self.max_context_tokens as usize * CONVERSATION / WHOLE
    }

    /// The longest answer within a conversation, in tokens.
    pub fn answer_tokens(&self) -> u32 {
        self.max_context_tokens / ANSWER
    }
}

/// A feature that a model is chosen for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Feature {
    pub(super) name: String,
    pub(super) unit_primitives: Vec<String>,
}

/// `config/models.yaml`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Catalogue {
    #[serde(deserialize_with = "shared")]
    pub(super) families: Vec<Arc<Family>>,
    pub(super) features: Vec<Feature>,
}

fn shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Arc<Family>>, D::Error> {
    let families = Vec::<Family>::deserialize(deserializer)?;
    Ok(families.into_iter().map(Arc::new).collect())
}

impl Catalogue {
    /// The built-in one.
    pub(super) fn builtin() -> Self {
        serde_saphyr::from_str(TEXT).expect("a test reads config/models.yaml")
    }

    /// A family by its name; an empty one is the general family.
    pub(super) fn family(&self, name: &str) -> Option<&Arc<Family>> {
        let name = if name.is_empty() { GENERAL } else { name };
        self.families.iter().find(|family| family.name == name)
    }

    /// All names, for refusals.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self
            .families
            .iter()
            .map(|family| family.name.as_str())
            .collect();
        names.join(", ")
    }
}

const TEXT: &str = include_str!("../../config/models.yaml");

/// Knows nothing of its model.
const GENERAL: &str = "general";

/// The part of the window that a conversation may take (agent-platform 8.6).
const CONVERSATION: usize = 70;

/// The whole that [`CONVERSATION`] is a part of.
const WHOLE: usize = 100;

/// An answer may take one part of so many of the window: with the conversation's part it fits.
const ANSWER: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_catalogue_is_read_and_names_each_family_once() {
        let catalogue = Catalogue::builtin();
        let mut names: Vec<_> = catalogue
            .families
            .iter()
            .map(|family| &family.name)
            .collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!((names.len(), count), (12, 12));
        assert_eq!(catalogue.family("").unwrap().name, "general");
        assert_eq!(catalogue.family("mistal"), None);
        let qwen = catalogue.family("qwen").unwrap();
        assert!(qwen.strip_reasoning && qwen.single_system_message);
        assert_eq!(catalogue.family("gpt").unwrap().temperature, None);
    }
}
