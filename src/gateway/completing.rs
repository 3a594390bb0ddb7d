//! One code completion: prompt, budget of tokens, model.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use http::StatusCode;
use serde_json::{Map, Value};

use super::{
    answer::Suggestion, call::Call, code_file::CodeFile, model_refusal,
    model_request::model_request, refusal::Refusal, repetition::trim_repeated,
};
use crate::{
    model::{Answer, Budget, FinishReason, Metadata, ModelRequest, Purpose, Target, Usage},
    prompt::{Prompt, estimate_tokens, keep_end, keep_start},
};

/// A completion that the model has begun.
pub(super) struct Completion {
    /// What the model says.
    pub(super) answer: Answer,
    /// Where it is cut.
    pub(super) stop: Vec<String>,
    /// The family's name, for answers.
    pub(super) family: String,
    /// How many tokens of context were sent, and how many the request brought.
    pub(super) context: ContextTokens,
    /// Tokens of the whole prompt, as estimated.
    pub(super) input_tokens: usize,
}

/// What became of the context, in estimated tokens.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ContextTokens {
    /// In the request.
    pub(super) given: usize,
    /// In the prompt.
    pub(super) used: usize,
}

/// What a completion is made of.
#[derive(Debug)]
pub(super) struct Code<'v> {
    /// The file.
    pub(super) file: CodeFile<'v>,
    /// More code that may help.
    pub(super) context: Vec<&'v str>,
    /// Whether the answer is wanted piece by piece.
    pub(super) stream: bool,
}

/// Asks the model to fill in the code at the cursor; `denied` is what a caller without the
/// permission is told.
pub(super) async fn complete(
    call: &Call,
    metadata: Option<&Metadata>,
    code: &Code<'_>,
    denied: &'static str,
) -> Result<Completion, Refusal> {
    let services = &call.services;
    let target = services
        .models
        .target(metadata)
        .map_err(|error| model_refusal::target(&error))?;
    let prompt = find(call, &target)?;
    if !call.caller.can(&prompt.unit_primitive) {
        return Err(Refusal::forbidden(denied));
    }
    let window = Window::of(&target, prompt);
    let (prefix, context) = window.above(code);
    let suffix = keep_start(code.file.below, window.suffix);
    let mut inputs = Map::new();
    let mut give = |name: &str, text: Cow<'_, str>| {
        inputs.insert(name.to_owned(), Value::String(text.into_owned()));
    };
    give("file_name", code.file.name.into());
    give("language", code.file.prompt_language().into());
    give("prefix", prefix);
    give("suffix", suffix.into());
    let turns = prompt
        .render(&inputs)
        .map_err(|error| model_refusal::render(PROMPT, &error))?;
    let input_tokens = turns.iter().map(|turn| estimate_tokens(&turn.text)).sum();
    call.log_turns(&turns);
    let request = ModelRequest {
        purpose: Purpose::new(FEATURE, &prompt.unit_primitive),
        stream: code.stream,
        ..model_request(turns, &prompt.sampling)
    };
    let stop = prompt.sampling.stop.clone();
    let answer = services
        .models
        .ask(&target, request, budget(prompt.timeout))
        .await
        .map_err(|error| model_refusal::code(call, &error))?;
    Ok(Completion {
        answer,
        stop,
        family: target.family().name.clone(),
        context,
        input_tokens,
    })
}

/// Waits for the whole text, cleans it and counts its tokens.
pub(super) async fn collect(
    call: &Call,
    completion: Completion,
    code: &Code<'_>,
) -> Result<Suggestion, Refusal> {
    let mut cleaner = completion.cleaner();
    let (context, estimated) = (completion.context, completion.input_tokens);
    let family = completion.family.clone();
    let whole = completion.answer.collect().await;
    let whole = whole.map_err(|error| model_refusal::code(call, &error))?;
    call.log_text(&whole.text);
    let began = Instant::now();
    let mut text = cleaner.push(&whole.text);
    text += &cleaner.finish();
    let kept = trim_repeated(&text, code.file.above, code.file.below).len();
    text.truncate(kept);
    call.services.metrics.cleaned(&family, began.elapsed());
    let written = estimate_tokens(&text);
    let counted = |read: fn(&Usage) -> u64, estimate: usize| {
        let usage = whole.usage.as_ref().map(read);
        usage.unwrap_or(estimate as u64)
    };
    Ok(Suggestion {
        input_tokens: counted(|usage| usage.input_tokens, estimated),
        output_tokens: counted(|usage| usage.output_tokens, written),
        is_cut: whole.finish == FinishReason::Length,
        created: call.services.epoch_seconds(),
        text,
        context,
    })
}

/// The prompt for a target. A server that completes bare text gets the layout that the model was
/// trained on, where there is one, and else the code above the cursor as it is.
fn find<'s>(call: &'s Call, target: &Target) -> Result<&'s Prompt, Refusal> {
    let families = target.family().folders.iter().map(String::as_str);
    let native: Vec<String> = families
        .clone()
        .map(|folder| format!("{folder}_fim"))
        .collect();
    let folders: Vec<&str> = if target.is_text_completion() {
        let native = native.iter().map(String::as_str);
        native.chain(families).chain([PLAIN_CONTINUATION]).collect()
    } else {
        families.collect()
    };
    let found = call.services.prompts.find(PROMPT, &folders, None);
    found.map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))
}

/// How the model's window is shared (models-and-prompts 2.3), with room for the answer.
#[derive(Clone, Copy, Debug)]
struct Window {
    whole: usize,
    prefix: usize,
    suffix: usize,
}

impl Window {
    fn of(target: &Target, prompt: &Prompt) -> Self {
        let whole = room(target, prompt);
        let prefix = (whole * PREFIX_PERCENT).div_ceil(100);
        Self {
            whole,
            prefix,
            suffix: whole - prefix,
        }
    }

    /// The code above the cursor behind as much context as there is room for.
    fn above<'v>(&self, code: &Code<'v>) -> (Cow<'v, str>, ContextTokens) {
        let prefix = keep_end(code.file.above, self.prefix);
        if code.context.is_empty() {
            return (Cow::Borrowed(prefix), ContextTokens::default());
        }
        let context = code.context.join("\n");
        let taken = estimate_tokens(prefix) + estimate_tokens(code.file.below).min(self.suffix);
        let kept = keep_start(&context, self.whole.saturating_sub(taken));
        let tokens = ContextTokens {
            given: estimate_tokens(&context),
            used: estimate_tokens(kept),
        };
        (Cow::Owned(format!("{kept}\n{prefix}")), tokens)
    }
}

/// Tokens of the model's window for what a request brings.
pub(super) fn room(target: &Target, prompt: &Prompt) -> usize {
    let answer = prompt.sampling.max_tokens.unwrap_or(DEFAULT_ANSWER) as usize;
    let window = target.family().max_context_tokens as usize;
    window.saturating_sub(answer + PROMPT_ITSELF)
}

/// The time of code for an editor, by what the prompt says.
pub(super) fn budget(timeout: Option<Duration>) -> Budget {
    let patience = timeout.unwrap_or(FIRST_BYTE);
    Budget {
        first_byte: patience.min(FIRST_BYTE),
        total: None,
        idle: patience,
    }
}

const PROMPT: &str = "code_suggestions/completions";

/// For models of which no layout is known.
const PLAIN_CONTINUATION: &str = "base_fim";

/// The feature in metrics.
pub(super) const FEATURE: &str = "code_suggestions";

/// Workhorse waits 55 s for headers (gitlab-clients 1.3).
const FIRST_BYTE: Duration = Duration::from_secs(50);

/// Of the window, for the code above the cursor; the rest is for the code below.
const PREFIX_PERCENT: usize = 93;

/// Tokens for an answer where a prompt does not bound it.
const DEFAULT_ANSWER: u32 = 128;

/// Tokens of the words that our prompts put around the code, with some to spare.
const PROMPT_ITSELF: usize = 400;
