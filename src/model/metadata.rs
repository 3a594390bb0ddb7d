//! Which model GitLab wants, as its requests say it.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::foundation::Secret;

/// A model of the customer's own, named by a request (http-api 2.5). Not judged yet: families and
/// prefixes are known by [`super::Models::target`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    pub(super) provider: String,
    pub(super) name: String,
    pub(super) endpoint: String,
    pub(super) api_key: Option<Secret>,
    pub(super) identifier: String,
    /// How its fields are called where they came from.
    pub(super) place: &'static str,
}

/// A field that cannot be right; says which and what to do, never its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct MetadataError {
    field: String,
    problem: Cow<'static, str>,
}

impl Metadata {
    /// Reads `model_metadata`; `null` is none.
    pub fn from_json(value: &Value) -> Result<Option<Self>, MetadataError> {
        let object = match value {
            Value::Null => return Ok(None),
            Value::Object(object) => object,
            _ => return Err(MetadataError::new("model_metadata", "must be an object")),
        };
        let text = |name: &str, limit: usize| match object.get(name) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => bounded(OBJECT, name, text, limit),
            Some(_) => Err(MetadataError::at(OBJECT, name, "must be a string")),
        };
        let provider = text("provider", NAME)?;
        if provider.is_empty() {
            return Err(MetadataError::at(
                OBJECT,
                "provider",
                "is missing; send openai",
            ));
        }
        Ok(Some(Self {
            provider: provider.to_owned(),
            name: text("name", NAME)?.trim().to_owned(),
            endpoint: text("endpoint", ENDPOINT)?.trim().to_owned(),
            api_key: secret(text("api_key", API_KEY)?),
            identifier: text("identifier", IDENTIFIER)?.trim().to_owned(),
            place: OBJECT,
        }))
    }

    /// Reads the flat `model_*` keys of `/v2` (http-api 2.1); nothing given is none.
    pub fn from_flat(
        provider: Option<&str>,
        name: Option<&str>,
        endpoint: Option<&str>,
        api_key: Option<&str>,
        identifier: Option<&str>,
    ) -> Result<Option<Self>, MetadataError> {
        let given = [name, endpoint, identifier];
        if given.iter().all(|text| text.is_none_or(str::is_empty)) {
            return Ok(None);
        }
        let text = |name: &str, text: Option<&str>, limit: usize| {
            bounded(FLAT, name, text.unwrap_or_default().trim(), limit).map(ToOwned::to_owned)
        };
        Ok(Some(Self {
            provider: provider.unwrap_or("litellm").to_owned(),
            name: text("name", name, NAME)?,
            endpoint: text("endpoint", endpoint, ENDPOINT)?,
            api_key: secret(&text("api_key", api_key, API_KEY)?),
            identifier: text("identifier", identifier, IDENTIFIER)?,
            place: FLAT,
        }))
    }

    /// The operator's own (`models.default`).
    pub(super) fn configured(
        name: &str,
        endpoint: &str,
        api_key: Option<&str>,
        identifier: &str,
    ) -> Self {
        Self {
            provider: "openai".to_owned(),
            name: name.to_owned(),
            endpoint: endpoint.to_owned(),
            api_key: secret(api_key.unwrap_or_default()),
            identifier: identifier.to_owned(),
            place: CONFIGURED,
        }
    }

    /// What the request calls the provider; `openai` from Rails for every self-hosted model.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// What may be stored and shown of it: all but the key.
    pub fn without_key(&self) -> Value {
        json!({
            "provider": self.provider,
            "name": self.name,
            "endpoint": self.endpoint,
            "identifier": self.identifier,
        })
    }

    /// Whether the operator wrote it.
    pub(super) fn is_configured(&self) -> bool {
        self.place == CONFIGURED
    }
}

impl MetadataError {
    fn new(field: &str, problem: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: field.to_owned(),
            problem: problem.into(),
        }
    }

    pub(super) fn at(place: &str, name: &str, problem: impl Into<Cow<'static, str>>) -> Self {
        Self::new(&format!("{place}{name}"), problem)
    }

    /// The field, as the request calls it.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What is wrong and what to do.
    pub fn problem(&self) -> Cow<'static, str> {
        self.problem.clone()
    }
}

fn bounded<'t>(
    place: &str,
    name: &str,
    text: &'t str,
    limit: usize,
) -> Result<&'t str, MetadataError> {
    if text.len() > limit && text.chars().count() > limit {
        let problem = format!("must have at most {limit} characters");
        return Err(MetadataError::at(place, name, problem));
    }
    Ok(text)
}

fn secret(text: &str) -> Option<Secret> {
    let text = text.trim();
    (!text.is_empty()).then(|| Secret::new(text))
}

const OBJECT: &str = "model_metadata.";
const FLAT: &str = "model_";
const CONFIGURED: &str = "models.default.";

// Bounds of models-and-prompts 1.2, in characters.
const NAME: usize = 255;
const ENDPOINT: usize = 255;
const API_KEY: usize = 2000;
const IDENTIFIER: usize = 1000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_rails_sends_is_read_and_keeps_its_key_to_itself() {
        let metadata = Metadata::from_json(&json!({
            "provider": "openai", "name": "mistral", "endpoint": "http://vllm/v1",
            "api_key": "sk-secret", "identifier": "", "friendly_name": 7,
        }));
        let metadata = metadata.unwrap().unwrap();
        assert_eq!(
            (metadata.provider(), metadata.identifier.as_str()),
            ("openai", "")
        );
        assert!(!format!("{metadata:?}").contains("sk-secret"));
        let without = json!({"provider": "openai", "api_key": null, "endpoint": null});
        assert_eq!(
            Metadata::from_json(&without).unwrap().unwrap().api_key,
            None
        );
        assert_eq!(Metadata::from_json(&Value::Null), Ok(None));
        assert_eq!(
            Metadata::from_flat(None, None, Some(""), Some("k"), None),
            Ok(None)
        );
    }

    #[test]
    fn refusals_name_the_field() {
        for (value, field) in [
            (json!(["provider"]), "model_metadata"),
            (json!({}), "model_metadata.provider"),
            (json!({"provider": 1}), "model_metadata.provider"),
            (
                json!({"provider": "p", "name": "n".repeat(256)}),
                "model_metadata.name",
            ),
            (
                json!({"provider": "p", "api_key": "k".repeat(2001)}),
                "model_metadata.api_key",
            ),
        ] {
            assert_eq!(Metadata::from_json(&value).unwrap_err().field(), field);
        }
        let long = "e".repeat(256);
        let error = Metadata::from_flat(None, None, Some(&long), None, None).unwrap_err();
        assert_eq!(error.field(), "model_endpoint");
    }
}
