//! What Bedrock's Converse answers, whole and as an event stream (models-and-prompts 1.8).

use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Event, FinishReason, Usage,
    provider::StreamDecoder,
    refusal::{DecodeError, Refusal},
    told::Told,
};
use crate::upstream::{EventStreamError, EventStreamFrame, EventStreamReader};

/// Reads a whole answer.
pub(super) fn decode(json: &[u8], told: &mut Told) -> Result<(), DecodeError> {
    let body: Body = read(json)?;
    let Some(message) = body.output.and_then(|output| output.message) else {
        return Err(DecodeError::Malformed("it holds no message".to_owned()));
    };
    let mut calls = 0;
    for block in message.content {
        if let Some(thought) = block.reasoning_content {
            told.think(thought.reasoning_text.text);
        }
        told.say(block.text);
        if let Some(call) = block.tool_use {
            let index = calls;
            Told::bound_calls(index)?;
            calls += 1;
            told.events.push_back(Event::ToolCall {
                index,
                id: call.id,
                name: call.name,
            });
            if !call.input.is_null() {
                told.add_arguments(index, call.input.to_string());
            }
        }
    }
    told.finish(reason(&body.stop_reason));
    told.is_done = true;
    count(body.usage, told);
    Ok(())
}

/// Reads a stream, frame by frame.
#[derive(Debug)]
pub(super) struct ConverseStream {
    reader: EventStreamReader,
    /// The content blocks that are calls of tools, in their order.
    calls: Vec<u64>,
}

impl ConverseStream {
    /// For the beginning of a stream.
    pub(super) fn new() -> Self {
        Self {
            reader: EventStreamReader::new(LARGEST_FRAME),
            calls: Vec::new(),
        }
    }

    fn read(&mut self, frame: &EventStreamFrame, told: &mut Told) -> Result<(), DecodeError> {
        if frame.is_exception {
            return Err(DecodeError::Told(exception(frame)));
        }
        match frame.name.as_str() {
            "contentBlockStart" => {
                let piece: BlockStart = read(&frame.payload)?;
                if let Some(call) = piece.start.tool_use {
                    self.begin(piece.index, call, told)?;
                }
            }
            "contentBlockDelta" => {
                let piece: BlockDelta = read(&frame.payload)?;
                told.say(piece.delta.text);
                if let Some(thought) = piece.delta.reasoning_content {
                    told.think(thought.text);
                }
                if let Some(call) = piece.delta.tool_use {
                    let index = self.calls.iter().position(|block| *block == piece.index);
                    // of a block that never began nobody can tell whose they are
                    if let Some(index) = index {
                        told.add_arguments(index, call.input);
                    }
                }
            }
            "messageStop" => {
                let piece: MessageStop = read(&frame.payload)?;
                told.finish(reason(&piece.stop_reason));
            }
            // the last one
            "metadata" => {
                let piece: Metadata = read(&frame.payload)?;
                count(piece.usage, told);
                told.is_done = true;
            }
            // the beginning and the ends of blocks, and what may be added
            _ => {}
        }
        Ok(())
    }

    fn begin(
        &mut self,
        block: u64,
        call: ToolUseStart,
        told: &mut Told,
    ) -> Result<(), DecodeError> {
        Told::bound_calls(self.calls.len())?;
        told.events.push_back(Event::ToolCall {
            index: self.calls.len(),
            id: call.id,
            name: call.name,
        });
        self.calls.push(block);
        Ok(())
    }
}

impl StreamDecoder for ConverseStream {
    fn push(&mut self, bytes: &[u8], told: &mut Told) -> Result<(), DecodeError> {
        self.reader.push(bytes);
        while let Some(frame) = self.reader.next_frame().map_err(broken)? {
            if !told.is_done {
                self.read(&frame, told)?;
            }
        }
        Ok(())
    }

    /// A frame that was begun is missed only where the answer is not over; who waits for that
    /// sees it.
    fn finish(&mut self, _: &mut Told) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Reads a refusal: the kind stands in a header, the reason in the body.
pub(super) fn refusal(headers: &HeaderMap, body: &[u8]) -> Refusal {
    let kind = headers.get("x-amzn-errortype");
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // a URL may follow it
    let kind = kind.split(':').next().unwrap_or_default();
    said(kind, body)
}

/// Whether a refusal says that keys are no longer good, or never were.
pub(super) fn is_about_keys(refusal: &Refusal) -> bool {
    KEY_ERRORS
        .iter()
        .any(|kind| refusal.words.starts_with(kind))
}

fn exception(frame: &EventStreamFrame) -> Refusal {
    let mut refusal = said(&frame.name, &frame.payload);
    if !frame.message.is_empty() {
        refusal.words = format!("{} {}", refusal.words, frame.message);
    }
    let code = EXCEPTIONS.iter().find(|(name, _)| *name == frame.name);
    let code = code.map_or(StatusCode::INTERNAL_SERVER_ERROR, |(_, code)| *code);
    refusal.status = Some(code);
    refusal
}

fn said(kind: &str, body: &[u8]) -> Refusal {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let member = |name: &str| body.as_ref()?.get(name)?.as_str();
    let text = member("message").or_else(|| member("Message"));
    let text = text.unwrap_or_default();
    let kind = member("__type").filter(|_| kind.is_empty()).unwrap_or(kind);
    let lower = text.to_ascii_lowercase();
    let parameter = PARAMETERS.iter().find(|(words, _)| lower.contains(words));
    Refusal {
        status: None,
        words: format!("{kind}: {text}"),
        is_too_long: TOO_LONG.iter().any(|words| lower.contains(words)),
        parameter: parameter.map(|(_, parameter)| *parameter),
    }
}

fn broken(error: EventStreamError) -> DecodeError {
    match error {
        EventStreamError::TooLarge { .. } => DecodeError::TooLarge(error.to_string()),
        EventStreamError::Damaged(_) => DecodeError::Malformed(error.to_string()),
    }
}

fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, DecodeError> {
    // what serde says may repeat what the model said, so only the place is told
    serde_json::from_slice(json).map_err(|error| {
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        let reason = format!("no answer of Converse ({kind:?}, line {line}, column {column})");
        DecodeError::Malformed(reason)
    })
}

fn count(tokens: Option<Tokens>, told: &mut Told) {
    if let Some(tokens) = tokens {
        told.events.push_back(Event::Usage(Usage {
            input_tokens: tokens
                .input
                .saturating_add(tokens.cache_read)
                .saturating_add(tokens.cache_write),
            output_tokens: tokens.output,
        }));
    }
}

fn reason(word: &str) -> FinishReason {
    match word {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "content_filtered" => FinishReason::ContentFilter,
        "guardrail_intervened" => FinishReason::Guardrail,
        _ => FinishReason::Other,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    output: Option<Output>,
    #[serde(default)]
    stop_reason: String,
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Output {
    message: Option<Said>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Vec<Block>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    #[serde(default)]
    text: String,
    tool_use: Option<ToolUse>,
    reasoning_content: Option<Reasoning>,
}

#[derive(Deserialize)]
struct ToolUse {
    #[serde(rename = "toolUseId")]
    id: String,
    name: String,
    #[serde(default)]
    input: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reasoning {
    #[serde(default)]
    reasoning_text: Thought,
}

/// Some of it is hidden, or its signature alone.
#[derive(Default, Deserialize)]
struct Thought {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct BlockStart {
    #[serde(rename = "contentBlockIndex", default)]
    index: u64,
    start: Start,
}

#[derive(Deserialize)]
struct Start {
    #[serde(rename = "toolUse")]
    tool_use: Option<ToolUseStart>,
}

#[derive(Deserialize)]
struct ToolUseStart {
    #[serde(rename = "toolUseId")]
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct BlockDelta {
    #[serde(rename = "contentBlockIndex", default)]
    index: u64,
    delta: Delta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delta {
    #[serde(default)]
    text: String,
    tool_use: Option<ToolUseDelta>,
    reasoning_content: Option<Thought>,
}

#[derive(Deserialize)]
struct ToolUseDelta {
    #[serde(default)]
    input: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageStop {
    #[serde(default)]
    stop_reason: String,
}

#[derive(Deserialize)]
struct Metadata {
    usage: Option<Tokens>,
}

/// What came out of a cache counts apart.
#[derive(Deserialize)]
struct Tokens {
    #[serde(rename = "inputTokens", default)]
    input: u64,
    #[serde(rename = "outputTokens", default)]
    output: u64,
    #[serde(rename = "cacheReadInputTokens", default)]
    cache_read: u64,
    #[serde(rename = "cacheWriteInputTokens", default)]
    cache_write: u64,
}

/// What ends a stream, with the status that says the same before one.
const EXCEPTIONS: [(&str, StatusCode); 6] = [
    ("throttlingException", StatusCode::TOO_MANY_REQUESTS),
    ("modelStreamErrorException", StatusCode::FAILED_DEPENDENCY),
    ("internalServerException", StatusCode::INTERNAL_SERVER_ERROR),
    ("validationException", StatusCode::BAD_REQUEST),
    (
        "serviceUnavailableException",
        StatusCode::SERVICE_UNAVAILABLE,
    ),
    ("modelTimeoutException", StatusCode::REQUEST_TIMEOUT),
];

/// Kinds of refusals that new keys may mend.
const KEY_ERRORS: [&str; 4] = [
    "ExpiredToken",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "InvalidClientTokenId",
];

/// Words of refusals, with what can be left out of the next attempt.
const PARAMETERS: [(&str, &str); 7] = [
    ("stopsequences", "stop"),
    ("stop_sequences", "stop"),
    ("temperature", "temperature"),
    ("system message", "system"),
    ("system prompt", "system"),
    ("cachepoint", "cache"),
    ("prompt caching", "cache"),
];

/// How its models say that a prompt is longer than their window.
const TOO_LONG: [&str; 5] = [
    "input is too long",
    "prompt is too long",
    "too many input tokens",
    "maximum context length",
    "exceed context limit",
];

/// One frame holds a few tokens.
const LARGEST_FRAME: usize = 1024 * 1024;
