//! Calls of tools as servers of OpenAI's kind write them, whole or in pieces, read leniently: the
//! index, the identifier or both may be missing, arguments come in many pieces, in one, or as an
//! object in the place of its text.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

use super::{Event, openai_text::Text, refusal::DecodeError, told::Told};

/// A call, or a piece of one.
#[derive(Deserialize)]
pub(super) struct CallPiece<'a> {
    #[serde(default)]
    index: Option<Value>,
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    function: Option<FunctionPiece<'a>>,
}

/// What is called, and with what. Alone it is the older form of a call, of which an answer had one.
#[derive(Default, Deserialize)]
pub(super) struct FunctionPiece<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    arguments: Arguments<'a>,
}

/// The calls of one answer as far as they have come.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Debug)]
struct Call {
    /// The server's.
    index: Option<u64>,
    /// The server's; empty where it gives none.
    id: String,
    /// Its name is known and was told.
    is_begun: bool,
    /// Arguments that came before the name.
    held: String,
}

impl Calls {
    /// Takes pieces of a stream. `answer` is what the server calls its answer.
    pub(super) fn push(
        &mut self,
        pieces: Vec<CallPiece<'_>>,
        answer: &str,
        told: &mut Told,
    ) -> Result<(), DecodeError> {
        for piece in pieces {
            let index = piece.index.as_ref().and_then(number);
            let function = piece.function.unwrap_or_default();
            let at = self.find(index, piece.id.as_str(), function.name.as_str());
            self.take(at, (index, piece.id.as_str()), function, answer, told)?;
        }
        Ok(())
    }

    /// Takes the calls of a whole answer, each of which is one.
    pub(super) fn push_whole(
        &mut self,
        calls: Vec<CallPiece<'_>>,
        answer: &str,
        told: &mut Told,
    ) -> Result<(), DecodeError> {
        for call in calls {
            let function = call.function.unwrap_or_default();
            self.take(None, (None, call.id.as_str()), function, answer, told)?;
        }
        Ok(())
    }

    /// Takes a piece of the older form.
    pub(super) fn push_function(
        &mut self,
        function: FunctionPiece<'_>,
        answer: &str,
        told: &mut Told,
    ) -> Result<(), DecodeError> {
        let at = self.0.len().checked_sub(1);
        self.take(at, (None, ""), function, answer, told)
    }

    /// Which call a piece belongs to; none where it begins one.
    fn find(&self, index: Option<u64>, id: &str, name: &str) -> Option<usize> {
        let last = |is: &dyn Fn(&Call) -> bool| self.0.iter().rposition(is);
        let Some(index) = index else {
            return match (id, name) {
                ("", "") => self.0.len().checked_sub(1),
                ("", _) => None,
                (id, _) => last(&|call| call.id == id),
            };
        };
        let at = last(&|call| call.index == Some(index))?;
        // some servers give all calls the same index, others a new identifier to each piece
        let is_other = self.0.get(at).is_some_and(|call| {
            !name.is_empty() && call.is_begun && !id.is_empty() && call.id != id
        });
        (!is_other).then_some(at)
    }

    fn take(
        &mut self,
        at: Option<usize>,
        (index, id): (Option<u64>, &str),
        function: FunctionPiece<'_>,
        answer: &str,
        told: &mut Told,
    ) -> Result<(), DecodeError> {
        let at = if let Some(at) = at {
            at
        } else {
            Told::bound_calls(self.0.len())?;
            self.0.push(Call {
                index,
                id: id.to_owned(),
                is_begun: false,
                held: String::new(),
            });
            self.0.len() - 1
        };
        let Some(call) = self.0.get_mut(at) else {
            return Ok(());
        };
        let arguments = function.arguments.0.into_owned();
        if call.is_begun {
            told.add_arguments(at, arguments);
            return Ok(());
        }
        call.held.push_str(&arguments);
        if call.id.is_empty() {
            id.clone_into(&mut call.id);
        }
        if !function.name.as_str().is_empty() {
            call.is_begun = true;
            let id = if call.id.is_empty() {
                invented(answer, at)
            } else {
                call.id.clone()
            };
            let name = function.name.as_str().to_owned();
            let index = at;
            told.events.push_back(Event::ToolCall { index, id, name });
            told.add_arguments(at, std::mem::take(&mut call.held));
        }
        Ok(())
    }
}

/// An identifier where the server gives none: the same however the answer is cut, and another for
/// the next answer, if the server tells its answers apart.
fn invented(answer: &str, at: usize) -> String {
    let is_plain = |character: &char| character.is_ascii_alphanumeric() || *character == '-';
    let answer: String = answer.chars().filter(is_plain).take(LONGEST_ID).collect();
    if answer.is_empty() {
        format!("call_{at}")
    } else {
        format!("call_{answer}_{at}")
    }
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

/// JSON text; borrowed where it holds no escapes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Arguments<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ArgumentsVisitor).map(Self)
    }
}

struct ArgumentsVisitor;

impl<'de> Visitor<'de> for ArgumentsVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("arguments")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Cow::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let object = Value::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Cow::Owned(object.to_string()))
    }
}

/// Of what the server calls its answer; servers take identifiers of calls up to 64 bytes.
const LONGEST_ID: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::told::MOST_CALLS;
    use crate::model::{cutting::events, openai::OpenAi, provider::Provider};

    fn call(index: usize, id: &str, name: &str) -> Event {
        Event::ToolCall {
            index,
            id: id.to_owned(),
            name: name.to_owned(),
        }
    }

    fn arguments(index: usize, text: &str) -> Event {
        Event::Arguments {
            index,
            text: text.to_owned(),
        }
    }

    /// The calls of a stream whose pieces have these deltas.
    fn stream(deltas: &[&str]) -> Vec<Event> {
        let pieces = deltas.iter().map(|delta| {
            format!("data: {{\"id\":\"chat.7\",\"choices\":[{{\"delta\":{delta}}}]}}\n\n")
        });
        events(&OpenAi, &pieces.collect::<String>())
    }

    fn whole(message: &str) -> Vec<Event> {
        let mut told = Told::default();
        let answer = format!("{{\"choices\":[{{\"message\":{message}}}]}}");
        OpenAi.whole(answer.as_bytes(), &mut told).unwrap();
        told.events.into()
    }

    #[test]
    fn calls_come_piece_by_piece_as_openai_writes_them() {
        let found = stream(&[
            r#"{"role":"assistant","content":"Let me see. "}"#,
            r#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"read","arguments":""}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"pa"}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"arguments":"th\":\"é\"}"}}]}"#,
            r#"{"tool_calls":[{"index":1,"id":"b","function":{"name":"list","arguments":"{}"}}]}"#,
        ]);
        let expected = [
            Event::Text("Let me see. ".to_owned()),
            call(0, "a", "read"),
            arguments(0, "{\"pa"),
            arguments(0, "th\":\"é\"}"),
            call(1, "b", "list"),
            arguments(1, "{}"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_servers_leave_out_is_made_up_for() {
        for (deltas, expected) in [
            // no identifiers
            (
                vec![
                    r#"{"tool_calls":[{"index":0,"function":{"name":"a","arguments":"{"}}]}"#,
                    r#"{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}"#,
                ],
                vec![
                    call(0, "call_chat7_0", "a"),
                    arguments(0, "{"),
                    arguments(0, "}"),
                ],
            ),
            // no index: an identifier or a name begins a call, all else goes on with the last
            (
                vec![
                    r#"{"tool_calls":[{"id":"x","function":{"name":"a","arguments":{"b":1,"a":[2]}}}]}"#,
                    r#"{"tool_calls":[{"id":"y","function":{"name":"b"}},{"function":{"arguments":"{}"}}]}"#,
                    r#"{"tool_calls":[{"function":{"name":"c","arguments":null}}]}"#,
                ],
                vec![
                    call(0, "x", "a"),
                    arguments(0, r#"{"b":1,"a":[2]}"#),
                    call(1, "y", "b"),
                    arguments(1, "{}"),
                    call(2, "call_chat7_2", "c"),
                ],
            ),
            // one index for all of them, and a new identifier for each piece of one
            (
                vec![
                    r#"{"tool_calls":[{"index":0,"id":"x","function":{"name":"a","arguments":"{}"}}]}"#,
                    r#"{"tool_calls":[{"index":0,"id":"y","function":{"name":"b","arguments":"{"}}]}"#,
                    r#"{"tool_calls":[{"index":0,"id":"z","function":{"arguments":"}"}}]}"#,
                ],
                vec![
                    call(0, "x", "a"),
                    arguments(0, "{}"),
                    call(1, "y", "b"),
                    arguments(1, "{"),
                    arguments(1, "}"),
                ],
            ),
            // the name after arguments, told again with each piece
            (
                vec![
                    r#"{"tool_calls":[{"index":"3","id":"x","function":{"arguments":"{"}}]}"#,
                    r#"{"tool_calls":[{"index":3,"function":{"name":"a","arguments":"}"}}]}"#,
                    r#"{"tool_calls":[{"index":3,"function":{"name":"a","arguments":" "}}]}"#,
                ],
                vec![call(0, "x", "a"), arguments(0, "{}"), arguments(0, " ")],
            ),
            // the older form
            (
                vec![
                    r#"{"function_call":{"name":"a","arguments":""}}"#,
                    r#"{"function_call":{"arguments":"{}"}}"#,
                ],
                vec![call(0, "call_chat7_0", "a"), arguments(0, "{}")],
            ),
            // nothing that could be called
            (
                vec![r#"{"tool_calls":[{"index":0,"id":"x"}],"function_call":null}"#],
                vec![],
            ),
            (
                vec![r#"{"tool_calls":null}"#, r#"{"tool_calls":[]}"#],
                vec![],
            ),
        ] {
            assert_eq!(stream(&deltas), expected, "{deltas:?}");
        }
    }

    #[test]
    fn calls_of_whole_answers_are_each_one() {
        assert_eq!(
            whole(
                r#"{"content":null,"tool_calls":[
                    {"id":"x","function":{"name":"a","arguments":"{\"n\":1}"}},
                    {"id":"x","function":{"name":"a","arguments":{"n":2}}},
                    {"function":{"name":"b"}}]}"#
            ),
            [
                call(0, "x", "a"),
                arguments(0, "{\"n\":1}"),
                call(1, "x", "a"),
                arguments(1, "{\"n\":2}"),
                call(2, "call_2", "b"),
            ]
        );
        assert_eq!(
            whole(r#"{"content":"","function_call":{"name":"a","arguments":"{}"}}"#),
            [call(0, "call_0", "a"), arguments(0, "{}")]
        );
    }

    #[test]
    fn there_is_a_bound_of_calls() {
        let one = r#"{"function":{"name":"a"}}"#;
        let many = vec![one; MOST_CALLS + 1].join(",");
        let answer = format!("{{\"choices\":[{{\"message\":{{\"tool_calls\":[{many}]}}}}]}}");
        let read = OpenAi.whole(answer.as_bytes(), &mut Told::default());
        assert!(matches!(read, Err(DecodeError::TooLarge(_))), "{read:?}");
    }
}
