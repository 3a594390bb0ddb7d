//! `POST /v2/code/generations` (http-api 2.2), which older GitLabs and scripts call.

use http::Response;

use super::{
    call::Call,
    code_completions::{self, Model},
    framing::{Framing, streamed},
    generating::{Order, generate},
    generation_request::GenerationRequest,
    json::Json,
    refusal::Refusal,
};
use crate::http::ResponseBody;

/// Writes code by an instruction.
pub(super) async fn answer(mut call: Call) -> Result<Response<ResponseBody>, Refusal> {
    let body = call.read_json().await?;
    let tree = Json::read(&body).map_err(|error| Refusal::field("body", error.to_string()))?;
    let request = GenerationRequest::read(&tree)?;
    if call.caller.is_issued_by_us() {
        return Err(Refusal::forbidden(DENIED));
    }
    let code = request.code;
    call.count_language(&code.file);
    let order = Order {
        file: code.file,
        question: request.question,
        metadata: code.metadata,
        stream: code.stream,
    };
    let generation = generate(&call, order, DENIED, "").await?;
    if code.stream {
        let cleaner = Some(generation.cleaner());
        let entry = &call.context.entry;
        return Ok(streamed(generation.answer, Framing::Text, cleaner, entry));
    }
    let title = generation.name.clone().unwrap_or_default();
    let family = generation.family.clone();
    let mut suggestion = generation.collect(&call, &code.file).await?;
    if code.provider != Some("anthropic") {
        suggestion.begin_line(&code.file);
    }
    let model = match code.model.filter(|name| !name.is_empty()) {
        _ if request.names_prompt => title,
        name => format!("custom_openai/{}", name.unwrap_or(&family)),
    };
    let engine = if request.names_prompt {
        "agent"
    } else {
        code.provider.unwrap_or(code_completions::DEFAULT_ENGINE)
    };
    let lang = code.file.answer_language();
    Ok(code_completions::whole(
        &call,
        &suggestion,
        Model::new(engine, &model, lang, None),
    ))
}

const DENIED: &str = "Unauthorized to access code generations";
