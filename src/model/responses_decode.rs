//! What OpenAI's newer API answers, whole and as a stream (models-and-prompts 1.9).

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
#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(borrow, default)]
    output: Option<Vec<Item<'a>>>,
    #[serde(borrow, default)]
    model: Text<'a>,
    #[serde(borrow, default)]
    status: Text<'a>,
    #[serde(borrow, default)]
    incomplete_details: Option<Incomplete<'a>>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Incomplete<'a> {
    #[serde(borrow, default)]
    reason: Text<'a>,
}

/// Something that the model did.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default)]
    r#type: Text<'a>,
    /// A list of parts.
    #[serde(borrow, default)]
    content: Text<'a>,
    /// The same, of a thought.
    #[serde(borrow, default)]
    summary: Text<'a>,
    #[serde(borrow, default)]
    call_id: Text<'a>,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    arguments: Text<'a>,
}

#[derive(Clone, Copy, Deserialize)]
struct Tokens {
    #[serde(default, rename = "input_tokens")]
    input: Option<u64>,
    #[serde(default, rename = "output_tokens")]
    output: Option<u64>,
}

/// One event of a stream; which members it has its type says.
#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(borrow, default)]
    r#type: Text<'a>,
    #[serde(default)]
    output_index: u64,
    #[serde(borrow, default)]
    delta: Text<'a>,
    #[serde(borrow, default)]
    item: Option<Item<'a>>,
    #[serde(borrow, default)]
    response: Option<Whole<'a>>,
    #[serde(default)]
    error: Option<Value>,
}

/// Reads the events of one stream.
#[derive(Debug, Default)]
pub(super) struct ResponsePieces {
    /// Which of the model's doings are calls of tools, in their order.
    calls: Vec<u64>,
}

impl Pieces for ResponsePieces {
    fn read(&mut self, event: &SseEvent, told: &mut Told) -> Result<(), DecodeError> {
        let data = event.data.trim();
        if data.is_empty() || data == "[DONE]" {
            return Ok(());
        }
        let piece: Piece<'_> = parse(data.as_bytes())?;
        let index = piece.output_index;
        match piece.r#type.as_str() {
            "response.output_text.delta" => told.say(piece.delta.into_inner().into_owned()),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                told.think(piece.delta.into_inner().into_owned());
            }
            "response.output_item.added" => self.begin(index, piece.item, told)?,
            "response.function_call_arguments.delta" => {
                if let Some(call) = self.calls.iter().rposition(|known| *known == index) {
                    told.add_arguments(call, piece.delta.into_inner().into_owned());
                }
            }
            "response.created" => {
                let response = piece.response.as_ref();
                told.name_model(response.map_or("", |response| response.model.as_str()));
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                if let Some(response) = piece.response {
                    end(&response, told)?;
                }
                told.is_done = true;
            }
            "error" => return Err(refused(piece.error.as_ref(), data.as_bytes())),
            _ if piece.error.is_some() => return Err(refused(piece.error.as_ref(), &[])),
            _ => {}
        }
        Ok(())
    }
}

impl ResponsePieces {
    fn begin(
        &mut self,
        index: u64,
        item: Option<Item<'_>>,
        told: &mut Told,
    ) -> Result<(), DecodeError> {
        let Some(item) = item.filter(|item| item.r#type.as_str() == CALL) else {
            return Ok(());
        };
        Told::bound_calls(self.calls.len())?;
        self.calls.push(index);
        call(item, self.calls.len() - 1, told);
        Ok(())
    }
}

/// Reads a whole answer.
pub(super) fn decode(json: &[u8], told: &mut Told) -> Result<(), DecodeError> {
    let mut whole: Whole<'_> = parse(json)?;
    let Some(output) = whole.output.take() else {
        return Err(match whole.error.filter(|error| !error.is_null()) {
            Some(error) => refused(Some(&error), &[]),
            None => DecodeError::Malformed("it has no output".to_owned()),
        });
    };
    told.name_model(whole.model.as_str());
    let mut calls = 0;
    for item in output {
        match item.r#type.as_str() {
            "message" => told.say(item.content.into_inner().into_owned()),
            "reasoning" => told.think(item.summary.into_inner().into_owned()),
            CALL => {
                call(item, calls, told);
                calls += 1;
            }
            _ => {}
        }
    }
    end(&whole, told)
}

/// Tells of a call; in a stream its arguments follow.
fn call(item: Item<'_>, index: usize, told: &mut Told) {
    told.events.push_back(Event::ToolCall {
        index,
        id: item.call_id.into_inner().into_owned(),
        name: item.name.into_inner().into_owned(),
    });
    told.add_arguments(index, item.arguments.into_inner().into_owned());
}

/// Tells why the answer ended, and what it cost.
fn end(response: &Whole<'_>, told: &mut Told) -> Result<(), DecodeError> {
    if let Some(error) = response.error.as_ref().filter(|error| !error.is_null()) {
        return Err(refused(Some(error), &[]));
    }
    let reason = response.incomplete_details.as_ref();
    let reason = reason.map_or("", |details| details.reason.as_str());
    told.finish(match (response.status.as_str(), reason) {
        ("completed" | "", _) => FinishReason::Stop,
        (_, "max_output_tokens") => FinishReason::Length,
        (_, "content_filter") => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    });
    if let Some(tokens) = response.usage {
        told.events.push_back(Event::Usage(Usage {
            input_tokens: tokens.input.unwrap_or_default(),
            output_tokens: tokens.output.unwrap_or_default(),
        }));
    }
    Ok(())
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(json).map_err(|error| DecodeError::of_json(&error))
}

/// What stands in the place of an answer: an object of its own, or the event itself.
fn refused(error: Option<&Value>, event: &[u8]) -> DecodeError {
    let error = error.filter(|error| !error.is_null());
    DecodeError::Told(error.map_or_else(|| Refusal::read(event), Refusal::of))
}

/// What a call of a tool is called.
const CALL: &str = "function_call";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cutting::streamed_by;

    fn events(stream: &str) -> (Vec<Event>, Option<DecodeError>) {
        let new = || -> Box<dyn crate::model::provider::StreamDecoder> {
            let pieces = ResponsePieces::default();
            Box::new(crate::model::sse_pieces::SsePieces::new(pieces))
        };
        let (told, fault) = streamed_by(&new, stream.as_bytes());
        (told.events.into(), fault)
    }

    fn arguments(index: usize, text: &str) -> Event {
        Event::Arguments {
            index,
            text: text.to_owned(),
        }
    }

    fn call(index: usize, id: &str) -> Event {
        Event::ToolCall {
            index,
            id: id.to_owned(),
            name: "read".to_owned(),
        }
    }

    fn end(input_tokens: u64, output_tokens: u64) -> [Event; 2] {
        let usage = Usage {
            input_tokens,
            output_tokens,
        };
        [Event::Finish(FinishReason::Stop), Event::Usage(usage)]
    }

    #[test]
    fn a_stream_tells_thoughts_texts_calls_and_tokens() {
        let (found, fault) = events(include_str!("../../tests/it/golden/responses.sse"));
        assert_eq!(fault, None);
        let mut expected = vec![
            Event::Reasoning("Which?".to_owned()),
            Event::Text("I will ".to_owned()),
            Event::Text("read é.".to_owned()),
            call(0, "call_1"),
            arguments(0, "{\"path\":"),
            arguments(0, "\"a\"}"),
        ];
        expected.extend(end(7, 5));
        assert_eq!(found, expected);
    }

    #[test]
    fn whole_answers_are_read() {
        let mut told = Told::default();
        let json = r#"{"model":"m","status":"completed","error":null,"output":[
            {"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},
            {"type":"message","content":[{"type":"output_text","text":"a"}]},
            {"type":"function_call","call_id":"x","name":"read","arguments":"{}"}],
            "usage":{"input_tokens":7,"output_tokens":5}}"#;
        decode(json.as_bytes(), &mut told).unwrap();
        let mut expected = vec![
            Event::Reasoning("hm".to_owned()),
            Event::Text("a".to_owned()),
            call(0, "x"),
            arguments(0, "{}"),
        ];
        expected.extend(end(7, 5));
        assert_eq!(told.events, expected);
        let json = r#"{"output":[],"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}"#;
        let mut told = Told::default();
        decode(json.as_bytes(), &mut told).unwrap();
        assert_eq!(told.events, [Event::Finish(FinishReason::Length)]);
    }

    #[test]
    fn failures_are_told_apart() {
        for (event, words) in [
            (r#"{"type":"error","code":"x","message":"no"}"#, "no"),
            (
                r#"{"type":"response.failed","response":{"status":"failed","error":{"message":"bad"}}}"#,
                "bad",
            ),
        ] {
            let (_, fault) = events(&format!("data: {event}\n\n"));
            let Some(DecodeError::Told(refusal)) = fault else {
                panic!("{event}: {fault:?}");
            };
            assert_eq!(refusal.words, words);
        }
        for json in ["{}", "<html>", r#"{"choices":[]}"#] {
            let fault = decode(json.as_bytes(), &mut Told::default());
            assert!(matches!(fault, Err(DecodeError::Malformed(_))), "{json}");
        }
    }
}
