//! `POST /v1/chat/{chat_invokable}` (http-api 2.7): the older chat, which GitLab's troubleshooting pages
//! tell administrators to try. Broken in the reference; here it does what it was meant to.

use http::{Response, StatusCode};
use serde_json::json;

use super::{
    answer,
    call::Call,
    framing::{Framing, streamed},
    json::Json,
    legacy_chat_request::LegacyChatRequest,
    model_refusal, prompts,
    refusal::Refusal,
};
use crate::{
    http::ResponseBody,
    model::{ModelRequest, Purpose},
};

/// Asks the model what the client wrote.
pub(super) async fn answer(mut call: Call) -> Result<Response<ResponseBody>, Refusal> {
    let known = INVOKABLES.iter().find(|(name, _)| *name == call.rest);
    let Some((_, permission)) = known else {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "Not found"));
    };
    let body = call.read_json().await?;
    let tree = Json::read(&body).map_err(|error| Refusal::field("body", error.to_string()))?;
    let request = LegacyChatRequest::read(&tree)?;
    if !call.caller.can(permission) {
        let detail = format!("Unauthorized to access {permission}");
        return Err(Refusal::forbidden(detail));
    }
    let models = &call.services.models;
    let target = models.target(request.metadata.as_ref());
    let target = target.map_err(|error| model_refusal::target(&error))?;
    let asked = ModelRequest {
        messages: request.messages,
        temperature: request.temperature,
        max_tokens: request.max_tokens,
        stop: request.stop,
        stream: request.stream,
        purpose: Purpose::new(prompts::CHAT_FEATURE, permission),
        ..ModelRequest::default()
    };
    let budget = prompts::budget(call.services.settings.model_timeout, request.stream);
    let answer = models.ask(&target, asked, budget).await;
    let answer = answer.map_err(|error| model_refusal::code(&call, &error))?;
    if request.stream {
        let entry = &call.context.entry;
        return Ok(streamed(answer, Framing::Text, None, entry));
    }
    let whole = answer.collect().await;
    let whole = whole.map_err(|error| model_refusal::code(&call, &error))?;
    call.log_text(&whole.text);
    Ok(answer::json(&json!({
        "response": whole.text,
        "metadata": {
            "provider": request.provider,
            "model": request.model.unwrap_or(&target.family().name),
            "timestamp": call.services.epoch_seconds(),
        },
    })))
}

/// What may be called, with the permission it takes.
const INVOKABLES: [(&str, &str); 7] = [
    ("agent", "duo_chat"),
    ("explain_code", "duo_chat"),
    ("write_tests", "duo_chat"),
    ("refactor_code", "duo_chat"),
    ("explain_vulnerability", "explain_vulnerability"),
    ("summarize_comments", "summarize_comments"),
    ("troubleshoot_job", "troubleshoot_job"),
];
