//! The metadata of a call that a session goes by (agent-platform 2.2).

use std::collections::HashSet;

use http::HeaderMap;
use serde_json::Value;

use super::{call::text, session::RequestMetadata};
use crate::{
    foundation::{ReleaseVersion, RequestId},
    model::Metadata,
};

/// Reads the metadata. What is missing, or no number or no JSON, counts as not said: GitLab sends
/// most of it for statistics, and no session should end on account of those.
pub(super) fn read(
    headers: &HeaderMap,
    id: &RequestId,
    capabilities: &[String],
    may_be_billed: bool,
) -> RequestMetadata {
    let version = text(headers, "x-gitlab-version").and_then(ReleaseVersion::read);
    let billing = text(headers, "x-gitlab-self-hosted-dap-billing-enabled");
    RequestMetadata {
        version,
        language_server: language_server(headers),
        capabilities: valid_capabilities(version, capabilities),
        model: model(headers),
        correlation_id: id.clone(),
        is_billed: may_be_billed && matches!(billing, Some("true" | "1")),
    }
}

/// The version of the editor's language server, where one calls.
pub(super) fn language_server(headers: &HeaderMap) -> Option<ReleaseVersion> {
    text(headers, "x-gitlab-language-server-version").and_then(ReleaseVersion::read)
}

/// Below GitLab 18.7 Workhorse does not say what its clients can do (agent-platform 3.5).
fn valid_capabilities(version: Option<ReleaseVersion>, named: &[String]) -> HashSet<String> {
    if !version.is_some_and(|version| version.is_at_least(18, 7, 0)) {
        return HashSet::new();
    }
    named.iter().take(CAPABILITIES).cloned().collect()
}

/// The model that GitLab's administrator chose (agent-platform 8.1). The value holds a secret.
fn model(headers: &HeaderMap) -> Option<Metadata> {
    let value = headers.get("x-gitlab-agent-platform-model-metadata")?;
    let read = serde_json::from_slice::<Value>(value.as_bytes());
    let reason = match read.as_ref().map(Metadata::from_json) {
        Ok(Ok(model)) => return model,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it is no JSON".to_owned(),
    };
    tracing::warn!(
        reason,
        "x-gitlab-agent-platform-model-metadata cannot be read; the configured model counts"
    );
    None
}

/// The contract knows a dozen; a client that names more says nothing by it.
const CAPABILITIES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(pairs: &[(&'static str, &str)], may_be_billed: bool) -> RequestMetadata {
        let headers = pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        let id = RequestId::from_caller(b"id").unwrap();
        let capabilities = ["incremental_streaming".to_owned()];
        read(&headers, &id, &capabilities, may_be_billed)
    }

    #[test]
    fn capabilities_count_from_18_7_on() {
        for (version, counts) in [
            ("18.6.9", false),
            ("18.7.0", true),
            ("18.11.2-ee", true),
            ("x", false),
        ] {
            let found = metadata(&[("x-gitlab-version", version)], false).capabilities;
            assert_eq!(!found.is_empty(), counts, "{version}");
        }
        assert!(metadata(&[], false).capabilities.is_empty());
    }

    #[test]
    fn a_model_that_cannot_be_read_is_none() {
        let name = "x-gitlab-agent-platform-model-metadata";
        for nonsense in ["", "null", "{", "7", r#"{"name":"mistral"}"#] {
            assert_eq!(
                metadata(&[(name, nonsense)], false).model,
                None,
                "{nonsense}"
            );
        }
        let model = r#"{"provider":"openai","name":"mistral","endpoint":"http://m","api_key":null,"identifier":""}"#;
        let found = metadata(&[(name, model)], false).model.unwrap();
        assert_eq!(found.provider(), "openai");
    }

    #[test]
    fn the_switch_for_billing_is_read() {
        let billing = "x-gitlab-self-hosted-dap-billing-enabled";
        for (value, allowed, expected) in [
            ("true", true, true),
            ("1", true, true),
            ("true", false, false),
            ("false", true, false),
            ("yes", true, false),
        ] {
            let found = metadata(&[(billing, value)], allowed).is_billed;
            assert_eq!(found, expected, "{value} {allowed}");
        }
    }
}
