//! A call as Bedrock's Converse takes it (models-and-prompts 1.8).

use serde_json::{Map, Value, json};

use super::{
    Message, ModelRequest, Target, Tool, ToolCall, bedrock_model::BedrockModel,
    claude::takes_sampling, provider::Refused,
};
use crate::config::Guardrail;

/// The body of a call.
pub(super) fn body(
    target: &Target,
    request: &ModelRequest,
    refused: &Refused,
    guardrail: Option<&Guardrail>,
) -> Vec<u8> {
    let model = BedrockModel::read(&target.identifier.model);
    let takes_system = model.takes_system() && !refused.has("system");
    let mut turns = Turns::default();
    let mut system = Vec::new();
    for message in &request.messages {
        match message {
            Message::System(text) if takes_system => system.extend(text_block(text)),
            message => turns.add(message),
        }
    }
    if !system.is_empty() && model.takes_cache_points() && !refused.has("cache") {
        system.push(json!({"cachePoint": {"type": "default"}}));
    }
    let mut body = Map::new();
    body.insert("messages".to_owned(), Value::Array(turns.0));
    if !system.is_empty() {
        body.insert("system".to_owned(), Value::Array(system));
    }
    let inference = inference(target, request, refused);
    if !inference.is_empty() {
        body.insert("inferenceConfig".to_owned(), Value::Object(inference));
    }
    if let Some(top_k) = request
        .top_k
        .filter(|_| model.is_claude() && takes_sampling(model.id))
    {
        let fields = json!({"top_k": top_k});
        body.insert("additionalModelRequestFields".to_owned(), fields);
    }
    if !request.tools.is_empty() {
        let tools: Vec<Value> = request.tools.iter().map(|offered| tool(offered)).collect();
        body.insert("toolConfig".to_owned(), json!({"tools": tools}));
    }
    if let Some(guardrail) = guardrail {
        body.insert("guardrailConfig".to_owned(), filter(guardrail));
    }
    Value::Object(body).to_string().into_bytes()
}

/// Messages by turns: neighbours of one side are one message of several blocks.
#[derive(Default)]
struct Turns(Vec<Value>);

impl Turns {
    fn add(&mut self, message: &Message) {
        let (role, blocks) = match message {
            // where the model takes no system prompt, it begins the user's turn
            Message::System(text) | Message::User(text) => (USER, text_block(text).collect()),
            Message::Assistant { text, tool_calls } => {
                let calls = tool_calls.iter().map(tool_use);
                (ASSISTANT, text_block(text).chain(calls).collect())
            }
            Message::Tool(result) => {
                let status = if result.is_error { "error" } else { "success" };
                let result = json!({"toolResult": {
                    "toolUseId": result.id,
                    "content": [{"text": result.text}],
                    "status": status,
                }});
                (USER, vec![result])
            }
        };
        self.append(role, blocks);
    }

    fn append(&mut self, role: &str, blocks: Vec<Value>) {
        if blocks.is_empty() {
            return;
        }
        if let Some(last) = self.0.last_mut()
            && last.get("role").and_then(Value::as_str) == Some(role)
            && let Some(Value::Array(known)) = last.get_mut("content")
        {
            known.extend(blocks);
            return;
        }
        self.0.push(json!({"role": role, "content": blocks}));
    }
}

/// Blank texts are refused.
fn text_block(text: &str) -> impl Iterator<Item = Value> {
    let text = Some(text).filter(|text| !text.trim().is_empty());
    text.map(|text| json!({"text": text})).into_iter()
}

fn tool_use(call: &ToolCall) -> Value {
    let input = serde_json::from_str::<Map<String, Value>>(&call.arguments);
    json!({"toolUse": {
        "toolUseId": call.id,
        "name": call.name,
        // what a model wrote that is no object would be refused
        "input": input.unwrap_or_default(),
    }})
}

fn tool(tool: &Tool) -> Value {
    let mut specification = Map::new();
    specification.insert("name".to_owned(), json!(tool.name));
    // an empty one is refused
    if !tool.description.is_empty() {
        specification.insert("description".to_owned(), json!(tool.description));
    }
    let schema = json!({"json": tool.parameters()});
    specification.insert("inputSchema".to_owned(), schema);
    json!({"toolSpec": specification})
}

fn inference(target: &Target, request: &ModelRequest, refused: &Refused) -> Map<String, Value> {
    let family = &target.family;
    let mut inference = Map::new();
    let temperature = request.temperature.or(family.temperature);
    let samples = takes_sampling(&target.identifier.model) && !refused.has("temperature");
    let temperature = temperature.filter(|_| samples);
    if let Some(temperature) = temperature {
        inference.insert("temperature".to_owned(), json!(temperature));
    }
    if let Some(tokens) = request.max_tokens.or(family.max_tokens) {
        inference.insert("maxTokens".to_owned(), json!(tokens));
    }
    // blank ones are refused
    let stop: Vec<&String> = request
        .stop
        .iter()
        .filter(|word| !word.trim().is_empty())
        .collect();
    if !stop.is_empty() && !refused.has("stop") {
        inference.insert("stopSequences".to_owned(), json!(stop));
    }
    // Claude takes one of the two
    let is_claude = target.identifier.model.contains("claude");
    let is_free = samples && !(is_claude && temperature.is_some());
    if let Some(top_p) = request.top_p.filter(|_| is_free) {
        inference.insert("topP".to_owned(), json!(top_p));
    }
    inference
}

fn filter(guardrail: &Guardrail) -> Value {
    let members = [
        ("guardrailIdentifier", Some(&guardrail.identifier)),
        ("guardrailVersion", guardrail.version.as_ref()),
        ("trace", guardrail.trace.as_ref()),
    ];
    let given = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))));
    Value::Object(given.collect())
}

const USER: &str = "user";
const ASSISTANT: &str = "assistant";
