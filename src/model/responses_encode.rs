//! A call as OpenAI's newer API takes it, which coding models on Azure alone know
//! (models-and-prompts 1.9).

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Message, ModelRequest, Target, Tool};

/// The body of a call. These models take no temperature and no stop words; nothing is to be kept at
/// the server.
pub(super) fn body(target: &Target, request: &ModelRequest) -> Vec<u8> {
    let systems = request.messages.iter();
    let systems = systems.filter(|message| matches!(message, Message::System(_)));
    let systems: Vec<&str> = systems.map(Message::text).collect();
    let body = Body {
        model: &target.identifier.model,
        instructions: systems.join("\n\n"),
        input: request.messages.iter().flat_map(items).collect(),
        tools: request.tools.iter().map(|tool| Offer::of(tool)).collect(),
        max_output_tokens: request.max_tokens.or(target.family.max_tokens),
        store: false,
        stream: request.stream,
    };
    serde_json::to_vec(&body).expect("strings and numbers are written to memory")
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    instructions: String,
    input: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Offer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    store: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Item<'a> {
    Message {
        role: &'static str,
        content: [Part<'a>; 1],
    },
    FunctionCall {
        call_id: &'a str,
        name: &'a str,
        arguments: &'a str,
    },
    FunctionCallOutput {
        call_id: &'a str,
        output: &'a str,
    },
}

#[derive(Serialize)]
struct Part<'a> {
    r#type: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct Offer<'a> {
    r#type: &'static str,
    name: &'a str,
    description: &'a str,
    parameters: &'a RawValue,
}

impl<'a> Offer<'a> {
    fn of(tool: &'a Tool) -> Self {
        Self {
            r#type: "function",
            name: &tool.name,
            description: &tool.description,
            parameters: tool.schema(),
        }
    }
}

/// What a message is in a list of what happened.
fn items(message: &Message) -> Vec<Item<'_>> {
    match message {
        Message::System(_) => Vec::new(),
        Message::User(text) => vec![said("user", "input_text", text)],
        Message::Assistant { text, tool_calls } => {
            let text = (!text.is_empty()).then(|| said("assistant", "output_text", text));
            let calls = tool_calls.iter().map(|call| Item::FunctionCall {
                call_id: &call.id,
                name: &call.name,
                arguments: &call.arguments,
            });
            text.into_iter().chain(calls).collect()
        }
        Message::Tool(result) => vec![Item::FunctionCallOutput {
            call_id: &result.id,
            output: &result.text,
        }],
    }
}

fn said<'a>(role: &'static str, r#type: &'static str, text: &'a str) -> Item<'a> {
    let content = [Part { r#type, text }];
    Item::Message { role, content }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::model::{ToolCall, ToolResult, family::Catalogue};

    #[test]
    fn a_body_is_that_of_the_specification() {
        let request = ModelRequest {
            messages: vec![
                Message::System("be brief".to_owned()),
                Message::User("read".to_owned()),
                Message::Assistant {
                    text: "Yes.".to_owned(),
                    tool_calls: vec![ToolCall {
                        id: "a".to_owned(),
                        name: "read".to_owned(),
                        arguments: "{}".to_owned(),
                    }],
                },
                Message::Tool(ToolResult {
                    id: "a".to_owned(),
                    text: "text".to_owned(),
                    is_error: false,
                }),
            ],
            tools: vec![Arc::new(Tool::new(
                "read".to_owned(),
                "Reads.".to_owned(),
                json!({"type": "object"}),
            ))],
            temperature: Some(0.5),
            max_tokens: Some(9),
            stop: vec!["x".to_owned()],
            stream: true,
            ..ModelRequest::default()
        };
        let target = Target::echo(&Catalogue::builtin(), "gpt");
        let text = String::from_utf8(body(&target, &request)).unwrap();
        let expected = concat!(
            r#"{"model":"echo","instructions":"be brief","input":["#,
            r#"{"type":"message","role":"user","content":[{"type":"input_text","text":"read"}]},"#,
            r#"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Yes."}]},"#,
            r#"{"type":"function_call","call_id":"a","name":"read","arguments":"{}"},"#,
            r#"{"type":"function_call_output","call_id":"a","output":"text"}],"#,
            r#""tools":[{"type":"function","name":"read","description":"Reads.","parameters":{"type":"object"}}],"#,
            r#""max_output_tokens":9,"store":false,"stream":true}"#,
        );
        assert_eq!(text, expected);
    }
}
