//! Every kind of server that is spoken to, in one table.

use std::sync::Arc;

use super::{
    anthropic::Anthropic,
    azure::{Azure, AzureAccount, AzureApi},
    bedrock::Bedrock,
    cloud::{AmazonAccount, CloudClients, GoogleAccount},
    fim::Fim,
    gemini::Gemini,
    identifier::Wire,
    openai::OpenAi,
    provider::Provider,
    vendor::{self, Vendor},
    vertex::{Publisher, Vertex},
};
use crate::{
    config::Config,
    foundation::{Clock, SystemClock},
};

/// The providers by their wires. Adding one: its files, a wire and its prefix in `identifier.rs`,
/// a line here.
#[derive(Debug)]
pub(super) struct Providers {
    anybody: Arc<dyn Provider>,
    openai: Arc<dyn Provider>,
    mistral: Arc<dyn Provider>,
    codestral: Arc<dyn Provider>,
    fim: Arc<dyn Provider>,
    anthropic: Arc<dyn Provider>,
    bedrock: Arc<dyn Provider>,
    gemini: Arc<dyn Provider>,
    vertex_gemini: Arc<dyn Provider>,
    vertex_claude: Arc<dyn Provider>,
    vertex_mistral: Arc<dyn Provider>,
    azure_chat: Arc<dyn Provider>,
    azure_text: Arc<dyn Provider>,
    azure_responses: Arc<dyn Provider>,
    azure_messages: Arc<dyn Provider>,
    azure_inference: Arc<dyn Provider>,
}

impl Providers {
    /// Those that speak for themselves, and those that know keys of the operator's.
    pub(super) fn new(config: &Config) -> Self {
        let clients = CloudClients::new(config);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let amazon = AmazonAccount::new(&config.models.amazon, clients.clone(), clock.clone());
        let google = Arc::new(GoogleAccount::new(
            &config.models.google,
            clients.clone(),
            clock.clone(),
        ));
        let vertex = |publisher| Arc::new(Vertex::new(Arc::clone(&google), publisher));
        let accounts = &config.models.accounts;
        let azure = Arc::new(AzureAccount::new(&accounts.azure, clients, clock));
        let azure = |api| Arc::new(Azure::new(&azure, api));
        Self {
            anybody: Arc::new(OpenAi),
            openai: Arc::new(Vendor::new(&accounts.openai, vendor::OPENAI)),
            mistral: Arc::new(Vendor::new(&accounts.mistral, vendor::MISTRAL)),
            codestral: Arc::new(Vendor::new(&accounts.codestral, vendor::CODESTRAL)),
            fim: Arc::new(Fim::new(&accounts.codestral)),
            anthropic: Arc::new(Anthropic::new(&accounts.anthropic)),
            azure_chat: azure(AzureApi::Chat),
            azure_text: azure(AzureApi::Text),
            azure_responses: azure(AzureApi::Responses),
            azure_messages: azure(AzureApi::Messages),
            azure_inference: azure(AzureApi::Inference),
            bedrock: Arc::new(Bedrock::new(amazon)),
            gemini: Arc::new(Gemini::new(Arc::clone(&google))),
            vertex_gemini: vertex(Publisher::Google),
            vertex_claude: vertex(Publisher::Anthropic),
            vertex_mistral: vertex(Publisher::Mistral),
        }
    }

    /// Who speaks a wire.
    pub(super) fn of(&self, wire: Wire) -> &Arc<dyn Provider> {
        match wire {
            Wire::Chat | Wire::Text | Wire::Echo => &self.anybody,
            Wire::OpenAi => &self.openai,
            Wire::Mistral => &self.mistral,
            Wire::Codestral => &self.codestral,
            Wire::Fim => &self.fim,
            Wire::Messages => &self.anthropic,
            Wire::Bedrock => &self.bedrock,
            Wire::Gemini => &self.gemini,
            Wire::Vertex(Publisher::Google) => &self.vertex_gemini,
            Wire::Vertex(Publisher::Anthropic) => &self.vertex_claude,
            Wire::Vertex(Publisher::Mistral) => &self.vertex_mistral,
            Wire::Azure(AzureApi::Chat) => &self.azure_chat,
            Wire::Azure(AzureApi::Text) => &self.azure_text,
            Wire::Azure(AzureApi::Responses) => &self.azure_responses,
            Wire::Azure(AzureApi::Messages) => &self.azure_messages,
            Wire::Azure(AzureApi::Inference) => &self.azure_inference,
        }
    }
}
