//! A model that can be asked.

use std::sync::Arc;

use http::HeaderValue;
use reqwest::Url;
use tokio::time::Instant;

use super::{
    Family, Metadata, MetadataError, ModelError,
    azure::AzureApi,
    endpoint::{is_allowed, typed},
    family::Catalogue,
    identifier::{Identifier, Wire},
    models::ModelSettings,
    openai::OpenAi,
    places::{Place, Servers},
    provider::Provider,
};
use crate::foundation::Secret;

/// Provider, address, name and family of a model.
#[derive(Clone, Debug)]
pub struct Target {
    pub(super) family: Arc<Family>,
    pub(super) identifier: Identifier,
    pub(super) provider: Arc<dyn Provider>,
    /// As it was typed.
    pub(super) endpoint: Url,
    /// Whether the operator names it, so that his keys may go there.
    pub(super) is_trusted: bool,
    /// Where the operator configures servers that stand for the endpoint.
    pub(super) servers: Option<Arc<Servers>>,
    /// The request's own; fits in a header.
    pub(super) api_key: Option<Secret>,
}

/// Why no model can be asked; says which field and what to do. A client's fault, or the
/// operator's where the field is one of `models.default`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A field of the request.
    #[error(transparent)]
    Field(#[from] MetadataError),
    /// Neither the request nor the configuration names a model.
    #[error(
        "model_metadata: the request names no model and none is configured; choose a self-hosted model for this feature in GitLab, or set models.default"
    )]
    NoModel,
}

impl Target {
    /// What is known of the model's kind.
    pub fn family(&self) -> &Family {
        &self.family
    }

    /// Whether the server completes bare text instead of holding a conversation.
    pub fn is_text_completion(&self) -> bool {
        let wire = self.identifier.wire;
        matches!(wire, Wire::Text | Wire::Fim | Wire::Azure(AzureApi::Text))
    }

    pub(super) fn is_echo(&self) -> bool {
        self.identifier.wire == Wire::Echo
    }

    /// A place at one of the configured servers; none where the endpoint has none.
    pub(super) fn choose(
        &self,
        tried: &[usize],
        now: Instant,
    ) -> Result<Option<Place>, ModelError> {
        let servers = self.servers.as_ref();
        servers
            .map(|servers| servers.choose(tried, now))
            .transpose()
    }

    /// Whether another server than `tried` may be asked.
    pub(super) fn has_others(&self, tried: &[usize]) -> bool {
        let servers = self.servers.as_ref();
        servers.is_some_and(|servers| servers.has_others(tried, Instant::now()))
    }

    /// A model that says what it was asked.
    pub(super) fn echo(catalogue: &Catalogue, name: &str) -> Self {
        let family = catalogue.family(name).or_else(|| catalogue.family(""));
        let family = family.expect("the catalogue has a general family");
        Self {
            family: Arc::clone(family),
            identifier: Identifier {
                wire: Wire::Echo,
                model: "echo".to_owned(),
                is_openai: false,
                is_ollama: false,
            },
            provider: Arc::new(OpenAi),
            endpoint: Url::parse("echo:").expect("it is a URL, and nobody calls it"),
            is_trusted: false,
            servers: None,
            api_key: None,
        }
    }

    /// Judges what a request or the configuration says.
    pub(super) fn read(
        metadata: &Metadata,
        catalogue: &Catalogue,
        settings: &ModelSettings,
    ) -> Result<Self, MetadataError> {
        let wrong =
            |field: &str, problem: String| MetadataError::at(metadata.place, field, problem);
        if metadata.provider == "amazon_q" {
            let problem = "amazon_q is not served here; choose a self-hosted model in GitLab";
            return Err(wrong("provider", problem.to_owned()));
        }
        let Some(family) = catalogue.family(&metadata.name) else {
            let names = catalogue.names();
            return Err(wrong(
                "name",
                format!("is no family of models; known are {names}"),
            ));
        };
        if !settings.custom_enabled && !metadata.is_configured() {
            let problem = "models that requests name are switched off (models.custom_enabled)";
            return Err(wrong("endpoint", problem.to_owned()));
        }
        let identifier = Identifier::read(&metadata.identifier, &family.name).map_err(|prefix| {
            wrong("identifier", format!(
                "servers of the kind {prefix} are not spoken to yet; put one that speaks OpenAI's \
                 API in front and write custom_openai/MODEL"
            ))
        })?;
        let provider = settings.providers.of(identifier.wire);
        let endpoint = match metadata.endpoint.as_str() {
            "" => Ok(None),
            text => typed(text).map(Some),
        };
        let endpoint = endpoint.and_then(|endpoint| provider.endpoint(endpoint, &identifier));
        let endpoint = endpoint.map_err(|problem| wrong("endpoint", problem))?;
        let mut servers = settings.servers.iter();
        let servers = servers.find(|servers| servers.stand_for(&endpoint));
        // what the operator wrote needs no second permission
        let is_known = servers.is_some() || metadata.is_configured() || provider.is_operators();
        let allowed = &settings.allowed_hosts;
        if !is_known && !is_allowed(&endpoint, allowed) {
            let problem = "its host is not in models.allowed_hosts";
            return Err(wrong("endpoint", problem.to_owned()));
        }
        let key = metadata.api_key.as_ref();
        if key.is_some_and(|key| HeaderValue::try_from(key.expose()).is_err()) {
            let problem = "holds characters that no API key has; enter it again";
            return Err(wrong("api_key", problem.to_owned()));
        }
        Ok(Self {
            family: Arc::clone(family),
            provider: Arc::clone(provider),
            is_trusted: is_known || !allowed.is_empty(),
            servers: servers.cloned(),
            api_key: metadata.api_key.clone(),
            identifier,
            endpoint,
        })
    }
}

/// `host:port`, for logs and errors; a path or a query might hold a secret.
pub(super) fn place_of(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}
