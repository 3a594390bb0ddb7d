//! What Gemini answers, whole and in pieces (models-and-prompts 1.10).

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Event, FinishReason, Usage,
    refusal::{DecodeError, Refusal},
    sse_pieces::Pieces,
    told::Told,
};
use crate::upstream::SseEvent;

/// Reads the pieces of a stream, or the one piece that a whole answer is.
#[derive(Debug, Default)]
pub(super) struct GeminiPieces {
    /// How many tools the model wants so far.
    calls: usize,
}

impl GeminiPieces {
    /// Reads a whole answer.
    pub(super) fn whole(json: &[u8], told: &mut Told) -> Result<(), DecodeError> {
        let body = read(json)?;
        if body.candidates.is_empty() && body.prompt_feedback.is_none() {
            return Err(DecodeError::Malformed("it has no candidates".to_owned()));
        }
        Self::default().take(body, told);
        if !told.is_finished {
            told.finish(FinishReason::Unknown);
        }
        told.is_done = true;
        Ok(())
    }

    fn take(&mut self, body: Body, told: &mut Told) {
        told.name_model(&body.model_version);
        let blocked = body
            .prompt_feedback
            .is_some_and(|feedback| feedback.block_reason.is_some());
        if let Some(candidate) = body.candidates.into_iter().next() {
            for part in candidate.content.parts {
                if part.thought {
                    told.think(part.text);
                } else {
                    told.say(part.text);
                }
                if let Some(call) = part.function_call {
                    self.call(call, &body.response_id, told);
                }
            }
            if let Some(word) = candidate.finish_reason {
                told.finish(self.reason(&word));
            }
        } else if blocked {
            told.finish(FinishReason::ContentFilter);
        }
        if let Some(tokens) = body.usage_metadata {
            told.events.push_back(Event::Usage(Usage {
                input_tokens: tokens.prompt,
                output_tokens: tokens.said.saturating_add(tokens.thought),
            }));
        }
    }

    /// A call comes whole. Google's have no name of their own, or one that the next answer repeats.
    fn call(&mut self, call: FunctionCall, answer: &str, told: &mut Told) {
        let index = self.calls;
        self.calls += 1;
        told.events.push_back(Event::ToolCall {
            index,
            id: format!("call-{answer}-{index}"),
            name: call.name,
        });
        if !call.args.is_null() {
            told.add_arguments(index, call.args.to_string());
        }
    }

    fn reason(&self, word: &str) -> FinishReason {
        match word {
            "STOP" if self.calls > 0 => FinishReason::ToolCalls,
            "STOP" => FinishReason::Stop,
            "MAX_TOKENS" => FinishReason::Length,
            "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" => {
                FinishReason::ContentFilter
            }
            "MODEL_ARMOR" => FinishReason::Guardrail,
            _ => FinishReason::Other,
        }
    }
}

impl Pieces for GeminiPieces {
    fn read(&mut self, event: &SseEvent, told: &mut Told) -> Result<(), DecodeError> {
        let data = event.data.trim();
        if data.is_empty() {
            return Ok(());
        }
        let body = read(data.as_bytes())?;
        self.take(body, told);
        Ok(())
    }
}

/// Reads a refusal. Where a stream was asked for it stands in a list.
pub(super) fn refusal(body: &[u8]) -> Refusal {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return Refusal::read(body);
    };
    let body = body.get(0).unwrap_or(&body);
    said(body.get("error").unwrap_or(body))
}

fn said(error: &Value) -> Refusal {
    let mut refusal = Refusal::of(error);
    let lower = refusal.words.to_ascii_lowercase();
    refusal.is_too_long |= TOO_LONG.iter().any(|words| lower.contains(words));
    refusal.parameter = PARAMETERS
        .into_iter()
        .find(|(words, _)| lower.contains(words))
        .map(|(_, parameter)| parameter);
    let status = error.get("status").and_then(Value::as_str);
    if refusal.status.is_none() && status == Some("RESOURCE_EXHAUSTED") {
        refusal.status = Some(StatusCode::TOO_MANY_REQUESTS);
    }
    refusal
}

fn read(json: &[u8]) -> Result<Body, DecodeError> {
    // what serde says may repeat what the model said, so only the place is told
    let body: Body = serde_json::from_slice(json).map_err(|error| {
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        let reason = format!("no answer of Gemini ({kind:?}, line {line}, column {column})");
        DecodeError::Malformed(reason)
    })?;
    match &body.error {
        Some(error) => Err(DecodeError::Told(said(error))),
        None => Ok(body),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    candidates: Vec<Candidate>,
    usage_metadata: Option<Tokens>,
    prompt_feedback: Option<Feedback>,
    #[serde(default)]
    model_version: String,
    #[serde(default)]
    response_id: String,
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default)]
    content: Content,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Content {
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    #[serde(default)]
    text: String,
    #[serde(default)]
    thought: bool,
    function_call: Option<FunctionCall>,
}

#[derive(Deserialize)]
struct FunctionCall {
    name: String,
    #[serde(default)]
    args: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(rename = "promptTokenCount", default)]
    prompt: u64,
    #[serde(rename = "candidatesTokenCount", default)]
    said: u64,
    #[serde(rename = "thoughtsTokenCount", default)]
    thought: u64,
}

/// How Google says that a prompt is longer than the model's window.
const TOO_LONG: [&str; 2] = ["exceeds the maximum number of tokens", "input token count"];

/// Words of refusals, with what can be left out of the next attempt.
const PARAMETERS: [(&str, &str); 3] = [
    ("stop_sequences", "stop"),
    ("stopsequences", "stop"),
    ("temperature", "temperature"),
];
