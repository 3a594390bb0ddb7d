//! What a caller is told when prompt or model fail, for each kind of route, on one page
//! (models-and-prompts 7).

use std::borrow::Cow;

use http::StatusCode;

use super::{call::Call, refusal::Refusal};
use crate::{
    foundation::Blame,
    model::{ModelError, TargetError},
    prompt::RenderError,
};

/// A model that cannot be asked at all: 422 at once, naming the field and the remedy, where the
/// reference turns to a model of the cloud and fails after 39 s.
pub(super) fn target(error: &TargetError) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
}

/// A prompt that cannot be filled in.
pub(super) fn render(prompt_id: &str, error: &RenderError) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
        .with_log(format!("{prompt_id}: {error}"))
}

/// Prompt routes: 421 `<code>: <reason>`, which Rails shows to the administrator as "The
/// self-hosted model server returned code ..." (http-api 2.4).
pub(super) fn prompt(call: &Call, error: &ModelError) -> Refusal {
    let refusal = Refusal::new(StatusCode::MISDIRECTED_REQUEST, error.wire());
    noted(call, refusal, error)
}

/// Code routes: a 5xx with the reason, which Workhorse passes on to the editor.
pub(super) fn code(call: &Call, error: &ModelError) -> Refusal {
    let (status, detail): (_, Cow<'static, str>) = match error.code() {
        429 => (StatusCode::TOO_MANY_REQUESTS, TOO_MANY.into()),
        408 => (StatusCode::GATEWAY_TIMEOUT, failed(error)),
        503 => (StatusCode::SERVICE_UNAVAILABLE, failed(error)),
        _ => (StatusCode::BAD_GATEWAY, failed(error)),
    };
    let refusal = Refusal::new(status, detail).with_retry_after(error.retry_after());
    noted(call, refusal, error)
}

/// Embeddings: the statuses and first words of http-api 2.10; where the reference says 500, a 5xx
/// with the reason.
pub(super) fn embeddings(call: &Call, error: &ModelError) -> Refusal {
    let (status, kind) = match error.code() {
        400 | 413 | 422 => (StatusCode::BAD_REQUEST, "BadRequestError"),
        401 => (StatusCode::UNAUTHORIZED, "AuthenticationError"),
        429 => (StatusCode::TOO_MANY_REQUESTS, "RateLimitError"),
        _ => return code(call, error),
    };
    let detail = format!("litellm.{kind}: {}", error.wire());
    let refusal = Refusal::new(status, detail).with_retry_after(error.retry_after());
    noted(call, refusal, error)
}

fn failed(error: &ModelError) -> Cow<'static, str> {
    format!(
        "Inference failed: the model server answered {}",
        error.wire()
    )
    .into()
}

fn noted(call: &Call, refusal: Refusal, error: &ModelError) -> Refusal {
    call.note_failure(error.log());
    refusal.blame(Blame::Upstream).with_log(error.log())
}

/// http-api 2.0
const TOO_MANY: &str = "Too many requests. Please try again later.";
