//! Tools that a model may use.

use std::sync::Arc;

use duogate::model::{Event, FinishReason, Message, ModelRequest, Tool, ToolCall, ToolResult};
use futures_util::StreamExt;
use serde_json::json;

use super::{Room, budget, metadata, request};
use crate::support::model_server::{ModelServer, Reply};

fn with_tools(stream: bool) -> ModelRequest {
    let list = |path: &str| ToolCall {
        id: "a".to_owned(),
        name: "list".to_owned(),
        arguments: json!({"path": path}).to_string(),
    };
    let mut request = request(stream);
    request.messages.push(Message::Assistant {
        text: String::new(),
        tool_calls: vec![list("/")],
    });
    request.messages.push(Message::Tool(ToolResult {
        id: "a".to_owned(),
        text: "bin".to_owned(),
        is_error: false,
    }));
    request.tools = vec![Arc::new(Tool::new(
        "list".to_owned(),
        "Lists a folder.".to_owned(),
        json!({"type": "object", "properties": {"path": {"type": "string"}}}),
    ))];
    request
}

/// A server that says it is done, though it wants tools.
fn server(stream: bool) -> ModelServer {
    if stream {
        let pieces = [
            r#"{"choices":[{"delta":{"content":"So: "}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"b","function":{"name":"list","arguments":"{\"path\":"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"/bin\"}"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"c","function":{"name":"list"}}]},"finish_reason":"stop"}]}"#,
            "[DONE]",
        ];
        let events = pieces.map(|piece| format!("data: {piece}\n\n"));
        return ModelServer::with(Reply::Events(events.concat()));
    }
    let calls = json!([
        {"id": "b", "type": "function", "function": {"name": "list", "arguments": "{\"path\":\"/bin\"}"}},
        {"id": "c", "type": "function", "function": {"name": "list", "arguments": ""}},
    ]);
    let body = json!({"choices": [{
        "message": {"content": "So: ", "tool_calls": calls}, "finish_reason": "stop",
    }]});
    let kind = ("Content-Type", "application/json");
    ModelServer::with(Reply::Status(200, vec![kind], body.to_string()))
}

#[tokio::test]
async fn tools_are_offered_and_calls_come_back_streamed_and_whole() {
    for stream in [false, true] {
        let server = server(stream);
        let room = Room::with(&[]);
        let answer = room
            .ask(&metadata(&server), with_tools(stream), budget())
            .await;
        let whole = answer.unwrap().collect().await.unwrap();
        assert_eq!(whole.text, "So: ");
        assert_eq!(whole.finish, FinishReason::ToolCalls);
        let calls = whole
            .tool_calls
            .iter()
            .map(|call| [&*call.id, &*call.name, &*call.arguments]);
        let expected = [["b", "list", "{\"path\":\"/bin\"}"], ["c", "list", "{}"]];
        assert_eq!(calls.collect::<Vec<_>>(), expected);
        let body = server.last().body;
        assert_eq!(body["tools"][0]["function"]["name"], "list");
        assert_eq!(body["messages"][2]["tool_calls"][0]["id"], "a");
        assert_eq!(body["messages"][3]["role"], "tool");
    }
}

#[tokio::test]
async fn a_thought_before_a_call_is_none_of_the_answer() {
    let stream = [
        r#"{"choices":[{"delta":{"content":"<think>which?</think>"}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"b","function":{"name":"list","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#,
    ];
    let stream = stream.map(|piece| format!("data: {piece}\n\n"));
    let server = ModelServer::with(Reply::Events(stream.concat()));
    let answer = Room::with(&[])
        .ask(&metadata(&server), with_tools(true), budget())
        .await;
    let events: Vec<_> = StreamExt::collect(answer.unwrap()).await;
    let events: Vec<_> = events.into_iter().map(Result::unwrap).collect();
    let expected = [
        Event::ToolCall {
            index: 0,
            id: "b".to_owned(),
            name: "list".to_owned(),
        },
        Event::Arguments {
            index: 0,
            text: "{}".to_owned(),
        },
        Event::Finish(FinishReason::ToolCalls),
    ];
    assert_eq!(events, expected);
}
