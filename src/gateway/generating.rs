//! One generation: code by an instruction, from prompt to model (models-and-prompts 3).

use std::time::Instant;

use serde_json::{Map, Value};

use super::{
    answer::Suggestion,
    call::Call,
    cleaning::Cleaner,
    code_file::CodeFile,
    completing::{self, ContextTokens, FEATURE},
    model_refusal,
    model_request::model_request,
    refusal::Refusal,
    repetition::trim_repeated,
};
use crate::{
    model::{Answer, FinishReason, Message, Metadata, ModelRequest, Purpose, Target, Usage},
    prompt::{Prompt, estimate_tokens, keep_end, keep_start},
};

/// What a generation is made of.
#[derive(Debug)]
pub(super) struct Order<'v> {
    /// The file.
    pub(super) file: CodeFile<'v>,
    /// What the model is asked.
    pub(super) question: Question<'v>,
    /// The model that the request names.
    pub(super) metadata: Option<Metadata>,
    /// Whether the answer is wanted line by line.
    pub(super) stream: bool,
}

/// What a model is asked.
#[derive(Debug)]
pub(super) enum Question<'v> {
    /// A prompt of ours.
    Prompt {
        /// Its id; none is the one for generations.
        id: Option<&'v str>,
        /// `prompt_version` as a constraint.
        version: Option<&'v str>,
        /// `prompt_enhancer`: variables that go before ours.
        inputs: Map<String, Value>,
    },
    /// What the client wrote itself, in the place of a prompt (http-api 2.2).
    Messages(Vec<Message>),
}

impl Question<'_> {
    /// A question in the client's own words.
    pub(super) fn of_text(text: &str) -> Self {
        Self::Messages(vec![Message::User(text.to_owned())])
    }

    /// Whether a whole answer begins on a line of its own: for most versions of the prompt, but not
    /// for those that self-hosted models are asked by (http-api 2.3).
    pub(super) fn begins_line(&self) -> bool {
        match self {
            Self::Prompt { version, .. } => {
                let version = version.map(str::trim).unwrap_or_default();
                !version.is_empty() && !AS_WRITTEN.contains(&version)
            }
            Self::Messages(_) => false,
        }
    }
}

/// A generation that the model has begun.
#[derive(Debug)]
pub(super) struct Generation {
    /// What the model says.
    pub(super) answer: Answer,
    /// The prompt's name for people; none where the client wrote its own.
    pub(super) name: Option<String>,
    /// The family's name.
    pub(super) family: String,
    stop: Vec<String>,
}

impl Generation {
    /// What cleans its text.
    pub(super) fn cleaner(&self) -> Cleaner {
        Cleaner::of_lines(&self.stop, self.family == "mixtral")
    }

    /// Waits for the whole text and cleans it.
    pub(super) async fn collect(
        self,
        call: &Call,
        file: &CodeFile<'_>,
    ) -> Result<Suggestion, Refusal> {
        let (mut cleaner, family) = (self.cleaner(), self.family.clone());
        let whole = self.answer.collect().await;
        let whole = whole.map_err(|error| model_refusal::code(call, &error))?;
        call.log_text(&whole.text);
        let began = Instant::now();
        let mut text = cleaner.push(&whole.text);
        text += &cleaner.finish();
        let kept = trim_repeated(&text, file.above, file.below).trim_end();
        text.truncate(kept.len());
        call.services.metrics.cleaned(&family, began.elapsed());
        let counted = |read: fn(&Usage) -> u64| whole.usage.as_ref().map(read).unwrap_or_default();
        Ok(Suggestion {
            input_tokens: counted(|usage| usage.input_tokens),
            output_tokens: counted(|usage| usage.output_tokens),
            is_cut: whole.finish == FinishReason::Length,
            created: call.services.epoch_seconds(),
            text,
            context: ContextTokens::default(),
        })
    }
}

/// Asks the model for code; `denied` is what a caller without the permission is told, and `place`
/// where the prompt's id and version stand in the body.
pub(super) async fn generate(
    call: &Call,
    order: Order<'_>,
    denied: &'static str,
    place: &str,
) -> Result<Generation, Refusal> {
    let models = &call.services.models;
    let target = models.target(order.metadata.as_ref());
    let target = target.map_err(|error| model_refusal::target(&error))?;
    let (request, name, budget) = match order.question {
        Question::Messages(messages) => {
            if !call.caller.can(PERMISSION) {
                return Err(Refusal::forbidden(denied));
            }
            let request = ModelRequest {
                messages,
                purpose: Purpose::new(FEATURE, PERMISSION),
                ..ModelRequest::default()
            };
            (request, None, completing::budget(None))
        }
        Question::Prompt {
            id,
            version,
            inputs,
        } => {
            let id = id.unwrap_or(PROMPT);
            let prompt = find(call, &target, id, version, place)?;
            if !call.caller.can(&prompt.unit_primitive) {
                return Err(Refusal::forbidden(denied));
            }
            let inputs = inputs_of(&order.file, inputs, prompt, &target);
            let turns = prompt.render(&inputs);
            let turns = turns.map_err(|error| model_refusal::render(id, &error))?;
            call.log_turns(&turns);
            let request = ModelRequest {
                purpose: Purpose::new(FEATURE, &prompt.unit_primitive),
                ..model_request(turns, &prompt.sampling)
            };
            let budget = completing::budget(prompt.timeout);
            (request, Some(prompt.name.clone()), budget)
        }
    };
    let stop = request.stop.clone();
    let request = ModelRequest {
        stream: order.stream,
        ..request
    };
    let answer = models.ask(&target, request, budget).await;
    Ok(Generation {
        answer: answer.map_err(|error| model_refusal::code(call, &error))?,
        name,
        family: target.family().name.clone(),
        stop,
    })
}

/// The reference knows nine versions and answers 500 to all others (http-api 2.3); here any
/// constraint that finds a prompt will do, and the others hear which versions there are.
fn find<'s>(
    call: &'s Call,
    target: &Target,
    id: &str,
    version: Option<&str>,
    place: &str,
) -> Result<&'s Prompt, Refusal> {
    use crate::prompt::FindError;
    let folders: Vec<&str> = target.family().folders.iter().map(String::as_str).collect();
    let found = call.services.prompts.find(id, &folders, version);
    found.map_err(|error| {
        let field = match error {
            FindError::UnknownId(_) => "prompt_id",
            _ => "prompt_version",
        };
        Refusal::field(format!("{place}{field}"), error.to_string())
    })
}

/// The template's variables (http-api 2.3), cut to the model's window: first the instruction, then
/// the code at the cursor, then whatever else there is room for.
fn inputs_of(
    file: &CodeFile<'_>,
    mut inputs: Map<String, Value>,
    prompt: &Prompt,
    target: &Target,
) -> Map<String, Value> {
    let mut room = completing::room(target, prompt);
    let text = |inputs: &Map<String, Value>, name: &str| {
        let given = inputs.get(name).and_then(Value::as_str);
        given.filter(|text| !text.is_empty()).map(ToOwned::to_owned)
    };
    if let Some(instruction) = text(&inputs, INSTRUCTION) {
        let kept = keep_start(&instruction, room / 2);
        room -= estimate_tokens(kept);
        inputs.insert(INSTRUCTION.to_owned(), kept.into());
    }
    let above = text(&inputs, ABOVE);
    let below = text(&inputs, BELOW);
    let prefix = keep_end(above.as_deref().unwrap_or(file.above), room / 4 * 3);
    room -= estimate_tokens(prefix);
    let suffix = keep_start(below.as_deref().unwrap_or(file.below), room / 2);
    room -= estimate_tokens(suffix);
    inputs.insert(ABOVE.to_owned(), prefix.into());
    inputs.insert(BELOW.to_owned(), suffix.into());
    for name in MORE {
        if let Some(Value::Array(items)) = inputs.get_mut(name) {
            items.retain(|item| {
                let tokens = match item {
                    Value::String(text) => estimate_tokens(text),
                    other => estimate_tokens(&other.to_string()),
                };
                let fits = tokens <= room;
                room -= if fits { tokens } else { 0 };
                fits
            });
        }
    }
    let language = file.prompt_language();
    let fenced = |prefix: &str| format!("```{language}\n{prefix}\n```");
    let mut give = |name: &str, value: Value| {
        if !inputs.contains_key(name) {
            inputs.insert(name.to_owned(), value);
        }
    };
    // for prompts of the operator's own that were written for the reference
    if prompt.variables().any(|name| name == "instruction") {
        give("instruction", fenced(prefix).into());
    }
    give("prefix", prefix.into());
    give("file_name", file.name.into());
    give("language", language.as_str().into());
    inputs
}

const PROMPT: &str = "code_suggestions/generations";
const PERMISSION: &str = "generate_code";
const INSTRUCTION: &str = "user_instruction";
const ABOVE: &str = "trimmed_content_above_cursor";
const BELOW: &str = "trimmed_content_below_cursor";

/// Versions whose answers go out as the model wrote them.
const AS_WRITTEN: [&str; 4] = ["^1.0.0", "1.0.0", "1.1.0-dev", "3.0.2-dev"];

/// Lists of the enhancer's, the most useful first.
const MORE: [&str; 4] = [
    "libraries",
    "related_snippets",
    "related_files",
    "examples_array",
];
