//! `POST /v2/code/completions` and its alias `/v2/completions` (http-api 2.1).

use http::Response;
use serde::Serialize;

use super::{
    answer::{self, Choice, Suggestion, TokenCounts},
    call::Call,
    completing::{self, Code, Completion, complete},
    completion_request::CompletionRequest,
    feature_flags::feature_flags,
    framing::{Framing, streamed},
    json::Json,
    refusal::Refusal,
};
use crate::http::ResponseBody;

/// Completes the code at the cursor.
pub(super) async fn answer(mut call: Call) -> Result<Response<ResponseBody>, Refusal> {
    let body = call.read_json().await?;
    let tree = Json::read(&body).map_err(|error| Refusal::field("body", error.to_string()))?;
    let request = CompletionRequest::read(&tree)?;
    let engine = request.provider.unwrap_or(DEFAULT_ENGINE).to_owned();
    let code = Code {
        file: request.file,
        context: request.context,
        stream: request.stream,
    };
    call.count_language(&code.file);
    let completion = complete(&call, request.metadata.as_ref(), &code, DENIED).await?;
    if code.stream {
        let cleaner = completion.cleaner();
        let entry = &call.context.entry;
        return Ok(streamed(
            completion.answer,
            Framing::Text,
            Some(cleaner),
            entry,
        ));
    }
    let name = match request.model {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => completion.family.clone(),
    };
    let suggestion = completing::collect(&call, completion, &code).await?;
    let tokens = (!suggestion.text.is_empty()).then(|| suggestion.tokens());
    let lang = code.file.answer_language();
    let model = Model::new(&engine, &name, lang, tokens);
    Ok(whole(&call, &suggestion, model))
}

/// The answer that both routes of v2 give.
pub(super) fn whole(
    call: &Call,
    suggestion: &Suggestion,
    model: Model<'_>,
) -> Response<ResponseBody> {
    answer::json(&Whole {
        id: "id",
        model,
        experiments: [],
        object: "text_completion",
        created: suggestion.created,
        choices: suggestion.choices(),
        metadata: Metadata {
            enabled_feature_flags: feature_flags(call.headers()),
        },
    })
}

/// The answer of http-api 2.1: `id`, `finish_reason` and `index` are always the same there.
#[derive(Serialize)]
struct Whole<'a> {
    id: &'static str,
    model: Model<'a>,
    experiments: [&'static str; 0],
    object: &'static str,
    created: u64,
    choices: Vec<Choice<'a>>,
    metadata: Metadata<'a>,
}

/// What wrote an answer of v2.
#[derive(Serialize)]
pub(super) struct Model<'a> {
    engine: &'a str,
    name: &'a str,
    lang: String,
    tokens_consumption_metadata: Option<TokenCounts>,
    region: &'static str,
}

impl<'a> Model<'a> {
    /// `tokens` are told for completions alone.
    pub(super) fn new(
        engine: &'a str,
        name: &'a str,
        lang: String,
        tokens: Option<TokenCounts>,
    ) -> Self {
        Self {
            engine,
            name,
            lang,
            tokens_consumption_metadata: tokens,
            region: answer::REGION,
        }
    }
}

#[derive(Serialize)]
struct Metadata<'a> {
    enabled_feature_flags: Vec<&'a str>,
}

impl Completion {
    /// What cleans this completion's text.
    pub(super) fn cleaner(&self) -> super::cleaning::Cleaner {
        super::cleaning::Cleaner::new(&self.stop, self.family == "mixtral")
    }
}

/// What GitLab calls models of the customer's own.
pub(super) const DEFAULT_ENGINE: &str = "litellm";

const DENIED: &str = "Unauthorized to access code completions";
