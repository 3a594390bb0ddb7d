//! Amazon Bedrock, by a stand-in that judges signatures with Amazon's own signer.

use std::{sync::Arc, time::Duration};

use duogate::model::{
    Event, FinishReason, Message, ModelRequest, Tool, ToolCall, ToolResult, Usage,
};
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{Room, budget, request};
use crate::support::{cloud, cloud_server::CloudServer, run};

/// A model that a stand-in answers for as the word in its name says.
fn model(identifier: &str) -> Value {
    json!({
        "provider": "openai", "name": "claude_3", "endpoint": "http://bedrockselfhosted.com/v1",
        "api_key": null, "identifier": identifier,
    })
}

/// A room with keys in variables; keys of machines are not looked for.
fn room(amazon: &CloudServer, variables: &[(&str, &str)]) -> Room {
    let url = amazon.url();
    let known = [
        ("AWS_BEDROCK_RUNTIME_ENDPOINT", url.as_str()),
        ("AWS_ACCESS_KEY_ID", "AKIDENV"),
        ("AWS_SECRET_ACCESS_KEY", "env-secret/+="),
        ("AWS_REGION", "eu-central-1"),
    ];
    Room::with(&[&known[..], variables].concat())
}

const CLAUDE: &str = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";

#[tokio::test]
async fn a_signed_call_is_what_amazons_own_client_sends() {
    let Some(amazon) = CloudServer::amazon() else {
        return;
    };
    let room = room(&amazon, &[]);
    for (identifier, id, region) in [
        (format!("bedrock/{CLAUDE}"), CLAUDE, "eu-central-1"),
        (format!("bedrock/converse/{CLAUDE}"), CLAUDE, "eu-central-1"),
        (format!("bedrock/invoke/{CLAUDE}"), CLAUDE, "eu-central-1"),
        (format!("bedrock/us-east-2/{CLAUDE}"), CLAUDE, "us-east-2"),
        (
            "bedrock/arn:aws:bedrock:ap-south-1:12:application-inference-profile/x".to_owned(),
            "arn:aws:bedrock:ap-south-1:12:application-inference-profile/x",
            "ap-south-1",
        ),
    ] {
        for (stream, route) in [(false, "converse"), (true, "converse-stream")] {
            let whole = room.whole(&model(&identifier), stream).await.unwrap();
            assert_eq!(whole.text, "Hello from Bedröck");
            assert_eq!(whole.finish, FinishReason::Stop);
            let usage = Usage {
                input_tokens: 7,
                output_tokens: 5,
            };
            assert_eq!(whole.usage, Some(usage));
            let asked = amazon.last();
            let encoded = id.replace(':', "%3A").replace('/', "%2F");
            assert_eq!(asked.path, format!("/model/{encoded}/{route}"));
            let scope = format!(
                "/{region}/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date"
            );
            assert!(
                asked.header("authorization").unwrap().contains(&scope),
                "{asked:?}"
            );
        }
    }
    // botocore asks by the same paths, and reads what the stand-in says
    let mut client = cloud("clients/bedrock_client.py").unwrap();
    client.arg(amazon.url()).arg(CLAUDE);
    let read = run(client, Duration::from_secs(60)).json();
    assert_eq!(
        read,
        json!({"whole": "Hello from Bedröck", "stream": "Hello from Bedröck"})
    );
    let paths: Vec<_> = amazon
        .requests()
        .into_iter()
        .map(|asked| asked.path)
        .collect();
    let (ours, theirs) = paths.split_at(paths.len() - 2);
    assert_eq!(ours[..2], theirs[..]);
}

#[tokio::test]
async fn the_body_is_that_of_converse() {
    let Some(amazon) = CloudServer::amazon() else {
        return;
    };
    let guardrail = r#"{"guardrailIdentifier": "g1", "guardrailVersion": "2", "trace": "enabled"}"#;
    let room = room(&amazon, &[("AIGW_BEDROCK_GUARDRAIL_CONFIG", guardrail)]);
    let mut wanted = request(false);
    wanted.stop = vec!["\n".to_owned(), "END".to_owned()];
    wanted.top_p = Some(0.5);
    let asked = room
        .ask(
            &model(&format!("bedrock/{CLAUDE}")),
            wanted.clone(),
            budget(),
        )
        .await;
    asked.unwrap();
    let expected = json!({
        "messages": [{"role": "user", "content": [{"text": "say \"hi\""}]}],
        "system": [{"text": "be brief"}, {"cachePoint": {"type": "default"}}],
        "inferenceConfig": {
            "temperature": 0.0, "maxTokens": 64, "stopSequences": ["END"],
        },
        "guardrailConfig": {
            "guardrailIdentifier": "g1", "guardrailVersion": "2", "trace": "enabled",
        },
    });
    assert_eq!(amazon.last().body(), expected);
    // no cache point where none is taken, and no system prompt either
    for (name, messages, system) in [
        (
            "meta.llama3-1-70b-instruct-v1:0",
            json!([{"role": "user", "content": [{"text": "say \"hi\""}]}]),
            json!([{"text": "be brief"}]),
        ),
        (
            "mistral.mistral-7b-instruct-v0:2",
            json!([{"role": "user", "content": [{"text": "be brief"}, {"text": "say \"hi\""}]}]),
            json!(null),
        ),
    ] {
        let asked = room
            .ask(&model(&format!("bedrock/{name}")), wanted.clone(), budget())
            .await;
        asked.unwrap();
        let body = amazon.last().body();
        assert_eq!(
            (&body["messages"], &body["system"]),
            (&messages, &system),
            "{name}"
        );
    }
}

#[tokio::test]
async fn what_a_model_refuses_is_left_out_of_the_next_attempt() {
    let Some(amazon) = CloudServer::amazon() else {
        return;
    };
    let room = room(&amazon, &[]);
    let mut wanted = request(true);
    wanted.stop = vec!["END".to_owned()];
    let asked = room
        .ask(&model("bedrock/some.plain-v1:0"), wanted, budget())
        .await;
    asked.unwrap();
    assert_eq!(
        amazon.requests().len(),
        3,
        "as it is, without a system prompt, without stop words"
    );
    let body = amazon.last().body();
    assert_eq!(body["messages"][0]["content"][0]["text"], "be brief");
    assert_eq!(body["inferenceConfig"].get("stopSequences"), None);
}

fn with_tools(stream: bool) -> ModelRequest {
    let mut request = request(stream);
    let call = |id: &str, arguments: &str| ToolCall {
        id: id.to_owned(),
        name: "read_file".to_owned(),
        arguments: arguments.to_owned(),
    };
    let result = |id: &str, is_error| {
        Message::Tool(ToolResult {
            id: id.to_owned(),
            text: "what came".to_owned(),
            is_error,
        })
    };
    request.messages.extend([
        Message::Assistant {
            text: String::new(),
            tool_calls: vec![call("a", r#"{"path": "a"}"#), call("b", "no JSON")],
        },
        result("a", false),
        result("b", true),
    ]);
    request.tools = vec![Arc::new(Tool::new(
        "read_file".to_owned(),
        "Reads a file.".to_owned(),
        json!({"type": "object", "properties": {"path": {"type": "string"}}}),
    ))];
    request
}

#[tokio::test]
async fn tools_are_offered_wanted_and_answered() {
    let Some(amazon) = CloudServer::amazon() else {
        return;
    };
    let room = room(&amazon, &[]);
    for stream in [false, true] {
        let asked = room
            .ask(
                &model("bedrock/us.amazon.nova-tools-v1:0"),
                with_tools(stream),
                budget(),
            )
            .await;
        let whole = asked.unwrap().collect().await.unwrap();
        assert_eq!(
            (whole.text.as_str(), whole.finish),
            ("I look.", FinishReason::ToolCalls)
        );
        let [call] = whole.tool_calls.as_slice() else {
            panic!("one call is expected: {:?}", whole.tool_calls);
        };
        assert_eq!(
            (call.id.as_str(), call.name.as_str()),
            ("tooluse_1", "read_file")
        );
        let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
        assert_eq!(arguments, json!({"path": "README.md"}));
        let body = amazon.last().body();
        let expected = json!([
            {"role": "user", "content": [{"text": "say \"hi\""}]},
            {"role": "assistant", "content": [
                {"toolUse": {"toolUseId": "a", "name": "read_file", "input": {"path": "a"}}},
                {"toolUse": {"toolUseId": "b", "name": "read_file", "input": {}}},
            ]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "a", "content": [{"text": "what came"}], "status": "success"}},
                {"toolResult": {"toolUseId": "b", "content": [{"text": "what came"}], "status": "error"}},
            ]},
        ]);
        assert_eq!(body["messages"], expected);
        let tool = json!([{"toolSpec": {
            "name": "read_file", "description": "Reads a file.",
            "inputSchema": {"json": {"type": "object", "properties": {"path": {"type": "string"}}}},
        }}]);
        assert_eq!(body["toolConfig"]["tools"], tool);
    }
}

#[tokio::test]
async fn streams_are_read_however_they_are_cut() {
    let Some(amazon) = CloudServer::amazon() else {
        return;
    };
    let room = room(&amazon, &[]);
    for piece in [1, 2, 3, 11, 12, 13, 64, 100_000] {
        amazon.control(&json!({"piece": piece}));
        let whole = room
            .whole(&model(&format!("bedrock/{CLAUDE}")), true)
            .await
            .unwrap();
        assert_eq!(whole.text, "Hello from Bedröck", "{piece}");
    }
}

#[tokio::test]
async fn the_reason_of_an_end_is_told() {
    let Some(amazon) = CloudServer::amazon() else {
        return;
    };
    let room = room(&amazon, &[]);
    for (name, reason) in [
        ("guarded", FinishReason::Guardrail),
        ("longest", FinishReason::Length),
    ] {
        for stream in [false, true] {
            let whole = room
                .whole(&model(&format!("bedrock/a.{name}")), stream)
                .await
                .unwrap();
            assert_eq!(whole.finish, reason, "{name}");
        }
    }
}

#[tokio::test]
async fn failures_before_the_first_word_have_their_status() {
    let Some(amazon) = CloudServer::amazon() else {
        return;
    };
    let room = room(&amazon, &[]);
    for (name, stream, wire, asked) in [
        ("busy", false, "429: Too Many Requests", 1),
        ("throttled", true, "429: Too Many Requests", 1),
        ("unwell", true, "500: Internal Server Error", 3),
        ("small", false, "400: Bad Request - prompt is too long", 1),
        ("small", true, "400: Bad Request - prompt is too long", 1),
    ] {
        let before = amazon.requests().len();
        let error = room
            .whole(&model(&format!("bedrock/a.{name}")), stream)
            .await
            .unwrap_err();
        assert!(error.wire().starts_with(wire), "{name}: {}", error.wire());
        assert_eq!(amazon.requests().len() - before, asked, "{name}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_tells_what_came_and_why() {
    let Some(amazon) = CloudServer::amazon() else {
        return;
    };
    let room = room(&amazon, &[]);
    for (name, log) in [
        ("broken", "modelStreamErrorException: it broke"),
        ("damaged", "its checksum is wrong"),
        ("oversized", "larger than"),
        ("cut", "ended before the answer did"),
    ] {
        let asked = room
            .ask(
                &model(&format!("bedrock/a.{name}")),
                request(true),
                budget(),
            )
            .await;
        let said: Vec<_> = StreamExt::collect(asked.unwrap()).await;
        let (last, texts) = said.split_last().unwrap();
        assert!(matches!(texts[0], Ok(Event::Text(_))), "{name}: {said:?}");
        let error = last.as_ref().unwrap_err();
        assert!(error.log().contains(log), "{name}: {}", error.log());
    }
}

#[tokio::test]
async fn a_key_of_bedrocks_needs_no_signature() {
    let Some(amazon) = CloudServer::amazon() else {
        return;
    };
    let operators = room(&amazon, &[("AWS_BEARER_TOKEN_BEDROCK", "bedrock-key")]);
    let wanted = model(&format!("bedrock/{CLAUDE}"));
    operators.whole(&wanted, true).await.unwrap();
    assert_eq!(
        amazon.last().header("authorization"),
        Some("Bearer bedrock-key")
    );
    // a key of the request's counts more than all else, right or wrong
    let mut own = wanted.clone();
    own["api_key"] = json!("bedrock-key");
    room(&amazon, &[]).whole(&own, false).await.unwrap();
    assert_eq!(amazon.last().header("x-amz-date"), None);
    own["api_key"] = json!("something-else");
    let error = operators.whole(&own, false).await.unwrap_err();
    assert!(
        error.wire().starts_with("403: Forbidden"),
        "{}",
        error.wire()
    );
    assert!(!error.log().contains("something-else"));
}

#[tokio::test]
async fn hosts_are_amazons_and_the_operators_list_holds_for_them() {
    let some = Room::with(&[("DUOGATE_MODELS__ALLOWED_HOSTS", "*.eu-west-1.amazonaws.com")]);
    assert!(some.target(&model("bedrock/eu-west-1/m")).is_ok());
    let refused = some.target(&model("bedrock/us-east-1/m")).unwrap_err();
    assert!(refused.contains("models.allowed_hosts"), "{refused}");
    // what looks like no region is a part of the model's name
    let refused = some
        .target(&model("bedrock/evil.example/x-1/m"))
        .unwrap_err();
    assert!(refused.contains("models.allowed_hosts"), "{refused}");
    let broken = Room::with(&[("AWS_REGION", "evil.example/")]);
    let refused = broken.target(&model("bedrock/m")).unwrap_err();
    assert!(refused.contains("AWS_REGION_NAME"), "{refused}");
    // an address of metadata is asked for nothing, whoever names it
    let metadata = Room::with(&[("AWS_BEDROCK_RUNTIME_ENDPOINT", "http://169.254.169.254")]);
    let refused = metadata.target(&model("bedrock/m")).unwrap_err();
    assert!(refused.contains("link-local"), "{refused}");
}
