//! What Anthropic's API answers, whole and as a stream (models-and-prompts 1.7).

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Event, FinishReason, Usage,
    openai_text::Text,
    refusal::{DecodeError, Refusal},
    sse_pieces::Pieces,
    told::Told,
};
use crate::upstream::SseEvent;

/// A whole answer, as far as it is read.
#[derive(Default, Deserialize)]
struct Whole<'a> {
    #[serde(borrow, default)]
    content: Option<Vec<Block<'a>>>,
    #[serde(borrow, default)]
    model: Text<'a>,
    #[serde(borrow, default)]
    stop_reason: Text<'a>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    error: Option<Value>,
}

/// A part of an answer, or its beginning in a stream.
#[derive(Default, Deserialize)]
struct Block<'a> {
    #[serde(borrow, default)]
    r#type: Text<'a>,
    #[serde(borrow, default)]
    text: Text<'a>,
    #[serde(borrow, default)]
    thinking: Text<'a>,
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(default)]
    input: Option<Value>,
}

/// One event of a stream; which members it has its type says.
#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(borrow, default)]
    r#type: Text<'a>,
    #[serde(default)]
    index: u64,
    #[serde(borrow, default)]
    message: Option<Whole<'a>>,
    #[serde(borrow, default)]
    content_block: Option<Block<'a>>,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Default, Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    text: Text<'a>,
    #[serde(borrow, default)]
    thinking: Text<'a>,
    #[serde(borrow, default)]
    partial_json: Text<'a>,
    #[serde(borrow, default)]
    stop_reason: Text<'a>,
}

/// Tokens; those that a cache spared are counted apart there.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Tokens {
    #[serde(default, rename = "input_tokens")]
    input: Option<u64>,
    #[serde(default, rename = "cache_creation_input_tokens")]
    cache_written: Option<u64>,
    #[serde(default, rename = "cache_read_input_tokens")]
    cache_read: Option<u64>,
    #[serde(default, rename = "output_tokens")]
    output: Option<u64>,
}

/// Reads the events of one stream.
#[derive(Debug, Default)]
pub(super) struct AnthropicPieces {
    tokens: Tokens,
    /// Which parts of the answer are calls of tools, in their order.
    calls: Vec<u64>,
}

impl Pieces for AnthropicPieces {
    fn read(&mut self, event: &SseEvent, told: &mut Told) -> Result<(), DecodeError> {
        let data = event.data.trim();
        // servers of OpenAI's kind end so, and some of those speak this way too
        if data.is_empty() || data == "[DONE]" {
            return Ok(());
        }
        let piece: Piece<'_> = parse(data.as_bytes())?;
        match piece.r#type.as_str() {
            "message_start" => {
                let message = piece.message.unwrap_or_default();
                told.name_model(message.model.as_str());
                self.count(message.usage);
            }
            "content_block_start" => {
                self.begin(piece.index, piece.content_block.unwrap_or_default(), told)?;
            }
            "content_block_delta" => self.go_on(piece.index, piece.delta.unwrap_or_default(), told),
            "message_delta" => {
                self.count(piece.usage);
                finish(piece.delta.unwrap_or_default().stop_reason.as_str(), told);
                told.events.extend(self.tokens.told());
            }
            "message_stop" => told.is_done = true,
            "error" => return Err(refused(piece.error.as_ref())),
            // `ping`, the end of a block, and whatever comes one day
            _ if piece.error.is_some() => return Err(refused(piece.error.as_ref())),
            _ => {}
        }
        Ok(())
    }
}

impl AnthropicPieces {
    fn begin(&mut self, index: u64, block: Block<'_>, told: &mut Told) -> Result<(), DecodeError> {
        if block.r#type.as_str() == "tool_use" {
            Told::bound_calls(self.calls.len())?;
            self.calls.push(index);
        }
        say(block, self.calls.len(), told);
        Ok(())
    }

    fn go_on(&mut self, index: u64, delta: Delta<'_>, told: &mut Told) {
        told.think(delta.thinking.into_inner().into_owned());
        told.say(delta.text.into_inner().into_owned());
        if let Some(call) = self.calls.iter().rposition(|known| *known == index) {
            told.add_arguments(call, delta.partial_json.into_inner().into_owned());
        }
    }

    /// Counts are totals; the last of each holds.
    fn count(&mut self, tokens: Option<Tokens>) {
        let tokens = tokens.unwrap_or_default();
        let known = &mut self.tokens;
        for (known, new) in [
            (&mut known.input, tokens.input),
            (&mut known.cache_written, tokens.cache_written),
            (&mut known.cache_read, tokens.cache_read),
            (&mut known.output, tokens.output),
        ] {
            *known = new.or(*known);
        }
    }
}

impl Tokens {
    fn told(self) -> Option<Event> {
        let output = self.output?;
        let input = [self.input, self.cache_written, self.cache_read];
        Some(Event::Usage(Usage {
            input_tokens: input.into_iter().flatten().fold(0, u64::saturating_add),
            output_tokens: output,
        }))
    }
}

/// Reads a whole answer.
pub(super) fn decode(json: &[u8], told: &mut Told) -> Result<(), DecodeError> {
    let whole: Whole<'_> = parse(json)?;
    if whole.error.is_some() {
        return Err(refused(whole.error.as_ref()));
    }
    let Some(content) = whole.content else {
        return Err(DecodeError::Malformed("it has no content".to_owned()));
    };
    told.name_model(whole.model.as_str());
    let mut calls = 0;
    for block in content {
        calls += usize::from(block.r#type.as_str() == "tool_use");
        say(block, calls, told);
    }
    finish(whole.stop_reason.as_str(), told);
    told.events.extend(whole.usage.and_then(Tokens::told));
    Ok(())
}

/// Tells what a part says. `calls`: how many there are, with this one.
fn say(block: Block<'_>, calls: usize, told: &mut Told) {
    match block.r#type.as_str() {
        "text" => told.say(block.text.into_inner().into_owned()),
        "thinking" => told.think(block.thinking.into_inner().into_owned()),
        "tool_use" => {
            let index = calls.saturating_sub(1);
            told.events.push_back(Event::ToolCall {
                index,
                id: block.id.into_inner().into_owned(),
                name: block.name.into_inner().into_owned(),
            });
            // in a stream an empty object stands for what is to come
            let input = block.input.filter(|input| {
                let object = input.as_object();
                object.is_some_and(|object| !object.is_empty())
            });
            told.add_arguments(
                index,
                input.map_or_else(String::new, |input| input.to_string()),
            );
        }
        _ => {}
    }
}

fn finish(reason: &str, told: &mut Told) {
    if !reason.is_empty() {
        told.finish(match reason {
            "refusal" => FinishReason::ContentFilter,
            "model_context_window_exceeded" => FinishReason::Length,
            other => FinishReason::from_openai(other),
        });
    }
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(json).map_err(|error| DecodeError::of_json(&error))
}

/// What stands in the place of an answer, with the status that its type has elsewhere.
fn refused(error: Option<&Value>) -> DecodeError {
    let error = error.unwrap_or(&Value::Null);
    let mut refusal = Refusal::of(error);
    let kind = error.get("type").and_then(Value::as_str);
    let known = TYPES.iter().find(|(name, _)| Some(*name) == kind);
    let status = known.and_then(|(_, code)| StatusCode::from_u16(*code).ok());
    refusal.status = refusal.status.or(status);
    DecodeError::Told(refusal)
}

const TYPES: [(&str, u16); 8] = [
    ("invalid_request_error", 400),
    ("authentication_error", 401),
    ("permission_error", 403),
    ("not_found_error", 404),
    ("request_too_large", 413),
    ("rate_limit_error", 429),
    ("api_error", 500),
    ("overloaded_error", 529),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::told::MOST_CALLS;
    use crate::{
        config::Account,
        model::{
            anthropic::Anthropic,
            cutting::{events, streamed},
            provider::Provider,
        },
    };

    fn provider() -> Anthropic {
        Anthropic::new(&Account::default())
    }

    fn text(text: &str) -> Event {
        Event::Text(text.to_owned())
    }

    fn call(index: usize, id: &str) -> Event {
        Event::ToolCall {
            index,
            id: id.to_owned(),
            name: "read".to_owned(),
        }
    }

    fn arguments(index: usize, text: &str) -> Event {
        Event::Arguments {
            index,
            text: text.to_owned(),
        }
    }

    fn usage(input_tokens: u64, output_tokens: u64) -> Event {
        Event::Usage(Usage {
            input_tokens,
            output_tokens,
        })
    }

    #[test]
    fn a_stream_tells_thoughts_texts_calls_and_tokens() {
        let stream = include_str!("../../tests/it/golden/anthropic.sse");
        let expected = [
            Event::Reasoning("Which file?".to_owned()),
            text("I will "),
            text("read é🙂."),
            call(0, "toolu_1"),
            arguments(0, "{\"path\": \"/et"),
            arguments(0, "c/hosts\"}"),
            call(1, "toolu_2"),
            Event::Finish(FinishReason::ToolCalls),
            usage(19, 42),
        ];
        assert_eq!(events(&provider(), stream), expected);
        let (told, _) = streamed(&provider(), stream.as_bytes());
        assert_eq!(told.model, "claude-sonnet-4-5-20250929");
        assert!(told.is_done && told.is_finished);
    }

    #[test]
    fn errors_in_a_stream_have_the_status_of_their_type() {
        for (kind, status) in [
            ("overloaded_error", Some(529)),
            ("rate_limit_error", Some(429)),
            ("some_other_error", None),
        ] {
            let stream = format!(
                "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"a\"}}}}\n\n\
                 event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"{kind}\",\"message\":\"Overloaded\"}}}}\n\n"
            );
            let (told, fault) = streamed(&provider(), stream.as_bytes());
            assert_eq!(told.events, [text("a")]);
            let Some(DecodeError::Told(refusal)) = fault else {
                panic!("{fault:?}");
            };
            assert_eq!(refusal.words, "Overloaded");
            assert_eq!(refusal.status.map(|status| status.as_u16()), status);
        }
    }

    #[test]
    fn whole_answers_are_read() {
        for (json, expected) in [
            (
                r#"{"type":"message","model":"m","content":[{"type":"thinking","thinking":"hm","signature":"s"},
                    {"type":"redacted_thinking","data":"x"},{"type":"text","text":"a"},{"type":"text","text":"b"}],
                    "stop_reason":"stop_sequence","usage":{"input_tokens":7,"cache_read_input_tokens":3,"output_tokens":5}}"#,
                vec![
                    Event::Reasoning("hm".to_owned()),
                    text("a"),
                    text("b"),
                    Event::Finish(FinishReason::Stop),
                    usage(10, 5),
                ],
            ),
            (
                r#"{"content":[{"type":"tool_use","id":"x","name":"read","input":{"n":[1]}},
                    {"type":"tool_use","id":"y","name":"read","input":{}}],"stop_reason":"tool_use"}"#,
                vec![
                    call(0, "x"),
                    arguments(0, r#"{"n":[1]}"#),
                    call(1, "y"),
                    Event::Finish(FinishReason::ToolCalls),
                ],
            ),
            (
                r#"{"content":[],"stop_reason":"refusal","usage":null}"#,
                vec![Event::Finish(FinishReason::ContentFilter)],
            ),
            (
                r#"{"content":[{"type":"text","text":null}],"stop_reason":"max_tokens"}"#,
                vec![Event::Finish(FinishReason::Length)],
            ),
        ] {
            let mut told = Told::default();
            decode(json.as_bytes(), &mut told).unwrap();
            assert_eq!(told.events, expected, "{json}");
        }
    }

    #[test]
    fn what_is_no_answer_is_told_apart_and_repeats_nothing() {
        for json in [
            "<html>",
            "{}",
            r#"{"choices":[{"message":{"content":"secret"}}]}"#,
            r#"{"content":"secret"}"#,
            r#"{"content":[{"type":"text","text":"secret"#,
        ] {
            let fault = decode(json.as_bytes(), &mut Told::default()).unwrap_err();
            assert!(matches!(fault, DecodeError::Malformed(_)), "{json}");
            assert!(!format!("{fault:?}").contains("secret"), "{fault:?}");
        }
        let told = br#"{"type":"error","error":{"type":"not_found_error","message":"model: x"}}"#;
        let fault = decode(told, &mut Told::default()).unwrap_err();
        let refusal = Refusal::read(told);
        assert_eq!(refusal.words, "model: x");
        let status = Some(StatusCode::NOT_FOUND);
        assert_eq!(fault, DecodeError::Told(Refusal { status, ..refusal }));
    }

    #[test]
    fn there_is_a_bound_of_calls() {
        let event = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"x","name":"read"}}"#;
        let mut stream = provider().stream();
        let mut told = Told::default();
        let bytes = format!("data: {event}\n\n").repeat(MOST_CALLS + 1);
        let read = stream.push(bytes.as_bytes(), &mut told);
        assert!(matches!(read, Err(DecodeError::TooLarge(_))), "{read:?}");
    }
}
