//! What `POST /v2/code/generations` takes.

use serde_json::Map;

use super::{
    completion_request::CompletionRequest, fields::Fields, generating::Question, json::Json,
    messages::messages, refusal::Refusal,
};

/// The request (http-api 2.2): that of a completion, and what is asked.
#[derive(Debug)]
pub(super) struct GenerationRequest<'v> {
    /// The fields that completions have too.
    pub(super) code: CompletionRequest<'v>,
    /// What the model is asked.
    pub(super) question: Question<'v>,
    /// Whether `prompt_id` names a prompt, which shows in the answer.
    pub(super) names_prompt: bool,
}

impl<'v> GenerationRequest<'v> {
    /// Reads and judges a body.
    pub(super) fn read(body: &'v Json<'_>) -> Result<Self, Refusal> {
        let fields = Fields::of_body(body)?;
        let code = CompletionRequest::read(body)?;
        let written = match fields.integer("prompt_version")? {
            Some(2) => Some(Written::Text(fields.required_text("prompt", PROMPT)?)),
            Some(3) => Some(Written::List(fields.list("prompt", MESSAGES)?)),
            _ => None,
        };
        let id = fields.text("prompt_id", PROMPT_ID)?;
        let id = id.filter(|id| !id.is_empty());
        let of_ours = Question::Prompt {
            id,
            version: None,
            inputs: Map::new(),
        };
        let question = match written {
            _ if id.is_some() => of_ours,
            Some(Written::Text(text)) if !text.trim().is_empty() => Question::of_text(text),
            Some(Written::List(list)) => Question::Messages(messages("prompt", list)?),
            _ => of_ours,
        };
        Ok(Self {
            code,
            question,
            names_prompt: id.is_some(),
        })
    }
}

/// A prompt of the client's own.
enum Written<'v, 'a> {
    Text(&'v str),
    List(&'v [Json<'a>]),
}

/// Characters, as v3 bounds it (http-api 2.3).
const PROMPT: usize = 400_000;

/// As chats that come whole are bounded (http-api 2.7).
const MESSAGES: usize = 100;

/// Ids of prompts are shorter.
const PROMPT_ID: usize = 255;
