//! A call as Gemini takes it (models-and-prompts 1.10).

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    Message, ModelRequest, Target, Tool, ToolCall, ToolResult, gemini_schema::parameters,
    provider::Refused,
};

/// The body of a call.
pub(super) fn body(target: &Target, request: &ModelRequest, refused: &Refused) -> Vec<u8> {
    let mut turns = Turns {
        signs_calls: target.identifier.model.contains("gemini-3"),
        ..Turns::default()
    };
    let mut system = Vec::new();
    for message in &request.messages {
        match message {
            Message::System(text) => system.extend(text_part(text)),
            message => turns.add(message),
        }
    }
    let mut body = Map::new();
    body.insert("contents".to_owned(), Value::Array(turns.contents));
    if !system.is_empty() {
        body.insert("system_instruction".to_owned(), json!({"parts": system}));
    }
    let generation = generation(target, request, refused);
    if !generation.is_empty() {
        body.insert("generationConfig".to_owned(), Value::Object(generation));
    }
    if !request.tools.is_empty() {
        let tools: Vec<Value> = request.tools.iter().map(|tool| declaration(tool)).collect();
        body.insert("tools".to_owned(), json!([{"functionDeclarations": tools}]));
    }
    Value::Object(body).to_string().into_bytes()
}

/// Messages by turns: neighbours of one side are one content of several parts, as answers to
/// several calls have to be.
#[derive(Default)]
struct Turns<'a> {
    contents: Vec<Value>,
    /// Which tool each call was of; results name it.
    tools: HashMap<&'a str, &'a str>,
    /// Whether calls are refused that carry no signature of a thought.
    signs_calls: bool,
}

impl<'a> Turns<'a> {
    fn add(&mut self, message: &'a Message) {
        let (role, parts) = match message {
            Message::System(text) | Message::User(text) => (USER, text_part(text).collect()),
            Message::Assistant { text, tool_calls } => {
                let known = tool_calls.iter();
                let known = known.map(|call| (call.id.as_str(), call.name.as_str()));
                self.tools.extend(known);
                let calls = tool_calls.iter().map(|call| self.call(call));
                (MODEL, text_part(text).chain(calls).collect())
            }
            Message::Tool(result) => (USER, vec![self.result(result)]),
        };
        self.append(role, parts);
    }

    fn append(&mut self, role: &str, parts: Vec<Value>) {
        if parts.is_empty() {
            return;
        }
        if let Some(last) = self.contents.last_mut()
            && last.get("role").and_then(Value::as_str) == Some(role)
            && let Some(Value::Array(known)) = last.get_mut("parts")
        {
            known.extend(parts);
            return;
        }
        self.contents.push(json!({"role": role, "parts": parts}));
    }

    fn call(&self, call: &ToolCall) -> Value {
        let arguments = serde_json::from_str::<Map<String, Value>>(&call.arguments);
        let mut part = Map::new();
        let called = json!({"name": call.name, "args": arguments.unwrap_or_default()});
        part.insert("functionCall".to_owned(), called);
        if self.signs_calls {
            part.insert("thoughtSignature".to_owned(), json!(NO_THOUGHT));
        }
        Value::Object(part)
    }

    fn result(&self, result: &ToolResult) -> Value {
        let name = self.tools.get(result.id.as_str()).copied();
        let said = if result.is_error { "error" } else { "output" };
        json!({"functionResponse": {
            "name": name.unwrap_or(UNKNOWN_TOOL),
            "response": {said: result.text},
        }})
    }
}

fn text_part(text: &str) -> impl Iterator<Item = Value> {
    let text = Some(text).filter(|text| !text.is_empty());
    text.map(|text| json!({"text": text})).into_iter()
}

fn declaration(tool: &Tool) -> Value {
    let mut declaration = Map::new();
    declaration.insert("name".to_owned(), json!(tool.name));
    declaration.insert("description".to_owned(), json!(tool.description));
    if let Some(parameters) = parameters(tool.parameters()) {
        declaration.insert("parameters".to_owned(), parameters);
    }
    Value::Object(declaration)
}

fn generation(target: &Target, request: &ModelRequest, refused: &Refused) -> Map<String, Value> {
    let family = &target.family;
    let mut generation = Map::new();
    let temperature = request.temperature.or(family.temperature);
    if let Some(temperature) = temperature.filter(|_| !refused.has("temperature")) {
        generation.insert("temperature".to_owned(), json!(temperature));
    }
    if let Some(tokens) = request.max_tokens.or(family.max_tokens) {
        generation.insert("max_output_tokens".to_owned(), json!(tokens));
    }
    let stop: Vec<&String> = request.stop.iter().take(STOP_WORDS).collect();
    if !stop.is_empty() && !refused.has("stop") {
        generation.insert("stop_sequences".to_owned(), json!(stop));
    }
    if let Some(top_p) = request.top_p {
        generation.insert("top_p".to_owned(), json!(top_p));
    }
    if let Some(top_k) = request.top_k {
        generation.insert("top_k".to_owned(), json!(top_k));
    }
    generation
}

const USER: &str = "user";
const MODEL: &str = "model";

/// Google's bound; it refuses more.
const STOP_WORDS: usize = 5;

/// A result without its call, which a cut conversation may hold.
const UNKNOWN_TOOL: &str = "tool";

/// What Google takes in the place of a signature that another model's call cannot have.
const NO_THOUGHT: &str = "skip_thought_signature_validator";
