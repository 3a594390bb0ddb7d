//! Google's Vertex AI: Gemini, and models of others behind the same door (models-and-prompts 1.10).

use std::sync::Arc;

use http::HeaderMap;
use percent_encoding::utf8_percent_encode;
use reqwest::Url;

use super::{
    ModelError, ModelRequest, Target,
    anthropic_decode::{self, AnthropicPieces},
    anthropic_encode::{self, Edition},
    bedrock::no_credentials,
    cloud::GoogleAccount,
    endpoint::{below, typed},
    exchange::Outgoing,
    gemini::{SEGMENT, method},
    gemini_decode::{self, GeminiPieces},
    gemini_encode,
    identifier::Identifier,
    openai::bearer,
    openai_decode::{self, OpenAiPieces},
    openai_encode,
    provider::{Authorizing, Provider, Refused, RefusedCall, STALE, StreamDecoder},
    refusal::{DecodeError, Refusal},
    sse_pieces::SsePieces,
    told::Told,
};

/// Models of one publisher in the operator's project.
#[derive(Debug)]
pub(super) struct Vertex {
    account: Arc<GoogleAccount>,
    publisher: Publisher,
}

/// Whose model it is, and so how it is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Publisher {
    /// Gemini's own API.
    Google,
    /// Anthropic's messages.
    Anthropic,
    /// OpenAI's conversations.
    Mistral,
}

impl Publisher {
    /// By the model's name.
    pub(super) fn of(model: &str) -> Self {
        let begins = |names: &[&str]| names.iter().any(|name| model.starts_with(name));
        if begins(&["claude"]) {
            Self::Anthropic
        } else if begins(&["mistral", "mixtral", "ministral", "codestral"]) {
            Self::Mistral
        } else {
            Self::Google
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Anthropic => "anthropic",
            Self::Mistral => "mistralai",
        }
    }
}

impl Vertex {
    /// Of the operator's project.
    pub(super) fn new(account: Arc<GoogleAccount>, publisher: Publisher) -> Self {
        Self { account, publisher }
    }

    fn location(&self) -> &str {
        let location = self.account.settings().location.as_deref();
        location.unwrap_or(EVERYWHERE)
    }

    async fn add_token(
        &self,
        outgoing: &Outgoing<'_>,
        headers: &mut HeaderMap,
    ) -> Result<(), ModelError> {
        let token = self.account.token().await;
        let token = token.map_err(|error| no_credentials(outgoing.url, &error))?;
        bearer(headers, token.expose());
        Ok(())
    }
}

impl Provider for Vertex {
    /// What was typed means nothing: GitLab's administrators have to type something
    /// (models-and-prompts 1.2).
    fn endpoint(&self, _: Option<Url>, _: &Identifier) -> Result<Url, String> {
        let settings = self.account.settings();
        if settings.project.is_none() {
            let problem = "Vertex AI needs a project, which the operator of this server names: \
                           AIGW_GOOGLE_CLOUD_PLATFORM__PROJECT";
            return Err(problem.to_owned());
        }
        match (&settings.vertex_endpoint, self.location()) {
            (Some(url), _) => typed(url),
            (None, EVERYWHERE) => typed("https://aiplatform.googleapis.com"),
            (None, location) if is_location(location) => {
                typed(&format!("https://{location}-aiplatform.googleapis.com"))
            }
            (None, _) => Err("VERTEXAI_LOCATION is no location of Google's".to_owned()),
        }
    }

    fn is_operators(&self) -> bool {
        self.account.settings().vertex_endpoint.is_some()
    }

    fn url(&self, target: &Target, endpoint: &Url, stream: bool) -> Url {
        let project = self.account.settings().project.as_deref();
        let encoded = |word| utf8_percent_encode(word, SEGMENT);
        let model = format!(
            "/v1/projects/{}/locations/{}/publishers/{}/models/{}",
            encoded(project.unwrap_or_default()),
            encoded(self.location()),
            self.publisher.word(),
            encoded(&target.identifier.model)
        );
        match self.publisher {
            Publisher::Google => method(endpoint, &model, stream),
            Publisher::Anthropic | Publisher::Mistral if stream => {
                below(endpoint, &format!("{model}:streamRawPredict"))
            }
            Publisher::Anthropic | Publisher::Mistral => {
                below(endpoint, &format!("{model}:rawPredict"))
            }
        }
    }

    fn body(&self, target: &Target, request: &ModelRequest, refused: &Refused) -> Vec<u8> {
        match self.publisher {
            Publisher::Google => gemini_encode::body(target, request, refused),
            Publisher::Anthropic => {
                anthropic_encode::body(target, request, refused, Edition::Cloud(MESSAGES))
            }
            Publisher::Mistral => openai_encode::body(target, request, refused),
        }
    }

    fn authorize<'a>(
        &'a self,
        outgoing: &'a Outgoing<'a>,
        headers: &'a mut HeaderMap,
    ) -> Authorizing<'a> {
        Box::pin(self.add_token(outgoing, headers))
    }

    fn whole(&self, json: &[u8], told: &mut Told) -> Result<(), DecodeError> {
        match self.publisher {
            Publisher::Google => GeminiPieces::whole(json, told),
            Publisher::Anthropic => anthropic_decode::decode(json, told),
            Publisher::Mistral => openai_decode::decode(json, told),
        }
    }

    fn stream(&self) -> Box<dyn StreamDecoder> {
        match self.publisher {
            Publisher::Google => Box::new(SsePieces::new(GeminiPieces::default())),
            Publisher::Anthropic => Box::new(SsePieces::new(AnthropicPieces::default())),
            Publisher::Mistral => Box::new(SsePieces::new(OpenAiPieces::default())),
        }
    }

    fn refusal(&self, call: &RefusedCall<'_>, body: &[u8]) -> Refusal {
        let mut refusal = match self.publisher {
            Publisher::Google => gemini_decode::refusal(body),
            Publisher::Anthropic | Publisher::Mistral => Refusal::read(body),
        };
        let lower = refusal.words.to_ascii_lowercase();
        if lower.contains("authentication credential") && self.account.forget(call.authorized) {
            refusal.parameter = Some(STALE);
        }
        refusal
    }
}

/// `europe-west1`; only such a word may become a part of a host's name.
fn is_location(word: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !word.is_empty() && word.len() <= LONGEST_LOCATION && word.bytes().all(is_letter)
}

/// The edition of Anthropic's messages that Google speaks.
const MESSAGES: &str = "vertex-2023-10-16";

/// Where Google chooses.
const EVERYWHERE: &str = "global";

/// The longest today has 23 letters.
const LONGEST_LOCATION: usize = 32;
