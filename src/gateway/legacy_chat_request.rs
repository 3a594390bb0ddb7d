//! What `POST /v1/chat/{chat_invokable}` takes.

use super::{fields::Fields, json::Json, messages::messages, refusal::Refusal};
use crate::model::{Message, Metadata};

/// The request (http-api 2.7): one component.
#[derive(Debug)]
pub(super) struct LegacyChatRequest<'v> {
    /// `content`, a text or a conversation.
    pub(super) messages: Vec<Message>,
    /// `provider`
    pub(super) provider: &'v str,
    /// `model`
    pub(super) model: Option<&'v str>,
    /// The `model_*` keys, where they name a model of the customer's own.
    pub(super) metadata: Option<Metadata>,
    /// `params.temperature`
    pub(super) temperature: Option<f64>,
    /// `params.max_tokens_to_sample`
    pub(super) max_tokens: Option<u32>,
    /// `params.stop_sequences`
    pub(super) stop: Vec<String>,
    /// `stream`
    pub(super) stream: bool,
}

impl<'v> LegacyChatRequest<'v> {
    /// Reads and judges a body.
    pub(super) fn read(body: &'v Json<'_>) -> Result<Self, Refusal> {
        let fields = Fields::of_body(body)?;
        let [component] = fields.list(COMPONENTS, 1)? else {
            return Err(fields.refuse(COMPONENTS, "must hold exactly one component"));
        };
        let component = Fields::of_item(COMPONENTS, 0, component)?;
        component.required_text("type", WORD)?;
        let source = component.required_section("metadata")?;
        source.required_text("source", WORD)?;
        source.required_text("version", WORD)?;
        let payload = component.required_section("payload")?;
        let provider = payload.word("provider", &[ANTHROPIC, LITELLM])?;
        let model = payload
            .text("model", MODEL)?
            .filter(|model| !model.is_empty());
        let params = payload.section("params")?;
        Ok(Self {
            messages: content(&payload)?,
            provider: provider.unwrap_or(LITELLM),
            model,
            metadata: metadata(&payload, provider, model)?,
            temperature: params.map_or(Ok(None), |params| temperature(&params))?,
            max_tokens: params.map_or(Ok(None), |params| max_tokens(&params))?,
            stop: params.map_or(Ok(Vec::new()), |params| stop(&params))?,
            stream: fields.flag("stream")?,
        })
    }
}

fn content(payload: &Fields<'_, '_>) -> Result<Vec<Message>, Refusal> {
    match payload.any("content") {
        Some(Json::List(items)) if items.len() <= MESSAGES => {
            messages("content", items).map_err(|refusal| payload.within(refusal))
        }
        Some(Json::List(_)) => {
            let problem = format!("must have at most {MESSAGES} messages");
            Err(payload.refuse("content", problem))
        }
        _ => {
            let text = payload.required_text("content", CONTENT)?;
            Ok(vec![Message::User(text.to_owned())])
        }
    }
}

/// The customer's own model; Anthropic's cloud stands for the configured one.
fn metadata(
    payload: &Fields<'_, '_>,
    provider: Option<&str>,
    model: Option<&str>,
) -> Result<Option<Metadata>, Refusal> {
    let endpoint = payload.text("model_endpoint", ENDPOINT)?;
    let api_key = payload.text("model_api_key", API_KEY)?;
    let identifier = payload.text("model_identifier", IDENTIFIER)?;
    let names_own = endpoint.is_some_and(|endpoint| !endpoint.is_empty());
    if provider != Some(LITELLM) && !names_own {
        return Ok(None);
    }
    Metadata::from_flat(provider, model, endpoint, api_key, identifier)
        .map_err(|error| payload.within(Refusal::field(error.field(), error.problem())))
}

fn temperature(params: &Fields<'_, '_>) -> Result<Option<f64>, Refusal> {
    let number = match params.any("temperature") {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Number(number)) => number.as_f64(),
        Some(_) => None,
    };
    match number {
        Some(number) if (0.0..=1.0).contains(&number) => Ok(Some(number)),
        _ => Err(params.refuse("temperature", "must be a number from 0 to 1")),
    }
}

fn max_tokens(params: &Fields<'_, '_>) -> Result<Option<u32>, Refusal> {
    const NAME: &str = "max_tokens_to_sample";
    let Some(number) = params.integer(NAME)? else {
        return Ok(None);
    };
    match u32::try_from(number) {
        Ok(tokens @ 1..=MAXIMUM_TOKENS) => Ok(Some(tokens)),
        _ => Err(params.refuse(NAME, format!("must be from 1 to {MAXIMUM_TOKENS}"))),
    }
}

fn stop(params: &Fields<'_, '_>) -> Result<Vec<String>, Refusal> {
    const NAME: &str = "stop_sequences";
    let words = params.list(NAME, STOP_WORDS)?.iter();
    let words = words.map(|word| match word {
        Json::Text(word) if !word.is_empty() && word.chars().count() <= STOP_WORD => {
            Ok(word.clone().into_owned())
        }
        _ => {
            let problem = format!("must be a list of strings with 1 to {STOP_WORD} characters");
            Err(params.refuse(NAME, problem))
        }
    });
    words.collect()
}

const COMPONENTS: &str = "prompt_components";
const ANTHROPIC: &str = "anthropic";
const LITELLM: &str = "litellm";

// Bounds of http-api 2.7, in characters and entries; those of the model are as in 2.1.
const WORD: usize = 100;
const CONTENT: usize = 400_000;
const MESSAGES: usize = 100;
const STOP_WORDS: usize = 10;
const STOP_WORD: usize = 225;
const MAXIMUM_TOKENS: u32 = 8192;
const MODEL: usize = 255;
const ENDPOINT: usize = 255;
const API_KEY: usize = 2000;
const IDENTIFIER: usize = 1000;
