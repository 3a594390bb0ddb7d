//! A call as Anthropic's API takes it (models-and-prompts 1.7).

use std::borrow::Cow;

use serde::{Serialize, ser::Serializer};
use serde_json::{Map, Value, value::RawValue};

use super::{Message, ModelRequest, Target, Tool, claude::takes_sampling, provider::Refused};

/// Whose servers are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edition {
    /// Anthropic's, or whoever speaks like them.
    Own,
    /// Those of a cloud: the URL names the model, the body the version of the API.
    Cloud(&'static str),
}

/// The body of a call.
pub(super) fn body(
    target: &Target,
    request: &ModelRequest,
    refused: &Refused,
    edition: Edition,
) -> Vec<u8> {
    let model = target.identifier.model.as_str();
    let (system, turns) = conversation(&request.messages);
    let takes_sampling = takes_sampling(model) && !refused.has("temperature");
    let temperature = request.temperature.or(target.family.temperature);
    let temperature = temperature.filter(|_| takes_sampling);
    let stop = request.stop.iter().map(String::as_str);
    let body = Body {
        anthropic_version: match edition {
            Edition::Own => None,
            Edition::Cloud(version) => Some(version),
        },
        model: (edition == Edition::Own).then_some(model),
        max_tokens: request
            .max_tokens
            .or(target.family.max_tokens)
            .unwrap_or(MAX_TOKENS),
        // its scale ends at 1
        temperature: temperature.map(|temperature| temperature.min(1.0)),
        // newer models take one of the two
        top_p: request
            .top_p
            .filter(|_| takes_sampling && temperature.is_none()),
        top_k: request.top_k.filter(|_| takes_sampling),
        // white space alone is refused
        stop_sequences: stop
            .filter(|word| !word.trim().is_empty() && !refused.has("stop"))
            .collect(),
        stream: request.stream,
        system,
        tools: request.tools.iter().map(|tool| Offer::of(tool)).collect(),
        messages: turns,
    };
    serde_json::to_vec(&body).expect("strings, numbers and objects are written to memory")
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    anthropic_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Offer<'a>>,
    messages: Vec<Turn<'a>>,
}

#[derive(Serialize)]
struct Offer<'a> {
    name: &'a str,
    description: &'a str,
    input_schema: &'a RawValue,
}

impl<'a> Offer<'a> {
    fn of(tool: &'a Tool) -> Self {
        Self {
            name: &tool.name,
            description: &tool.description,
            input_schema: tool.schema(),
        }
    }
}

/// What one side says before the other does.
#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    ToolUse {
        id: &'a str,
        name: &'a str,
        #[serde(serialize_with = "as_object")]
        input: &'a str,
    },
    ToolResult {
        tool_use_id: &'a str,
        #[serde(skip_serializing_if = "str::is_empty")]
        content: &'a str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

#[derive(Serialize)]
struct CacheControl {
    r#type: &'static str,
}

/// What frames the conversation, and its turns: neighbours on one side are one, the user has the
/// first, and results stand before texts.
fn conversation(messages: &[Message]) -> (Vec<Block<'_>>, Vec<Turn<'_>>) {
    let mut system = Vec::new();
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for message in messages {
        match message {
            Message::System(text) => system.extend(block(text)),
            Message::User(text) => add(&mut turns, USER, block(text)),
            Message::Assistant { text, tool_calls } => {
                let calls = tool_calls.iter().map(|call| Block::ToolUse {
                    id: &call.id,
                    name: &call.name,
                    input: &call.arguments,
                });
                add(&mut turns, ASSISTANT, block(text).into_iter().chain(calls));
            }
            Message::Tool(result) => {
                let result = Block::ToolResult {
                    tool_use_id: &result.id,
                    content: &result.text,
                    is_error: result.is_error,
                };
                add_result(&mut turns, result);
            }
        }
    }
    if turns.is_empty() {
        // a frame without a conversation is what the user says
        add(&mut turns, USER, std::mem::take(&mut system));
    }
    if turns.first().is_none_or(|turn| turn.role != USER) {
        let content = vec![Block::text(BEGIN)];
        turns.insert(
            0,
            Turn {
                role: USER,
                content,
            },
        );
    }
    trim_last(&mut turns);
    if let Some(Block::Text { cache_control, .. }) = system.last_mut() {
        *cache_control = Some(CacheControl {
            r#type: "ephemeral",
        });
    }
    (system, turns)
}

impl<'a> Block<'a> {
    fn text(text: &'a str) -> Self {
        Self::Text {
            text: Cow::Borrowed(text),
            cache_control: None,
        }
    }
}

/// A text, unless it is nothing but white space, which is refused.
fn block(text: &str) -> Option<Block<'_>> {
    (!text.trim().is_empty()).then(|| Block::text(text))
}

fn add<'a>(
    turns: &mut Vec<Turn<'a>>,
    role: &'static str,
    blocks: impl IntoIterator<Item = Block<'a>>,
) {
    let mut blocks = blocks.into_iter().peekable();
    if blocks.peek().is_none() {
        return;
    }
    match turns.last_mut().filter(|turn| turn.role == role) {
        Some(turn) => turn.content.extend(blocks),
        None => turns.push(Turn {
            role,
            content: blocks.collect(),
        }),
    }
}

/// Results come first in a turn.
fn add_result<'a>(turns: &mut Vec<Turn<'a>>, result: Block<'a>) {
    match turns.last_mut().filter(|turn| turn.role == USER) {
        Some(turn) => {
            let is_result = |block: &Block<'_>| matches!(block, Block::ToolResult { .. });
            let at = turn
                .content
                .iter()
                .take_while(|block| is_result(block))
                .count();
            turn.content.insert(at, result);
        }
        None => add(turns, USER, [result]),
    }
}

/// The beginning of an answer must not end in white space.
fn trim_last(turns: &mut [Turn<'_>]) {
    let last = turns.last_mut().filter(|turn| turn.role == ASSISTANT);
    if let Some(Block::Text { text, .. }) = last.and_then(|turn| turn.content.last_mut()) {
        let length = text.trim_end().len();
        match text {
            Cow::Borrowed(text) => *text = text.get(..length).unwrap_or(text),
            Cow::Owned(text) => text.truncate(length),
        }
    }
}

/// Arguments as the object that they are to be, whatever a model made of them.
fn as_object<S: Serializer>(arguments: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let object = serde_json::from_str::<Map<String, Value>>(arguments);
    object
        .unwrap_or_else(|_| Map::from_iter([("arguments".to_owned(), arguments.into())]))
        .serialize(serializer)
}

const USER: &str = "user";
const ASSISTANT: &str = "assistant";

/// What the user says where a conversation begins with the model.
const BEGIN: &str = "Begin.";

/// Mandatory there; what the reference falls back to for models that it does not know.
const MAX_TOKENS: u32 = 4096;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::model::{ToolCall, ToolResult, family::Catalogue, identifier::Identifier};

    fn encoded(family: &str, model: &str, request: &ModelRequest) -> String {
        let target = Target {
            identifier: Identifier::read(&format!("anthropic/{model}"), family).unwrap(),
            ..Target::echo(&Catalogue::builtin(), family)
        };
        let body = body(&target, request, &Refused::default(), Edition::Own);
        String::from_utf8(body).unwrap()
    }

    fn asked(messages: Vec<Message>) -> ModelRequest {
        ModelRequest {
            messages,
            ..ModelRequest::default()
        }
    }

    fn system(text: &str) -> Message {
        Message::System(text.to_owned())
    }

    fn user(text: &str) -> Message {
        Message::User(text.to_owned())
    }

    fn result(id: &str, text: &str, is_error: bool) -> Message {
        let (id, text) = (id.to_owned(), text.to_owned());
        Message::Tool(ToolResult { id, text, is_error })
    }

    /// The members `system` and `messages`.
    fn said(messages: Vec<Message>) -> (Value, Value) {
        let text = encoded("claude_3", "claude-sonnet-4-5", &asked(messages));
        let mut body: Value = serde_json::from_str(&text).unwrap();
        (body["system"].take(), body["messages"].take())
    }

    #[test]
    fn a_body_is_that_of_the_specification() {
        let request = ModelRequest {
            temperature: Some(1.5),
            top_p: Some(0.5),
            top_k: Some(7),
            stop: ["\n\n", "END", " "].map(ToOwned::to_owned).to_vec(),
            stream: true,
            ..asked(vec![system("be brief"), user("\"hi\"")])
        };
        assert_eq!(
            encoded("claude_3", "claude-sonnet-4-5", &request),
            concat!(
                r#"{"model":"claude-sonnet-4-5","max_tokens":4096,"temperature":1.0,"top_k":7,"#,
                r#""stop_sequences":["END"],"stream":true,"#,
                r#""system":[{"type":"text","text":"be brief","cache_control":{"type":"ephemeral"}}],"#,
                r#""messages":[{"role":"user","content":[{"type":"text","text":"\"hi\""}]}]}"#,
            )
        );
        // a family without defaults, and a model that takes no sampling
        let plain = encoded("gpt", "claude-opus-4-8", &request);
        assert!(plain.contains(r#""max_tokens":4096,"stop"#), "{plain}");
    }

    #[test]
    fn clouds_name_the_model_elsewhere() {
        let target = Target::echo(&Catalogue::builtin(), "gpt");
        let edition = Edition::Cloud("cloud-2023");
        let text = body(
            &target,
            &asked(vec![user("a")]),
            &Refused::default(),
            edition,
        );
        let text = String::from_utf8(text).unwrap();
        assert!(
            text.starts_with(r#"{"anthropic_version":"cloud-2023","max_tokens":4096,"messages""#)
        );
    }

    #[test]
    fn what_was_refused_is_left_out() {
        let mut refused = Refused::default();
        refused.note("temperature");
        refused.note("stop");
        let request = ModelRequest {
            top_p: Some(0.5),
            stop: vec!["x".to_owned()],
            ..asked(vec![user("a")])
        };
        let target = Target::echo(&Catalogue::builtin(), "claude_3");
        let text = body(&target, &request, &refused, Edition::Own);
        let text = String::from_utf8(text).unwrap();
        assert!(
            text.starts_with(r#"{"model":"echo","max_tokens":4096,"messages""#),
            "{text}"
        );
    }

    #[test]
    fn neighbours_are_one_turn_and_the_user_begins() {
        let text = |text: &str| json!({"type": "text", "text": text});
        let (system_, messages) = said(vec![
            system("a"),
            Message::assistant("hello"),
            user("b"),
            user("  "),
            system("c"),
            user("d"),
            Message::assistant("{ \n"),
        ]);
        let cached = json!({"type": "text", "text": "c", "cache_control": {"type": "ephemeral"}});
        assert_eq!(system_, json!([text("a"), cached]));
        assert_eq!(
            messages,
            json!([
                {"role": "user", "content": [text(BEGIN)]},
                {"role": "assistant", "content": [text("hello")]},
                {"role": "user", "content": [text("b"), text("d")]},
                {"role": "assistant", "content": [text("{")]},
            ])
        );
        // a frame alone is a question; nothing at all is still a conversation
        let alone = json!([{"role": "user", "content": [text("a")]}]);
        assert_eq!(
            said(vec![system("a"), Message::assistant(" ")]),
            (Value::Null, alone)
        );
        let nothing = json!([{"role": "user", "content": [text(BEGIN)]}]);
        assert_eq!(said(Vec::new()), (Value::Null, nothing));
    }

    #[test]
    fn tools_their_calls_and_what_came_of_them_are_sent() {
        let call = |id: &str, arguments: &str| ToolCall {
            id: id.to_owned(),
            name: "read".to_owned(),
            arguments: arguments.to_owned(),
        };
        let mut request = asked(vec![
            user("read"),
            Message::Assistant {
                text: "Yes. ".to_owned(),
                tool_calls: vec![call("a", r#"{"b":1,"a":[2.50]}"#), call("b", "{\"cut")],
            },
            user("hurry"),
            result("a", "text", false),
            result("b", "", true),
        ]);
        request.tools = vec![Arc::new(Tool::new(
            "read".to_owned(),
            "Reads.".to_owned(),
            json!({"type": "object"}),
        ))];
        let text = encoded("claude_3", "claude-sonnet-4-5", &request);
        let messages = concat!(
            r#""tools":[{"name":"read","description":"Reads.","input_schema":{"type":"object"}}],"#,
            r#""messages":[{"role":"user","content":[{"type":"text","text":"read"}]},"#,
            r#"{"role":"assistant","content":[{"type":"text","text":"Yes. "},"#,
            r#"{"type":"tool_use","id":"a","name":"read","input":{"b":1,"a":[2.5]}},"#,
            r#"{"type":"tool_use","id":"b","name":"read","input":{"arguments":"{\"cut"}}]},"#,
            r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"text"},"#,
            r#"{"type":"tool_result","tool_use_id":"b","is_error":true},"#,
            r#"{"type":"text","text":"hurry"}]}]}"#,
        );
        assert!(text.ends_with(messages), "{text}");
    }
}
