//! Answers as servers of OpenAI's kind write them, read leniently (models-and-prompts 1.5).

use serde::Deserialize;
use serde_json::Value;

use super::{
    Event, FinishReason, Usage,
    openai_calls::{CallPiece, Calls, FunctionPiece},
    openai_text::Text,
    refusal::{DecodeError, Refusal},
    sse_pieces::Pieces,
    told::Told,
};
use crate::upstream::SseEvent;

/// What is read of an answer or of a piece of one; all else is skipped.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(borrow, default)]
    model: Text<'a>,
    #[serde(borrow, default)]
    object: Text<'a>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    message: Option<Said<'a>>,
    #[serde(borrow, default)]
    delta: Option<Said<'a>>,
    #[serde(borrow, default)]
    text: Text<'a>,
    #[serde(borrow, default)]
    finish_reason: Text<'a>,
}

/// Servers name what a model thinks one way, the other way or both.
#[derive(Default, Deserialize)]
struct Said<'a> {
    #[serde(borrow, default)]
    content: Text<'a>,
    #[serde(borrow, default)]
    reasoning_content: Text<'a>,
    #[serde(borrow, default)]
    reasoning: Text<'a>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<CallPiece<'a>>>,
    #[serde(borrow, default)]
    function_call: Option<FunctionPiece<'a>>,
}

/// Some servers count in floating point, or write `null`.
#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: Option<f64>,
    #[serde(default)]
    completion_tokens: Option<f64>,
}

/// Reads the pieces of a stream. One that says nothing is passed over: servers count tokens, filter
/// contents and show that they live in pieces of their own.
#[derive(Debug, Default)]
pub(super) struct OpenAiPieces {
    calls: Calls,
}

impl Pieces for OpenAiPieces {
    fn read(&mut self, event: &SseEvent, told: &mut Told) -> Result<(), DecodeError> {
        let data = event.data.trim();
        if data == "[DONE]" {
            told.is_done = true;
        }
        if data.is_empty() || told.is_done {
            return Ok(());
        }
        take(read(data.as_bytes())?, &mut self.calls, told)
    }
}

/// Reads a whole answer.
pub(super) fn decode(json: &[u8], told: &mut Told) -> Result<(), DecodeError> {
    let body = read(json)?;
    if body.choices.as_ref().is_none_or(Vec::is_empty) {
        return Err(DecodeError::Malformed("it has no choices".to_owned()));
    }
    take(body, &mut Calls::default(), told)
}

fn read(json: &[u8]) -> Result<Body<'_>, DecodeError> {
    let body: Body<'_> =
        serde_json::from_slice(json).map_err(|error| DecodeError::of_json(&error))?;
    let told = body.error.as_ref().filter(|error| says_something(error));
    if let Some(error) = told {
        return Err(DecodeError::Told(Refusal::of(error)));
    }
    if body.object.as_str() == "error" {
        return Err(DecodeError::Told(Refusal::read(json)));
    }
    Ok(body)
}

fn says_something(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

fn take(body: Body<'_>, calls: &mut Calls, told: &mut Told) -> Result<(), DecodeError> {
    told.name_model(body.model.as_str());
    if let Some(choice) = body.choices.into_iter().flatten().next() {
        let is_whole = choice.message.is_some();
        let said = choice.message.or(choice.delta).unwrap_or_default();
        let reasoning = said.reasoning_content.or(said.reasoning);
        told.think(reasoning.into_inner().into_owned());
        told.say(said.content.or(choice.text).into_inner().into_owned());
        let answer = body.id.as_str();
        match said.tool_calls {
            Some(wanted) if is_whole => calls.push_whole(wanted, answer, told)?,
            Some(wanted) => calls.push(wanted, answer, told)?,
            None => {}
        }
        if let Some(function) = said.function_call {
            calls.push_function(function, answer, told)?;
        }
        let reason = choice.finish_reason.as_str();
        if !reason.is_empty() {
            told.finish(FinishReason::from_openai(reason));
        }
    }
    if let Some(tokens) = body.usage {
        told.events.push_back(Event::Usage(Usage {
            input_tokens: count(tokens.prompt_tokens),
            output_tokens: count(tokens.completion_tokens),
        }));
    }
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion from floating point saturates; nobody counts below 0"
)]
fn count(tokens: Option<f64>) -> u64 {
    tokens.unwrap_or_default() as u64
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn whole(json: &str) -> Result<Vec<Event>, DecodeError> {
        let mut told = Told::default();
        decode(json.as_bytes(), &mut told)?;
        Ok(told.events.into())
    }

    fn pieces(data: &[&str]) -> Result<Vec<Event>, DecodeError> {
        let mut told = Told::default();
        let mut pieces = OpenAiPieces::default();
        for data in data {
            let data = (*data).to_owned();
            pieces.read(&SseEvent { event: None, data }, &mut told)?;
        }
        Ok(told.events.into())
    }

    fn piece(json: &str) -> Result<Vec<Event>, DecodeError> {
        pieces(&[json])
    }

    fn text(text: &str) -> Event {
        Event::Text(text.to_owned())
    }

    #[test]
    fn whole_answers_and_pieces_are_read() {
        let usage = Event::Usage(Usage {
            input_tokens: 7,
            output_tokens: 5,
        });
        for (json, expected) in [
            (
                r#"{"choices":[{"message":{"role":"assistant","content":"h\u00e9"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}"#,
                vec![text("hé"), Event::Finish(FinishReason::Stop), usage.clone()],
            ),
            (
                r#"{"choices":[{"text":"a","finish_reason":null}]}"#,
                vec![text("a")],
            ),
            (
                r#"{"choices":[{"delta":{"content":"a"}}]}"#,
                vec![text("a")],
            ),
            (
                r#"{"choices":[{"delta":{"role":"assistant","content":null}}]}"#,
                vec![],
            ),
            (r#"{"choices":[{"delta":{}}],"usage":null}"#, vec![]),
            (
                r#"{"choices":[{"delta":{"reasoning_content":"hm","content":""}}]}"#,
                vec![Event::Reasoning("hm".to_owned())],
            ),
            (
                r#"{"choices":[{"delta":{"reasoning":"hm"}}]}"#,
                vec![Event::Reasoning("hm".to_owned())],
            ),
            (
                r#"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"text":"b"}]}}]}"#,
                vec![text("ab")],
            ),
            (
                r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5}}"#,
                vec![usage],
            ),
            (
                r#"{"choices":[{"delta":{},"finish_reason":"length"}],"extra":{"a":[1]}}"#,
                vec![Event::Finish(FinishReason::Length)],
            ),
            (
                r#"{"choices":[{"delta":{"reasoning":"hm","reasoning_content":"hm"}}]}"#,
                vec![Event::Reasoning("hm".to_owned())],
            ),
            (
                r#"{"choices":[{"delta":{"content":"a"},"finish_reason":""}],"error":null}"#,
                vec![text("a")],
            ),
            (
                r#"{"choices":[],"usage":{"prompt_tokens":7.0,"completion_tokens":null}}"#,
                vec![Event::Usage(Usage {
                    input_tokens: 7,
                    output_tokens: 0,
                })],
            ),
            (r#"{"type":"ping"}"#, vec![]),
        ] {
            assert_eq!(piece(json).unwrap(), expected, "{json}");
        }
    }

    #[test]
    fn the_models_name_and_its_end_are_told() {
        let mut told = Told::of("m".to_owned());
        let json =
            br#"{"model":"m-1","choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}"#;
        decode(json, &mut told).unwrap();
        assert_eq!((told.model.as_str(), told.is_finished), ("m-1", true));
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        let told = |json: &str| match piece(json) {
            Err(DecodeError::Told(refusal)) => (refusal.words, refusal.status),
            other => panic!("{json}: {other:?}"),
        };
        let status = |code| Some(StatusCode::from_u16(code).unwrap());
        let words = |words: &str| words.to_owned();
        assert_eq!(
            told(r#"{"error":{"message":"too long"}}"#),
            (words("too long"), None)
        );
        assert_eq!(told(r#"{"error":"bad"}"#), (words("bad"), None));
        assert_eq!(
            told(r#"{"error":{"message":"slow","code":"429"}}"#),
            (words("slow"), status(429))
        );
        assert_eq!(
            told(r#"{"object":"error","message":"no","code":400}"#),
            (words("no"), status(400))
        );
        for json in ["{}", "<html>", r#"{"choices":[{"me"#, r#"{"choices":[]}"#] {
            assert!(
                matches!(whole(json), Err(DecodeError::Malformed(_))),
                "{json}"
            );
        }
    }

    #[test]
    fn what_a_model_said_stands_in_no_refusal() {
        for json in [
            r#"{"choices":"secret words"}"#,
            r#"{"choices":[{"message":"secret words"}]}"#,
            r#"{"choices":[],"usage":"secret words"}"#,
            r#"{"choices":[{"message":{"content":"secret words"#,
        ] {
            let refused = format!("{:?}", whole(json).unwrap_err());
            assert!(!refused.contains("secret"), "{refused}");
        }
    }
}
