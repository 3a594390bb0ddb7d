//! Servers that speak as Anthropic's do.

use std::sync::Arc;

use duogate::model::{FinishReason, Message, ModelRequest, Tool, ToolCall, ToolResult};
use serde_json::{Value, json};

use super::{KEY, Room, budget, metadata, request};
use crate::support::model_server::{ModelServer, Reply};

const STREAM: &str = include_str!("../golden/anthropic.sse");

/// What Rails sends for a Claude on a server.
fn claude(server: &ModelServer) -> Value {
    let mut wanted = metadata(server);
    wanted["name"] = json!("claude_3");
    wanted["identifier"] = json!("anthropic/claude-sonnet-4-5");
    wanted
}

fn answer(body: &Value) -> Reply {
    let kind = ("Content-Type", "application/json");
    Reply::Status(200, vec![kind], body.to_string())
}

fn hello() -> Reply {
    answer(&json!({
        "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 7, "output_tokens": 5},
    }))
}

#[tokio::test]
async fn a_call_is_what_anthropic_expects_however_the_endpoint_is_typed() {
    let server = ModelServer::with(hello());
    let room = Room::with(&[]);
    let bare = server.url().trim_end_matches("/v1").to_owned();
    for path in ["", "/", "/v1", "/v1/", "/v1/messages"] {
        let mut wanted = claude(&server);
        wanted["endpoint"] = json!(format!("{bare}{path}"));
        let whole = room.whole(&wanted, false).await.unwrap();
        assert_eq!(
            (whole.text.as_str(), whole.finish),
            ("hi", FinishReason::Stop)
        );
        assert_eq!(whole.usage.unwrap().input_tokens, 7);
        let asked = server.last();
        assert_eq!(asked.path, "/v1/messages", "{path}");
        assert_eq!(asked.header("x-api-key"), Some(KEY));
        assert_eq!(asked.header("anthropic-version"), Some("2023-06-01"));
        assert_eq!(asked.header("authorization"), None);
    }
    let expected = json!({
        "model": "claude-sonnet-4-5", "max_tokens": 64, "temperature": 0.0,
        "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "say \"hi\""}]}],
    });
    assert_eq!(server.last().body, expected);
}

#[tokio::test]
async fn streams_tell_texts_and_calls() {
    let server = ModelServer::with(Reply::Events(STREAM.to_owned()));
    let room = Room::with(&[]);
    let whole = room.whole(&claude(&server), true).await.unwrap();
    assert_eq!(server.last().body["stream"], true);
    assert_eq!(whole.text, "I will read é🙂.");
    assert_eq!(whole.finish, FinishReason::ToolCalls);
    let calls: Vec<_> = whole
        .tool_calls
        .iter()
        .map(|call| &*call.arguments)
        .collect();
    assert_eq!(calls, ["{\"path\": \"/etc/hosts\"}", "{}"]);
    // a stream that nothing ends is cut
    let half = STREAM.split("event: message_delta").next().unwrap();
    server.reply(Reply::Events(half.to_owned()));
    let error = room.whole(&claude(&server), true).await.unwrap_err();
    assert!(error.wire().contains("broke off"), "{}", error.wire());
}

#[tokio::test]
async fn a_beginning_that_a_newer_model_does_not_take_becomes_a_wish() {
    let server = ModelServer::with(hello());
    let room = Room::with(&[]);
    for (model, role) in [
        ("claude-sonnet-4-5", "assistant"),
        ("claude-opus-4-8", "user"),
    ] {
        let mut wanted = claude(&server);
        wanted["identifier"] = json!(format!("anthropic/{model}"));
        let mut asked = request(false);
        asked.messages.push(Message::assistant("{ "));
        let answer = room.ask(&wanted, asked, budget()).await.unwrap();
        answer.collect().await.unwrap();
        let body = server.last().body;
        let last = body["messages"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["role"], role);
        assert_eq!(body["temperature"].is_null(), role == "user");
    }
}

#[tokio::test]
async fn the_operators_key_goes_where_he_says_and_nowhere_else() {
    let server = ModelServer::with(hello());
    let mut wanted = claude(&server);
    wanted["api_key"] = Value::Null;
    let key = ("ANTHROPIC_API_KEY", "sk-of-the-operator");
    let url = server.url();
    let host = url.split('/').nth(2).unwrap();
    for (variables, is_sent) in [
        (vec![key], false),
        (vec![key, ("ANTHROPIC_BASE_URL", url.as_str())], true),
        (vec![key, ("DUOGATE_MODELS__ALLOWED_HOSTS", host)], true),
    ] {
        let room = Room::with(&variables);
        room.whole(&wanted, false).await.unwrap();
        let sent = server.last().header("x-api-key").map(ToOwned::to_owned);
        assert_eq!(sent.as_deref(), is_sent.then_some(key.1), "{variables:?}");
    }
    // without an endpoint his own is asked
    wanted["endpoint"] = json!("");
    let room = Room::with(&[key, ("ANTHROPIC_API_BASE", &url)]);
    room.whole(&wanted, false).await.unwrap();
    assert_eq!(server.last().header("x-api-key"), Some(key.1));
}

#[tokio::test]
async fn failures_have_the_codes_that_gitlab_knows() {
    let refusal = |kind: &str| {
        let error = json!({"type": kind, "message": format!("no {KEY} here")});
        json!({"type": "error", "error": error, "request_id": "r"}).to_string()
    };
    let status = |code, kind: &str| {
        let headers = vec![("Content-Type", "application/json")];
        Reply::Status(code, headers, refusal(kind))
    };
    let event = |kind| Reply::Events(format!("event: error\ndata: {}\n\n", refusal(kind)));
    let html = vec![("Content-Type", "text/html")];
    for (reply, wire, attempts) in [
        (status(400, "invalid_request_error"), "400: Bad Request", 1),
        (
            status(401, "authentication_error"),
            "401: Unauthorized - the model server does not take",
            1,
        ),
        (status(403, "permission_error"), "403: Forbidden", 1),
        (status(404, "not_found_error"), "404: Not Found", 1),
        (
            status(413, "request_too_large"),
            "413: Payload Too Large",
            1,
        ),
        (status(429, "rate_limit_error"), "429: Too Many Requests", 1),
        (status(500, "api_error"), "500: Internal Server Error", 3),
        (
            status(529, "overloaded_error"),
            "500: Internal Server Error",
            3,
        ),
        (event("overloaded_error"), "500: Internal Server Error", 3),
        (event("rate_limit_error"), "429: Too Many Requests", 1),
        (event("what_comes_one_day"), "500: Internal Server Error", 1),
        (status(200, "invalid_request_error"), "400: Bad Request", 1),
        (
            Reply::Status(200, html, "<html>".to_owned()),
            "500: Internal Server Error - the model server's answer is none",
            1,
        ),
        // OpenAI's answer to Anthropic's question
        (
            answer(&json!({"choices": [{"message": {"content": "a"}}]})),
            "500: Internal Server Error - the model server's answer is none",
            1,
        ),
    ] {
        let server = ModelServer::with(reply.clone());
        let error = Room::with(&[])
            .whole(&claude(&server), true)
            .await
            .unwrap_err();
        assert!(
            error.wire().starts_with(wire),
            "{reply:?}: {}",
            error.wire()
        );
        assert_eq!(server.requests().len(), attempts, "{reply:?}");
        for words in [error.wire(), error.log(), format!("{error:?}")] {
            assert!(!words.contains(KEY), "{words}");
        }
    }
}

#[tokio::test]
async fn a_key_that_is_missing_is_told_as_such() {
    let body = json!({"error": {"type": "authentication_error", "message": "x-api-key header"}});
    for identifier in ["anthropic/claude-sonnet-4-5", "custom_openai/m"] {
        let server = ModelServer::with(Reply::Status(401, Vec::new(), body.to_string()));
        let mut wanted = claude(&server);
        wanted["api_key"] = Value::Null;
        wanted["identifier"] = json!(identifier);
        let error = Room::with(&[]).whole(&wanted, false).await.unwrap_err();
        let hint = "401: Unauthorized - the model server asks for an API key and there is none";
        assert!(error.wire().starts_with(hint), "{}", error.wire());
    }
}

#[tokio::test]
async fn tools_go_there_and_back() {
    let server = ModelServer::with(answer(&json!({
        "content": [{"type": "tool_use", "id": "toolu_2", "name": "read", "input": {"path": "b"}}],
        "stop_reason": "tool_use",
    })));
    let asked = ModelRequest {
        messages: vec![
            Message::User("read a and b".to_owned()),
            Message::Assistant {
                text: String::new(),
                tool_calls: vec![ToolCall {
                    id: "toolu_1".to_owned(),
                    name: "read".to_owned(),
                    arguments: "{\"path\":\"a\"}".to_owned(),
                }],
            },
            Message::Tool(ToolResult {
                id: "toolu_1".to_owned(),
                text: "no such file".to_owned(),
                is_error: true,
            }),
        ],
        tools: vec![Arc::new(Tool::new(
            "read".to_owned(),
            "Reads a file.".to_owned(),
            json!({"type": "object"}),
        ))],
        ..ModelRequest::default()
    };
    let room = Room::with(&[]);
    let answer = room.ask(&claude(&server), asked, budget()).await.unwrap();
    let whole = answer.collect().await.unwrap();
    assert_eq!(whole.finish, FinishReason::ToolCalls);
    assert_eq!(whole.tool_calls[0].arguments, "{\"path\":\"b\"}");
    let body = server.last().body;
    assert_eq!(body["tools"][0]["name"], "read");
    assert_eq!(
        body["messages"][1]["content"][0]["input"],
        json!({"path": "a"})
    );
    assert_eq!(body["messages"][2]["content"][0]["is_error"], true);
}
