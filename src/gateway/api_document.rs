//! `GET /openapi.json` and `GET /docs` (http-api 2.16): what can be asked, for machines and eyes.

use std::{fmt::Write, sync::OnceLock};

use http::Response;
use serde_json::{Map, Value, json};

use super::{
    answer,
    routes::{Endpoint, ROUTES, Route},
};
use crate::http::ResponseBody;

/// The OpenAPI document.
pub(super) fn document() -> Response<ResponseBody> {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| describe().to_string());
    answer::bytes(text.as_bytes(), "application/json")
}

/// The same as a page without scripts, so that nothing is fetched from elsewhere.
pub(super) fn page() -> Response<ResponseBody> {
    let mut page = String::from(
        "<!doctype html><meta charset=\"utf-8\"><title>Duogate's HTTP API</title>\
         <h1>Duogate's HTTP API</h1><dl>",
    );
    for route in ROUTES {
        let (summary, _) = about(route.endpoint);
        // nothing of it comes from a request
        let _ = write!(
            page,
            "<dt><code>{} {}</code></dt><dd>{summary}</dd>",
            route.method, route.template
        );
    }
    page.push_str("</dl>\n");
    answer::bytes(page, "text/html; charset=utf-8")
}

fn describe() -> Value {
    let paths: Map<String, Value> = ROUTES.iter().map(path).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "GitLab AI gateway, as answered by Duogate",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
            "schemas": schemas(),
        },
    })
}

fn path(route: &Route) -> (String, Value) {
    let (summary, schema) = about(route.endpoint);
    let mut operation = json!({
        "summary": summary,
        "responses": {
            "200": {"description": "The answer"},
            "default": {"description": "A refusal: an object with detail, or with error for 401"},
        },
    });
    if let Some(object) = operation.as_object_mut() {
        if !route.open {
            object.insert("security".to_owned(), json!([{"token": []}]));
        }
        if let Some(schema) = schema {
            let reference = json!({"$ref": format!("#/components/schemas/{schema}")});
            let body = json!({
                "required": true,
                "content": {"application/json": {"schema": reference}},
            });
            object.insert("requestBody".to_owned(), body);
        }
        if let Some((_, name)) = route.template.split_once('{') {
            let parameter = json!({
                "name": name.trim_end_matches('}'), "in": "path", "required": true,
                "schema": {"type": "string"},
                "description": "May contain slashes, as they are or as %2F",
            });
            object.insert("parameters".to_owned(), json!([parameter]));
        }
    }
    let method = route.method.as_str().to_lowercase();
    (route.template.to_owned(), json!({ method: operation }))
}

/// What an endpoint does, and the schema of what it takes.
fn about(endpoint: Endpoint) -> (&'static str, Option<&'static str>) {
    match endpoint {
        Endpoint::Health => ("Whether the gateway lives", None),
        Endpoint::Readiness => ("Whether tokens can be judged", None),
        Endpoint::ModelDefinitions => ("Models and the features that use them", None),
        Endpoint::CodeCompletions => (
            "Completes code; streams bare text",
            Some("CompletionRequest"),
        ),
        Endpoint::CodeGenerations => (
            "Writes code by an instruction; streams bare text",
            Some("GenerationRequest"),
        ),
        Endpoint::CodeSuggestionsText => (
            "Suggests code; streams bare text",
            Some("SuggestionRequest"),
        ),
        Endpoint::CodeSuggestionsEvents => (
            "Suggests code; streams server-sent events",
            Some("SuggestionRequest"),
        ),
        Endpoint::ChatAgent => (
            "One round of Duo Chat; answers lines of events",
            Some("ChatRequest"),
        ),
        Endpoint::LegacyChat => (
            "Asks a model what the request holds; streams bare text",
            Some("LegacyChatRequest"),
        ),
        Endpoint::PromptText => (
            "Runs a prompt; answers a string or bare text",
            Some("PromptRequest"),
        ),
        Endpoint::PromptObjects => (
            "Runs a prompt; answers an object, or one for each line",
            Some("PromptRequest"),
        ),
        Endpoint::CloudProxy => ("Always refused: nothing is passed on to a cloud", None),
        Endpoint::AmazonQ => ("Always refused: Amazon Q is not served", None),
        Endpoint::CodeEmbeddings => ("Makes a vector of each text", Some("CodeEmbeddingRequest")),
        Endpoint::DocumentationSearch => (
            "Searches GitLab's documentation",
            Some("DocumentationSearchRequest"),
        ),
        Endpoint::UserAccessToken => ("Issues a token for an editor, good for an hour", None),
        Endpoint::ApiDocument => ("This document", None),
        Endpoint::ApiPage => ("This document for eyes", None),
    }
}

fn schemas() -> Value {
    let file = json!({
        "type": "object",
        "required": ["file_name", "content_above_cursor", "content_below_cursor"],
        "properties": {
            "file_name": text(255),
            "language_identifier": text(255),
            "content_above_cursor": text(100_000),
            "content_below_cursor": text(100_000),
        },
    });
    let metadata = json!({
        "type": "object",
        "required": ["provider"],
        "properties": {
            "provider": text(255), "name": text(255), "endpoint": text(255),
            "api_key": text(2000), "identifier": text(1000),
        },
    });
    let completion = json!({
        "type": "object",
        "required": ["prompt_version", "current_file"],
        "properties": {
            "prompt_version": {"enum": [1, 2, 3]},
            "current_file": file,
            "stream": {"type": "boolean"},
            "model_provider": {"type": "string"},
            "model_name": text(50),
            "model_endpoint": text(255),
            "model_api_key": text(2000),
            "model_identifier": text(1000),
            "context": {"type": "array", "maxItems": 100},
        },
    });
    let written = json!({"allOf": [completion, {"properties": {
        "prompt_id": text(255),
        "prompt": {
            "description": "A text with prompt_version 2, a list of messages with 3",
            "type": ["string", "array", "null"],
        },
    }}]});
    json!({
        "CompletionRequest": completion,
        "GenerationRequest": written,
        "SuggestionRequest": {
            "type": "object",
            "required": ["prompt_components"],
            "properties": {
                "prompt_components": {"type": "array", "minItems": 1, "maxItems": 100},
                "model_metadata": metadata,
            },
        },
        "ChatRequest": chat(&metadata),
        "LegacyChatRequest": legacy_chat(),
        "CodeEmbeddingRequest": code_embeddings(&metadata),
        "DocumentationSearchRequest": documentation_search(),
        "PromptRequest": {
            "type": "object",
            "required": ["inputs"],
            "properties": {
                "inputs": {"type": "object"},
                "prompt_version": {"type": "string"},
                "stream": {"type": "boolean"},
                "model_metadata": metadata,
            },
        },
    })
}

fn chat(metadata: &Value) -> Value {
    let step = json!({"type": "object", "properties": {
        "action": {"type": ["object", "null"], "properties": {
            "tool": {"type": "string"}, "tool_input": {"type": "string"},
            "thought": {"type": "string"},
        }},
        "observation": {"type": "string"},
    }});
    let message = json!({
        "type": "object",
        "required": ["role"],
        "properties": {
            "role": {"enum": ["user", "assistant"]},
            "content": {"type": ["string", "null"]},
            "context": {"type": ["object", "null"]},
            "current_file": {"type": ["object", "null"]},
            "additional_context": {"type": ["array", "null"], "maxItems": 1000},
            "agent_scratchpad": {"type": ["array", "null"], "maxItems": 100, "items": step},
        },
    });
    json!({
        "type": "object",
        "required": ["messages"],
        "properties": {
            "messages": {"type": "array", "minItems": 1, "maxItems": 1000, "items": message},
            "unavailable_resources": {"type": ["array", "null"], "items": {"type": "string"}},
            "model_metadata": metadata,
        },
    })
}

fn legacy_chat() -> Value {
    let payload = json!({
        "type": "object",
        "required": ["content"],
        "properties": {
            "content": {"type": ["string", "array"]},
            "provider": {"enum": ["anthropic", "litellm", null]},
            "model": {"type": "string", "maxLength": 255},
            "params": {"type": "object"},
            "model_endpoint": {"type": "string", "maxLength": 255},
            "model_api_key": {"type": "string", "maxLength": 2000},
            "model_identifier": {"type": "string", "maxLength": 1000},
        },
    });
    let component = json!({
        "type": "object",
        "required": ["type", "metadata", "payload"],
        "properties": {
            "type": {"type": "string", "maxLength": 100},
            "metadata": {"type": "object", "required": ["source", "version"]},
            "payload": payload,
        },
    });
    let components = json!({"type": "array", "minItems": 1, "maxItems": 1, "items": component});
    json!({
        "type": "object",
        "required": ["prompt_components"],
        "properties": {"prompt_components": components, "stream": {"type": "boolean"}},
    })
}

fn code_embeddings(metadata: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["model_metadata", "contents"],
        "properties": {
            "model_metadata": metadata,
            "contents": {
                "type": "array",
                "minItems": 1,
                "maxItems": 2048,
                "items": text(400_000),
            },
            "dimensions": {"type": "integer", "minimum": 1, "maximum": 65536},
            "litellm_drop_params": {"type": "boolean"},
        },
    })
}

fn documentation_search() -> Value {
    json!({
        "type": "object",
        "required": ["type", "metadata", "payload"],
        "properties": {
            "type": text(100),
            "metadata": {
                "type": "object",
                "required": ["source", "version"],
                "properties": {"source": text(100), "version": text(100)},
            },
            "payload": {
                "type": "object",
                "required": ["query"],
                "properties": {
                    "query": text(400_000),
                    "page_size": {"type": "integer", "minimum": 1, "maximum": 20, "default": 4},
                },
            },
        },
    })
}

fn text(limit: u32) -> Value {
    json!({"type": "string", "maxLength": limit})
}
