//! The built-in AI gateway from outside: curl over TLS, HTTP/1.1 and HTTP/2, and a scripted model
//! server behind it.

mod chat;
mod chat_permissions;
mod chat_rounds;
mod clients;
mod cloud_only;
mod clouds;
mod completions;
mod documentation;
mod embeddings;
mod failures;
mod generations;
mod legacy_chat;
mod llama;
mod llama_azure;
mod llama_messages;
mod model_tls;
mod prompts;
mod routes;
mod streams;
mod suggestions;
mod tokens;

use serde_json::{Value, json};

use crate::support::{
    Duogate, Settings,
    curl::Fetched,
    fetch,
    model_server::ModelServer,
    secrets::{CONTENT, MODEL_KEY},
};

/// Both versions of HTTP, as curl is told them.
const VERSIONS: [&str; 2] = ["--http1.1", "--http2"];

/// Every family of models.
const FAMILIES: [&str; 12] = [
    "mistral",
    "mixtral",
    "codestral",
    "llama3",
    "codellama",
    "gpt",
    "codegemma",
    "deepseekcoder",
    "claude_3",
    "gemini",
    "qwen",
    "general",
];

/// A public server that asks for no token: what is tested here comes after that.
fn open_gateway() -> Settings {
    Settings::public().set("auth.required", false)
}

/// Posts JSON and fetches the answer to the end.
#[track_caller]
fn post(edge: &Duogate, arguments: &[&str], path: &str, body: &Value) -> Fetched {
    let body = body.to_string();
    let mut all = vec![
        "-H",
        "Content-Type: application/json",
        "--data-binary",
        &body,
    ];
    all.extend(arguments);
    fetch(edge, &all, path)
}

/// The same for a body that is too long for a command line.
#[track_caller]
fn post_file(edge: &Duogate, path: &str, body: &Value) -> Fetched {
    let file = edge.folder().join("body.json");
    std::fs::write(&file, body.to_string()).unwrap();
    let data = format!("@{}", file.display());
    let json = "Content-Type: application/json";
    fetch(
        edge,
        &["-H", json, "-H", "Expect:", "--data-binary", &data],
        path,
    )
}

/// What Rails sends for a completion by a model of the customer's own.
fn completion(model: &ModelServer) -> Value {
    json!({
        "prompt_version": 2,
        "prompt": null,
        "project_path": "group/project",
        "project_id": 7,
        "intent": "completion",
        "current_file": {
            "file_name": "app/greeting.py",
            "language_identifier": "python",
            "content_above_cursor": format!("def {CONTENT}(name):\n    return "),
            "content_below_cursor": "\n\nprint(greet('you'))\n",
        },
        "model_provider": "litellm",
        "model_name": "codestral",
        "model_endpoint": model.url(),
        "model_api_key": MODEL_KEY,
        "model_identifier": "custom_openai/mistral-x",
    })
}

/// What Rails sends as `model_metadata`.
fn metadata(model: &ModelServer) -> Value {
    json!({
        "provider": "openai",
        "name": "mistral",
        "endpoint": model.url(),
        "api_key": MODEL_KEY,
        "identifier": "custom_openai/mistral-x",
    })
}

/// A prompt as Rails runs it.
fn prompt(model: &ModelServer) -> Value {
    json!({
        "inputs": {"diff": format!("+ a line {CONTENT}")},
        "prompt_version": "^1.0.0",
        "model_metadata": metadata(model),
    })
}

/// Sets a member of an object; `null` for a path that is absent makes it.
fn with(mut value: Value, pointer: &str, new: impl Into<Value>) -> Value {
    let mut place = &mut value;
    for name in pointer.split('.') {
        place = match name.parse::<usize>() {
            Ok(position) => &mut place[position],
            Err(_) => &mut place[name],
        };
    }
    *place = new.into();
    value
}

/// Takes a member of an object away.
fn without(mut value: Value, pointer: &str) -> Value {
    let mut place = &mut value;
    let (path, last) = pointer.rsplit_once('.').unwrap_or(("", pointer));
    for name in path.split('.').filter(|name| !name.is_empty()) {
        place = match name.parse::<usize>() {
            Ok(position) => &mut place[position],
            Err(_) => &mut place[name],
        };
    }
    place.as_object_mut().unwrap().remove(last);
    value
}
