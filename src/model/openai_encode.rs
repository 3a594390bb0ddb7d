//! A call as OpenAI's API takes it (models-and-prompts 1.5).

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    Family, Message, ModelRequest, Target, Tool, ToolCall, claude::takes_sampling,
    identifier::Identifier, json_string::write_json_string, provider::Refused,
};

/// The body of a call, for the wire of its target.
pub(super) fn body(target: &Target, request: &ModelRequest, refused: &Refused) -> Vec<u8> {
    let parameters = Parameters::of(target, request, refused);
    let text = request.messages.iter().map(Message::size).sum::<usize>();
    let mut body = Vec::with_capacity(text + text / 8 + SMALL);
    if target.is_text_completion() {
        body.extend_from_slice(b"{\"prompt\":");
        write_json_string(&mut body, &prompt(&request.messages));
    } else {
        write_messages(&mut body, &request.messages, &target.family);
    }
    let begun = body.len();
    let rest = Rest {
        model: target.identifier.model.as_str(),
        tools: request
            .tools
            .iter()
            .map(|tool| Function::of(tool))
            .collect(),
        parameters,
    };
    serde_json::to_writer(&mut body, &rest).expect("strings and numbers are written to memory");
    // its opening brace: the object has begun already
    if let Some(brace) = body.get_mut(begun) {
        *brace = b',';
    }
    body
}

/// Several system messages become one where the model's template takes only one.
fn write_messages(body: &mut Vec<u8>, messages: &[Message], family: &Family) {
    let is_system = |message: &&Message| matches!(message, Message::System(_));
    let systems = messages.iter().filter(is_system);
    let joins = family.single_system_message && systems.clone().count() > 1;
    body.extend_from_slice(b"{\"messages\":[");
    let begun = body.len();
    if joins {
        let systems: Vec<&str> = systems.map(Message::text).collect();
        write_message(body, &Message::System(systems.join("\n\n")));
    }
    for message in messages {
        if joins && is_system(&message) {
            continue;
        }
        if body.len() > begun {
            body.push(b',');
        }
        write_message(body, message);
    }
    body.push(b']');
}

fn write_message(body: &mut Vec<u8>, message: &Message) {
    let role = match message {
        Message::System(_) => "system",
        Message::User(_) => "user",
        Message::Assistant { .. } => "assistant",
        Message::Tool(_) => "tool",
    };
    write_member(body, b"{\"role\":", role);
    match message {
        Message::Tool(result) => write_member(body, b",\"tool_call_id\":", &result.id),
        Message::Assistant { tool_calls, .. } => write_calls(body, tool_calls),
        Message::System(_) | Message::User(_) => {}
    }
    match message {
        Message::Assistant { text, tool_calls } if text.is_empty() && !tool_calls.is_empty() => {
            body.extend_from_slice(b",\"content\":null");
        }
        _ => write_member(body, b",\"content\":", message.text()),
    }
    body.push(b'}');
}

fn write_calls(body: &mut Vec<u8>, calls: &[ToolCall]) {
    let mut before: &[u8] = b",\"tool_calls\":[";
    for call in calls {
        body.extend_from_slice(before);
        write_member(body, b"{\"id\":", &call.id);
        write_member(
            body,
            b",\"type\":\"function\",\"function\":{\"name\":",
            &call.name,
        );
        write_member(body, b",\"arguments\":", &call.arguments);
        body.extend_from_slice(b"}}");
        before = b",";
    }
    if !calls.is_empty() {
        body.push(b']');
    }
}

fn write_member(body: &mut Vec<u8>, name: &[u8], text: &str) {
    body.extend_from_slice(name);
    write_json_string(body, text);
}

/// What follows the messages or the prompt.
#[derive(Serialize)]
struct Rest<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Function<'a>>,
    #[serde(flatten)]
    parameters: Parameters<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    r#type: &'static str,
    function: Described<'a>,
}

#[derive(Serialize)]
struct Described<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a RawValue,
}

impl<'a> Function<'a> {
    fn of(tool: &'a Tool) -> Self {
        Self {
            r#type: "function",
            function: Described {
                name: &tool.name,
                description: &tool.description,
                parameters: tool.schema(),
            },
        }
    }
}

#[derive(Serialize)]
struct Parameters<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> Parameters<'a> {
    /// What the request says, else the family, in the names that the model takes.
    fn of(target: &Target, request: &'a ModelRequest, refused: &Refused) -> Self {
        let family = &target.family;
        let rules = Rules::of(&target.identifier);
        let max_tokens = request.max_tokens.or(family.max_tokens);
        let is_renamed = rules.renames_bound || refused.has("max_tokens");
        let is_free = !rules.is_strict;
        let takes_sampling = is_free && takes_sampling(&target.identifier.model);
        let stop = request.stop.get(..STOP_WORDS.min(request.stop.len()));
        Self {
            max_tokens: max_tokens.filter(|_| !is_renamed),
            max_completion_tokens: max_tokens.filter(|_| is_renamed),
            temperature: request
                .temperature
                .or(family.temperature)
                .filter(|_| takes_sampling && !refused.has("temperature")),
            top_p: request.top_p.filter(|_| takes_sampling),
            // OpenAI itself has no such parameter
            top_k: request.top_k.filter(|_| !target.identifier.is_openai),
            stop: stop
                .filter(|_| is_free && !refused.has("stop"))
                .unwrap_or_default(),
            stream: request.stream,
            stream_options: (request.stream && !refused.has("stream_options")).then_some(
                StreamOptions {
                    include_usage: true,
                },
            ),
        }
    }
}

/// OpenAI's own rules for its newest models, by their names (models-and-prompts 1.9).
struct Rules {
    /// The bound of tokens has another name.
    renames_bound: bool,
    /// No temperature but their own, and no stop words.
    is_strict: bool,
}

impl Rules {
    fn of(identifier: &Identifier) -> Self {
        let model = identifier.model.as_str();
        let last = model.rsplit('/').next().unwrap_or(model);
        let is_gpt_5 = model.contains("gpt-5") && !last.starts_with("gpt-5-chat");
        let thinks = ["o1", "o3", "o4"].iter().any(|prefix| {
            let rest = last.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
        });
        let is_strict = identifier.is_openai && (is_gpt_5 || thinks);
        Self {
            // whatever server a gpt-5 is called on, this is its name for the bound
            renames_bound: is_strict || is_gpt_5,
            is_strict,
        }
    }
}

/// A layout for filling in the middle is one message; others are joined, since a list of prompts
/// would ask for several answers (models-and-prompts 1.6).
fn prompt(messages: &[Message]) -> Cow<'_, str> {
    match messages {
        [one] => Cow::Borrowed(one.text()),
        several => {
            let texts: Vec<&str> = several.iter().map(Message::text).collect();
            Cow::Owned(texts.join("\n\n"))
        }
    }
}

/// OpenAI's bound; servers refuse more.
const STOP_WORDS: usize = 4;

/// Room for everything but the texts.
const SMALL: usize = 512;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::model::{ToolResult, family::Catalogue};

    fn target(family: &str, identifier: &str) -> Target {
        let catalogue = Catalogue::builtin();
        Target {
            identifier: Identifier::read(identifier, family).unwrap(),
            ..Target::echo(&catalogue, family)
        }
    }

    fn system(text: &str) -> Message {
        Message::System(text.to_owned())
    }

    fn user(text: &str) -> Message {
        Message::User(text.to_owned())
    }

    fn encoded(target: &Target, request: &ModelRequest) -> String {
        String::from_utf8(body(target, request, &Refused::default())).unwrap()
    }

    fn request() -> ModelRequest {
        ModelRequest {
            messages: vec![system("be brief"), user("\"hi\"\n")],
            ..ModelRequest::default()
        }
    }

    #[test]
    fn bodies_are_those_of_the_specification() {
        let mistral = target("mistral", "custom_openai/m");
        assert_eq!(
            encoded(&mistral, &request()),
            r#"{"messages":[{"role":"system","content":"be brief"},{"role":"user","content":"\"hi\"\n"}],"model":"m","max_tokens":4096,"temperature":0.0}"#
        );
        let full = ModelRequest {
            temperature: Some(0.32),
            max_tokens: Some(64),
            stop: ["a", "b", "c", "d", "e"].map(ToOwned::to_owned).to_vec(),
            stream: true,
            ..request()
        };
        assert_eq!(
            encoded(&mistral, &full),
            r#"{"messages":[{"role":"system","content":"be brief"},{"role":"user","content":"\"hi\"\n"}],"model":"m","max_tokens":64,"temperature":0.32,"stop":["a","b","c","d"],"stream":true,"stream_options":{"include_usage":true}}"#
        );
        let gpt = encoded(&target("gpt", "m"), &request());
        assert!(
            !gpt.contains("temperature") && !gpt.contains("max_tokens"),
            "{gpt}"
        );
    }

    #[test]
    fn openais_own_rules_hold_for_its_newest_models_alone() {
        let wanted = ModelRequest {
            max_tokens: Some(9),
            stop: vec!["x".to_owned()],
            ..request()
        };
        for (identifier, is_renamed, is_strict) in [
            ("openai/gpt-5-mini", true, true),
            ("openai/o3", true, true),
            ("openai/o4-mini", true, true),
            ("openai/gpt-5-chat-latest", false, false),
            ("openai/gpt-4o", false, false),
            ("openai/o30", false, false),
            ("custom_openai/gpt-5", true, false),
            ("litellm_proxy/azure/gpt-5", true, false),
            ("custom_openai/o3-mini", false, false),
        ] {
            let text = encoded(&target("general", identifier), &wanted);
            assert_eq!(
                text.contains("\"max_completion_tokens\":9"),
                is_renamed,
                "{text}"
            );
            assert_eq!(text.contains("\"max_tokens\":9"), !is_renamed, "{text}");
            assert_eq!(text.contains("temperature"), !is_strict, "{text}");
            assert_eq!(text.contains("stop"), !is_strict, "{text}");
        }
    }

    #[test]
    fn what_was_refused_is_left_out_or_named_otherwise() {
        let wanted = ModelRequest {
            max_tokens: Some(9),
            stop: vec!["x".to_owned()],
            stream: true,
            ..request()
        };
        let mut refused = Refused::default();
        for parameter in ["max_tokens", "temperature", "stop", "stream_options"] {
            assert!(refused.note(parameter));
            assert!(!refused.note(parameter));
        }
        let body = body(&target("general", "my-deployment"), &wanted, &refused);
        let text = String::from_utf8(body).unwrap();
        assert!(
            text.ends_with(r#""model":"my-deployment","max_completion_tokens":9,"stream":true}"#),
            "{text}"
        );
    }

    #[test]
    fn text_completions_have_one_prompt_and_qwen_one_system_message() {
        let one = ModelRequest {
            messages: vec![user("<PRE> a")],
            ..ModelRequest::default()
        };
        let text = encoded(&target("codellama", "text-completion-openai/m"), &one);
        assert!(
            text.starts_with(r#"{"prompt":"<PRE> a","model":"m""#),
            "{text}"
        );
        let text = encoded(&target("codellama", "text-completion-openai/m"), &request());
        assert!(
            text.starts_with(r#"{"prompt":"be brief\n\n\"hi\"\n","#),
            "{text}"
        );
        let several = ModelRequest {
            messages: vec![system("a"), system("b"), user("c")],
            ..ModelRequest::default()
        };
        let text = encoded(&target("qwen", "m"), &several);
        assert!(
            text.contains(r#"[{"role":"system","content":"a\n\nb"},{"role":"user""#),
            "{text}"
        );
    }

    #[test]
    fn tools_their_calls_and_what_came_of_them_are_sent() {
        let call = |id: &str, name: &str, arguments: &str| ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        };
        let result = |id: &str, text: &str, is_error| {
            let (id, text) = (id.to_owned(), text.to_owned());
            Message::Tool(ToolResult { id, text, is_error })
        };
        let wanted = ModelRequest {
            messages: vec![
                user("what is in it?"),
                Message::Assistant {
                    text: String::new(),
                    tool_calls: vec![call("a", "read", "{\"path\":1}"), call("b", "list", "{}")],
                },
                result("a", "\"text\"", false),
                result("b", "no such folder", true),
                Message::Assistant {
                    text: "Again.".to_owned(),
                    tool_calls: vec![call("c", "list", "{}")],
                },
                result("c", "", false),
            ],
            tools: vec![Arc::new(Tool::new(
                "list".to_owned(),
                "Lists.".to_owned(),
                json!({"type": "object", "properties": {}}),
            ))],
            ..ModelRequest::default()
        };
        assert_eq!(
            encoded(&target("gpt", "m"), &wanted),
            concat!(
                r#"{"messages":[{"role":"user","content":"what is in it?"},"#,
                r#"{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"read","arguments":"{\"path\":1}"}},{"id":"b","type":"function","function":{"name":"list","arguments":"{}"}}],"content":null},"#,
                r#"{"role":"tool","tool_call_id":"a","content":"\"text\""},"#,
                r#"{"role":"tool","tool_call_id":"b","content":"no such folder"},"#,
                r#"{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"list","arguments":"{}"}}],"content":"Again."},"#,
                r#"{"role":"tool","tool_call_id":"c","content":""}],"#,
                r#""model":"m","tools":[{"type":"function","function":{"name":"list","description":"Lists.","parameters":{"type":"object","properties":{}}}}]}"#,
            )
        );
    }
}
