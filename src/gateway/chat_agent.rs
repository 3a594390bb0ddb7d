//! `POST /v2/chat/agent` (http-api 2.6): one round of Duo Chat (classic).

use http::{HeaderValue, Response, header};
use serde_json::{Map, Value};

use super::{
    answer,
    call::Call,
    chat_events::ChatEvents,
    chat_request::{ChatMessage, ChatRequest},
    chat_tools::{self, Tool},
    chat_window,
    framing::{Framing, streamed},
    json::Json,
    model_refusal,
    model_request::model_request,
    prompts,
    refusal::Refusal,
};
use crate::{
    http::ResponseBody,
    model::{ModelRequest, Purpose},
    prompt::{Prompt, RenderError, Role, Turn},
};

/// Answers, or asks GitLab for what a tool of its own finds.
pub(super) async fn answer(mut call: Call) -> Result<Response<ResponseBody>, Refusal> {
    let body = call.read_json().await?;
    let tree = Json::read(&body).map_err(|error| Refusal::field("body", error.to_string()))?;
    let request = ChatRequest::read(&tree)?;
    let models = &call.services.models;
    let target = models.target(request.metadata.as_ref());
    let target = target.map_err(|error| model_refusal::target(&error))?;
    let prompt = prompts::find(&call, &target, PROMPT, None)?;
    authorize(&call, prompt, &request)?;
    let tools = chat_tools::offered(&call.caller, call.headers());
    let most = target.family().conversation_tokens();
    let turns = conversation(&call, prompt, &request, &tools, most);
    let turns = turns.map_err(|error| model_refusal::render(PROMPT, &error))?;
    call.log_turns(&turns);
    let mut asked = ModelRequest {
        purpose: Purpose::new(prompts::CHAT_FEATURE, &prompt.unit_primitive),
        stream: true,
        ..model_request(turns, &prompt.sampling)
    };
    let settings = &call.services.settings;
    asked.max_tokens = settings.chat_max_tokens.or(asked.max_tokens);
    let budget = prompts::budget(prompt.timeout.unwrap_or(settings.model_timeout), true);
    let names = tools.iter().map(|tool| tool.name).collect();
    let events = ChatEvents::new(names, call.context.id.as_str());
    let mut response = match models.ask(&target, asked, budget).await {
        Ok(answer) => {
            let events = events.of_model(answer.model_name());
            let framing = Framing::Chat(Box::new(events));
            streamed(answer, framing, None, &call.context.entry)
        }
        // a failure is an event too, with the status of a success
        Err(error) => {
            call.note_failure(error.log());
            answer::bytes(ChatEvents::failed(&error), "")
        }
    };
    let kind = HeaderValue::from_static("application/x-ndjson; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// Who may chat, and with what context. Tokens of older GitLabs know `duo_chat` alone, which is enough
/// where models are the customer's own (http-api 8, row 18).
fn authorize(call: &Call, prompt: &Prompt, request: &ChatRequest<'_>) -> Result<(), Refusal> {
    let caller = &call.caller;
    if !caller.can(&prompt.unit_primitive) {
        if !caller.can(OLD_PERMISSION) {
            return Err(Refusal::forbidden("Unauthorized to access duo chat"));
        }
        if !call.services.settings.custom_models && !request.question().contains(MENTION) {
            let detail = "Duo Core no longer authorized to access Duo Classic Chat";
            return Err(Refusal::forbidden(detail));
        }
    }
    for category in &request.categories {
        let permission = format!("include_{category}_context");
        if !caller.can(&permission) {
            let detail = format!("Unauthorized to access {permission}");
            return Err(Refusal::forbidden(detail));
        }
    }
    Ok(())
}

/// The frame, then what was said in turn, as far as the model's window goes; the question is last, with the
/// steps that were taken for it.
fn conversation(
    call: &Call,
    prompt: &Prompt,
    request: &ChatRequest<'_>,
    tools: &[&Tool],
    most: usize,
) -> Result<Vec<Turn>, RenderError> {
    let mut inputs = Map::new();
    let mut give = |name: &str, value: Value| {
        inputs.insert(name.to_owned(), value);
    };
    give(
        "tools",
        tools.iter().map(|tool| tool.for_prompt()).collect(),
    );
    give("current_date", call.services.long_date().into());
    give("unavailable_resources", request.unavailable.clone().into());
    let mut turns = prompt.render_as(Role::System, &inputs)?;
    let frame = turns.len();
    let last = request.messages.len().saturating_sub(1);
    for (position, message) in request.messages.iter().enumerate() {
        let said = match message {
            ChatMessage::User(text, context) => {
                let mut inputs = context.clone();
                inputs.insert("content".to_owned(), (*text).into());
                if position == last && !request.steps.is_empty() {
                    inputs.insert("steps".to_owned(), request.steps.clone().into());
                }
                prompt.render_as(Role::User, &inputs)?
            }
            // servers want a user to begin
            ChatMessage::Assistant(..) if turns.len() == frame => Vec::new(),
            ChatMessage::Assistant(text, steps) => vec![answered(text, steps)],
        };
        for turn in said {
            match turns.last_mut() {
                // and the two to take turns
                Some(before) if before.role == turn.role => {
                    before.text = format!("{}\n\n{}", before.text, turn.text);
                }
                _ => turns.push(turn),
            }
        }
    }
    chat_window::fit(&mut turns, frame, most);
    Ok(turns)
}

/// An earlier answer, in the form that the next one shall have.
fn answered(text: &str, steps: &[Value]) -> Turn {
    let observations = steps.iter().filter_map(|step| step["observation"].as_str());
    let observations = observations.filter(|observation| !observation.is_empty());
    let mut said: Vec<String> = observations
        .map(|observation| format!("Observation: {observation}"))
        .collect();
    said.push(format!("Final Answer: {text}"));
    Turn {
        role: Role::Assistant,
        text: said.join("\n"),
    }
}

const PROMPT: &str = "chat/react";

/// What permitted the chat before it had a permission of its own.
const OLD_PERMISSION: &str = "duo_chat";

/// By which somebody without the chat's own permission may still call it.
const MENTION: &str = "@GitLabDuo";
