//! `POST /v3/code/completions` and `POST /v4/code/suggestions` (http-api 2.3): one behaviour, two
//! ways to stream.

use http::{HeaderValue, Response, header};
use serde_json::json;

use super::{
    answer::{self, Suggestion},
    call::Call,
    cleaning::Cleaner,
    code_file::CodeFile,
    completing::{self, Code, complete},
    feature_flags::feature_flags,
    framing::{Framing, streamed},
    generating::{Order, generate},
    json::Json,
    refusal::Refusal,
    suggestion_request::{SuggestionRequest, Wish},
};
use crate::{
    foundation::ReleaseVersion,
    http::ResponseBody,
    model::{Answer, Metadata},
};

/// How a stream is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// v3: the text alone.
    Text,
    /// v4: server-sent events.
    Events,
}

/// Answers the first component.
pub(super) async fn answer(
    mut call: Call,
    style: Style,
) -> Result<Response<ResponseBody>, Refusal> {
    let body = call.read_json().await?;
    let tree = Json::read(&body).map_err(|error| Refusal::field("body", error.to_string()))?;
    let request = SuggestionRequest::read(&tree)?;
    // A token of ours is for completions in the editor alone (http-api 8, row 17).
    if call.caller.is_issued_by_us() {
        return Err(Refusal::forbidden(DENIED));
    }
    call.count_language(&request.file);
    let metadata = request.metadata;
    match request.wish {
        Wish::Completion => {
            let code = Code {
                file: request.file,
                context: if sends_context(&call) {
                    request.context
                } else {
                    Vec::new()
                },
                stream: request.stream,
            };
            completion(&call, metadata.as_ref(), &code, style).await
        }
        Wish::Generation(question) => {
            let order = Order {
                file: request.file,
                question,
                metadata,
                stream: request.stream,
            };
            generation(&call, order, style).await
        }
    }
}

async fn completion(
    call: &Call,
    metadata: Option<&Metadata>,
    code: &Code<'_>,
    style: Style,
) -> Result<Response<ResponseBody>, Refusal> {
    let completion = complete(call, metadata, code, DENIED).await?;
    let family = completion.family.clone();
    if code.stream {
        let cleaner = completion.cleaner();
        return Ok(stream(call, completion.answer, cleaner, &family, style));
    }
    let suggestion = completing::collect(call, completion, code).await?;
    let engine = metadata.map_or(DEFAULT_ENGINE, Metadata::provider);
    Ok(whole(call, &suggestion, &code.file, engine, &family))
}

async fn generation(
    call: &Call,
    order: Order<'_>,
    style: Style,
) -> Result<Response<ResponseBody>, Refusal> {
    let (file, streams) = (order.file, order.stream);
    let begins_line = order.question.begins_line();
    let generation = generate(call, order, DENIED, PAYLOAD).await?;
    let name = generation.name.clone().unwrap_or_default();
    if streams {
        let cleaner = generation.cleaner();
        return Ok(stream(call, generation.answer, cleaner, &name, style));
    }
    let mut suggestion = generation.collect(call, &file).await?;
    if begins_line {
        suggestion.begin_line(&file);
    }
    Ok(whole(call, &suggestion, &file, AGENT, &name))
}

fn stream(
    call: &Call,
    answer: Answer,
    cleaner: Cleaner,
    name: &str,
    style: Style,
) -> Response<ResponseBody> {
    let entry = &call.context.entry;
    if style == Style::Text {
        return streamed(answer, Framing::Text, Some(cleaner), entry);
    }
    let metadata = json!({
        // the reference says so for completions too
        "model": {"engine": AGENT, "name": name},
        "timestamp": call.services.epoch_seconds(),
        "enabled_feature_flags": feature_flags(call.headers()),
        "region": answer::REGION,
    });
    let mut response = streamed(answer, Framing::events(metadata), Some(cleaner), entry);
    announce_events(call, &mut response);
    response
}

fn whole(
    call: &Call,
    suggestion: &Suggestion,
    file: &CodeFile<'_>,
    engine: &str,
    name: &str,
) -> Response<ResponseBody> {
    let model = json!({"engine": engine, "name": name, "lang": file.answer_language()});
    answer::json(&json!({
        "choices": suggestion.choices(),
        "metadata": {
            "model": model,
            "timestamp": suggestion.created,
            "enabled_feature_flags": feature_flags(call.headers()),
            "region": null,
        },
        "model": model,
    }))
}

fn announce_events(call: &Call, response: &mut Response<ResponseBody>) {
    let headers = response.headers_mut();
    headers.insert("x-streaming-format", HeaderValue::from_static("sse"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    // HTTP/2 forbids it
    if call.head.version <= http::Version::HTTP_11 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("keep-alive"));
    }
}

/// Older language servers send context that was not meant for this (http-api 2.3).
fn sends_context(call: &Call) -> bool {
    let version = call.headers().get("x-gitlab-language-server-version");
    let version = version.and_then(|version| ReleaseVersion::read(version.to_str().ok()?));
    version.is_some_and(|version| version.is_at_least(7, 17, 1))
}

/// What GitLab calls models of the customer's own here.
const DEFAULT_ENGINE: &str = "openai";

const DENIED: &str = "Unauthorized to access code suggestions";

/// What the reference calls every engine behind a prompt.
const AGENT: &str = "agent";

/// Where the first component's fields stand.
const PAYLOAD: &str = "prompt_components[0].payload.";
