//! `POST /v1/prompts/{prompt_id}` and `POST /v2/prompts/{prompt_id}` (http-api 2.4).

use std::time::Duration;

use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{
    answer,
    call::Call,
    framing::{Framing, streamed},
    json::Json,
    model_refusal,
    model_request::model_request,
    prompt_request::PromptRequest,
    refusal::Refusal,
};
use crate::{
    http::ResponseBody,
    model::{Budget, ModelRequest, Purpose, Target, Usage},
    prompt::Prompt,
};

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// v1: a JSON string, or bare text in pieces.
    Text,
    /// v2: a JSON object with the usage, or one for each piece.
    Objects,
}

/// Runs a prompt, in the order of http-api 2.4: schema, prompt, permission, model.
pub(super) async fn answer(
    mut call: Call,
    style: Style,
) -> Result<Response<ResponseBody>, Refusal> {
    let body = call.read_json().await?;
    let tree = Json::read(&body).map_err(|error| Refusal::field("body", error.to_string()))?;
    let mut request = PromptRequest::read(&tree)?;
    let services = &call.services;
    let target = services
        .models
        .target(request.metadata.as_ref())
        .map_err(|error| model_refusal::target(&error))?;
    let prompt = find(&call, &target, &call.rest, request.version)?;
    if !call.caller.can(&prompt.unit_primitive) {
        let detail = format!("Unauthorized to access '{}'", call.rest);
        return Err(Refusal::forbidden(detail));
    }
    if !request.inputs.contains_key(DATE) {
        let date = Value::String(services.date());
        request.inputs.insert(DATE.to_owned(), date);
    }
    let turns = prompt.render(&request.inputs);
    let turns = turns.map_err(|error| model_refusal::render(&call.rest, &error))?;
    call.log_turns(&turns);
    let mut model_request = ModelRequest {
        purpose: Purpose::new(feature(&call.rest), &prompt.unit_primitive),
        stream: request.stream,
        ..model_request(turns, &prompt.sampling)
    };
    if call.rest.starts_with(CHAT) && services.settings.chat_max_tokens.is_some() {
        model_request.max_tokens = services.settings.chat_max_tokens;
    }
    let budget = if call.rest == MODEL_CHECK {
        CHECK_BUDGET
    } else {
        let patience = prompt.timeout.unwrap_or(services.settings.model_timeout);
        budget(patience, request.stream)
    };
    let answer = services.models.ask(&target, model_request, budget).await;
    let answer = answer.map_err(|error| model_refusal::prompt(&call, &error))?;
    let model = answer.model_name().to_owned();
    if request.stream {
        let framing = match style {
            Style::Text => Framing::Text,
            Style::Objects => Framing::Lines { model },
        };
        return Ok(streamed(answer, framing, None, &call.context.entry));
    }
    let whole = answer.collect().await;
    let whole = whole.map_err(|error| model_refusal::prompt(&call, &error))?;
    call.log_text(&whole.text);
    Ok(match (style, &whole.usage) {
        (Style::Text, _) => answer::json(&whole.text),
        (Style::Objects, None) => answer::json(&json!({ "content": whole.text })),
        (Style::Objects, Some(usage)) => {
            // not streaming, the key is the family's name (http-api 2.4)
            let usage = usage_of(&target.family().name, usage);
            answer::json(&json!({ "content": whole.text, "usage": usage }))
        }
    })
}

/// `usage` of v2 answers.
pub(super) fn usage_of(model: &str, usage: &Usage) -> Value {
    json!({ model: {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
    }})
}

/// The prompt of an id for a model's family.
pub(super) fn find<'s>(
    call: &'s Call,
    target: &Target,
    id: &str,
    version: Option<&str>,
) -> Result<&'s Prompt, Refusal> {
    let folders: Vec<&str> = target.family().folders.iter().map(String::as_str).collect();
    let found = call.services.prompts.find(id, &folders, version);
    found.map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))
}

/// The time of a call (http-api 2.4, models-and-prompts 1.11).
pub(super) fn budget(patience: Duration, stream: bool) -> Budget {
    Budget {
        first_byte: patience,
        total: (!stream).then_some(patience),
        idle: patience,
    }
}

/// The feature in metrics, by where the prompt is filed.
fn feature(prompt_id: &str) -> &'static str {
    if prompt_id.starts_with(CHAT) {
        CHAT_FEATURE
    } else if prompt_id.starts_with("code_suggestions/") {
        super::completing::FEATURE
    } else {
        "prompts"
    }
}

const CHAT: &str = "chat/";

/// The feature of everything that is said in the chat.
pub(super) const CHAT_FEATURE: &str = "duo_chat";

/// A variable that every template may use.
const DATE: &str = "current_date";

/// "Test connection" of a self-hosted model.
const MODEL_CHECK: &str = "model_configuration/check";

/// GitLab waits 3 s for the check (gitlab-clients 1.4): half a second is left for the way.
const CHECK: Duration = Duration::from_millis(2500);

const CHECK_BUDGET: Budget = Budget {
    first_byte: CHECK,
    total: Some(CHECK),
    idle: CHECK,
};
