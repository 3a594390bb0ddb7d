//! Models on Azure: OpenAI's by their deployments, Claude, and what else is deployed there
//! (models-and-prompts 1.9).

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use reqwest::Url;

use super::{
    ModelError, ModelRequest, Target,
    anthropic::{API_KEY, add_secret, add_version, messages_below},
    anthropic_decode::{self, AnthropicPieces},
    anthropic_encode::{self, Edition},
    azure_url::{Deployment, inference},
    cloud::{CloudClients, CloudError, EntraAccount},
    error::ErrorKind,
    exchange::Outgoing,
    home::Home,
    identifier::Identifier,
    openai::bearer,
    openai_decode::{self, OpenAiPieces},
    openai_encode,
    provider::{Authorizing, Provider, Refused, RefusedCall, STALE, StreamDecoder},
    refusal::{DecodeError, Refusal},
    responses_decode::{self, ResponsePieces},
    responses_encode,
    sse_pieces::SsePieces,
    target::place_of,
    told::Told,
};
use crate::{config, foundation::Clock};

/// One of the ways in which models on Azure are spoken to.
#[derive(Debug)]
pub(super) struct Azure {
    account: Arc<AzureAccount>,
    api: AzureApi,
}

/// How a model on Azure is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AzureApi {
    /// A deployment of OpenAI's that holds conversations.
    Chat,
    /// One that completes bare text.
    Text,
    /// One of the coding models, which know nothing but OpenAI's newer API.
    Responses,
    /// Claude.
    Messages,
    /// Models of others.
    Inference,
}

impl AzureApi {
    /// Of `azure/MODEL`.
    pub(super) fn of_deployment(model: &str) -> Self {
        if model.contains("codex") {
            Self::Responses
        } else {
            Self::Chat
        }
    }

    /// Of `azure_ai/MODEL`.
    pub(super) fn of_model(model: &str) -> Self {
        if model.contains("claude") {
            Self::Messages
        } else if model.starts_with("gpt-") {
            Self::of_deployment(model)
        } else {
            Self::Inference
        }
    }
}

/// Who the operator is on Azure.
#[derive(Debug)]
pub(super) struct AzureAccount {
    home: Home,
    api_version: Option<String>,
    entra: Option<EntraAccount>,
}

impl AzureAccount {
    /// What the configuration says.
    pub(super) fn new(
        account: &config::AzureAccount,
        clients: CloudClients,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let entra = account.entra.as_ref();
        Self {
            home: Home::new(&account.account, NOWHERE),
            api_version: account.api_version.clone(),
            entra: entra.map(|credentials| EntraAccount::new(credentials, clients, clock)),
        }
    }

    /// Whether the operator's credentials may go to a host: one that he names, or one of Azure's
    /// own, whose owner sees no credentials.
    fn is_meant(&self, outgoing: &Outgoing<'_>) -> bool {
        let url = outgoing.url;
        let host = url.host_str().unwrap_or_default();
        let is_azures = url.scheme() == "https" && HOSTS.iter().any(|end| host.ends_with(end));
        is_azures || self.home.is_meant(outgoing)
    }
}

impl Azure {
    /// One way, with the account that all share.
    pub(super) fn new(account: &Arc<AzureAccount>, api: AzureApi) -> Self {
        Self {
            account: Arc::clone(account),
            api,
        }
    }

    async fn add_credentials(
        &self,
        outgoing: &Outgoing<'_>,
        headers: &mut HeaderMap,
    ) -> Result<(), ModelError> {
        if self.api == AzureApi::Messages {
            add_version(headers);
        }
        let is_meant = self.account.is_meant(outgoing);
        let key = self.account.home.key_if(outgoing, is_meant);
        if let Some(key) = key {
            match self.api {
                AzureApi::Inference => bearer(headers, key.expose()),
                AzureApi::Chat | AzureApi::Text if !is_dated(outgoing.url) => {
                    bearer(headers, key.expose());
                }
                AzureApi::Messages => {
                    add_secret(headers, API_KEY, key);
                    add_secret(headers, AZURE_KEY, key);
                }
                _ => add_secret(headers, AZURE_KEY, key),
            }
        } else if let Some(entra) = self.account.entra.as_ref().filter(|_| is_meant) {
            let token = entra.token().await;
            let token = token.map_err(|error| no_token(outgoing.url, &error))?;
            bearer(headers, token.expose());
        }
        Ok(())
    }
}

impl Provider for Azure {
    fn endpoint(&self, given: Option<Url>, _: &Identifier) -> Result<Url, String> {
        let endpoint = self.account.home.endpoint(given);
        endpoint.map_err(|_| MISSING.to_owned())
    }

    fn url(&self, target: &Target, endpoint: &Url, _: bool) -> Url {
        let version = self.account.api_version.as_deref();
        let deployment = Deployment::read(endpoint, version, &target.identifier.model);
        match self.api {
            AzureApi::Chat => deployment.url("/chat/completions"),
            AzureApi::Text => deployment.url("/completions"),
            AzureApi::Responses => deployment.responses(),
            AzureApi::Messages => messages_below(endpoint, "/anthropic"),
            AzureApi::Inference => inference(endpoint),
        }
    }

    fn body(&self, target: &Target, request: &ModelRequest, refused: &Refused) -> Vec<u8> {
        match self.api {
            AzureApi::Messages => anthropic_encode::body(target, request, refused, Edition::Own),
            AzureApi::Responses => responses_encode::body(target, request),
            _ => openai_encode::body(target, request, refused),
        }
    }

    fn authorize<'a>(
        &'a self,
        outgoing: &'a Outgoing<'a>,
        headers: &'a mut HeaderMap,
    ) -> Authorizing<'a> {
        Box::pin(self.add_credentials(outgoing, headers))
    }

    fn whole(&self, json: &[u8], told: &mut Told) -> Result<(), DecodeError> {
        match self.api {
            AzureApi::Messages => anthropic_decode::decode(json, told),
            AzureApi::Responses => responses_decode::decode(json, told),
            _ => openai_decode::decode(json, told),
        }
    }

    fn stream(&self) -> Box<dyn StreamDecoder> {
        match self.api {
            AzureApi::Messages => Box::new(SsePieces::new(AnthropicPieces::default())),
            AzureApi::Responses => Box::new(SsePieces::new(ResponsePieces::default())),
            _ => Box::new(SsePieces::new(OpenAiPieces::default())),
        }
    }

    fn refusal(&self, call: &RefusedCall<'_>, body: &[u8]) -> Refusal {
        let mut refusal = Refusal::read(body);
        let is_about_token = refusal.words.to_ascii_lowercase().contains("access token");
        let is_ours = is_about_token && !call.has_own_key;
        let entra = self.account.entra.as_ref().filter(|_| is_ours);
        if entra.is_some_and(|entra| entra.forget(call.authorized)) {
            refusal.parameter = Some(STALE);
        }
        refusal
    }
}

/// A call that cannot be made, since Entra ID does not say who we are.
fn no_token(url: &Url, error: &CloudError) -> ModelError {
    let remedy = match error {
        CloudError::Client(_) | CloudError::Unreachable { .. } => UNREACHABLE,
        _ => NO_TOKEN,
    };
    ModelError::new(
        ErrorKind::Credentials(remedy),
        place_of(url),
        error.to_string(),
    )
}

/// Whether a URL is of the API whose versions are dates.
fn is_dated(url: &Url) -> bool {
    url.path().contains("/openai/deployments/")
}

const NO_TOKEN: &str = "Entra ID gives this server no token for Azure; its operator should look at \
                        AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET";

const UNREACHABLE: &str = "Entra ID cannot be asked for a token for Azure; the operator of this server \
                           should look at its log, and at AZURE_AUTHORITY_HOST where that is set";

/// Where keys stand.
const AZURE_KEY: HeaderName = HeaderName::from_static("api-key");

/// Each account has a host of its own.
const NOWHERE: &str = "";

const MISSING: &str = "is missing; write the resource's URL, such as https://NAME.openai.azure.com";

/// Hosts that Microsoft runs. The gateways of API Management are not among them: their owners see
/// what passes.
const HOSTS: [&str; 6] = [
    ".openai.azure.com",
    ".cognitiveservices.azure.com",
    ".services.ai.azure.com",
    ".models.ai.azure.com",
    ".openai.azure.us",
    ".openai.azure.cn",
];
