//! Models on Azure: a stand-in of its shape, and another for Entra ID.

use std::time::Duration;

use duogate::model::FinishReason;
use serde_json::{Value, json};

use super::{KEY, Room, metadata};
use crate::support::model_server::{ModelServer, Reply};

const RESPONSES: &str = include_str!("../golden/responses.sse");

/// What Rails sends for a deployment at a server.
fn deployment(server: &ModelServer, identifier: &str) -> Value {
    let mut wanted = metadata(server);
    wanted["name"] = json!("gpt");
    wanted["endpoint"] = json!(root(server));
    wanted["identifier"] = json!(identifier);
    wanted
}

fn root(server: &ModelServer) -> String {
    server.url().trim_end_matches("/v1").to_owned()
}

fn answer(body: &Value) -> Reply {
    let kind = ("Content-Type", "application/json");
    Reply::Status(200, vec![kind], body.to_string())
}

#[tokio::test]
async fn a_deployment_is_asked_however_its_endpoint_is_typed() {
    let server = ModelServer::start("hi");
    let room = Room::with(&[("AZURE_API_VERSION", "2024-10-21")]);
    let path = "/openai/deployments/my-dep/chat/completions?api-version=";
    for (typed, version) in [
        ("", "2024-10-21"),
        ("/", "2024-10-21"),
        ("/openai", "2024-10-21"),
        (
            "/openai/deployments/my-dep/chat/completions?api-version=2024-06-01",
            "2024-06-01",
        ),
        ("/openai/deployments/my-dep", "2024-10-21"),
    ] {
        for stream in [false, true] {
            let mut wanted = deployment(&server, "azure/my-dep");
            wanted["endpoint"] = json!(format!("{}{typed}", root(&server)));
            let whole = room.whole(&wanted, stream).await.unwrap();
            assert_eq!(whole.text, "hi");
            let asked = server.last();
            assert_eq!(asked.path, format!("{path}{version}"), "{typed}");
            assert_eq!(asked.header("api-key"), Some(KEY));
            assert_eq!(asked.header("authorization"), None);
            assert_eq!(asked.body["model"], "my-dep");
        }
    }
    let mut wanted = deployment(&server, "azure/my-dep");
    wanted["endpoint"] = json!(format!("{}/openai/v1", root(&server)));
    room.whole(&wanted, false).await.unwrap();
    let asked = server.last();
    assert_eq!(asked.path, "/openai/v1/chat/completions");
    let bearer = format!("Bearer {KEY}");
    assert_eq!(asked.header("authorization"), Some(bearer.as_str()));

    let text = deployment(&server, "azure_text/my-dep");
    assert!(room.target(&text).unwrap().is_text_completion());
    room.whole(&text, false).await.unwrap();
    let asked = server.last();
    let expected = "/openai/deployments/my-dep/completions?api-version=2024-10-21";
    assert_eq!(asked.path, expected);
    assert!(asked.body["prompt"].is_string());
}

#[tokio::test]
async fn parameters_are_named_by_the_model_and_else_as_the_server_wants() {
    let server = ModelServer::start("hi");
    let room = Room::with(&[]);
    let mut wanted = deployment(&server, "azure/gpt-5-mini");
    wanted["name"] = json!("general");
    room.whole(&wanted, false).await.unwrap();
    let body = server.last().body;
    assert_eq!(body["max_completion_tokens"], 64);
    assert!(body["temperature"].is_null() && body["max_tokens"].is_null());

    // a deployment whose name says nothing
    let refusal = json!({"error": {
        "message": "Unsupported parameter: 'max_tokens' is not supported with this model.",
        "param": "max_tokens", "code": "unsupported_parameter",
    }});
    let kind = vec![("Content-Type", "application/json")];
    server.reply(Reply::Status(400, kind, refusal.to_string()));
    wanted["identifier"] = json!("azure/my-dep");
    let before = server.requests().len();
    room.whole(&wanted, false).await.unwrap_err();
    let bodies: Vec<Value> = server
        .requests()
        .into_iter()
        .skip(before)
        .map(|r| r.body)
        .collect();
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0]["max_tokens"], 64);
    assert_eq!(bodies[1]["max_completion_tokens"], 64);
}

#[tokio::test]
async fn coding_models_are_asked_by_the_newer_api() {
    let server = ModelServer::with(Reply::Events(RESPONSES.to_owned()));
    let room = Room::with(&[]);
    let wanted = deployment(&server, "azure/gpt-5-codex");
    let whole = room.whole(&wanted, true).await.unwrap();
    assert_eq!(whole.text, "I will read é.");
    assert_eq!(whole.finish, FinishReason::ToolCalls);
    assert_eq!(whole.tool_calls[0].arguments, "{\"path\":\"a\"}");
    let asked = server.last();
    assert_eq!(asked.path, "/openai/v1/responses?api-version=preview");
    assert_eq!(asked.header("api-key"), Some(KEY));
    assert_eq!(asked.body["instructions"], "be brief");
    assert_eq!(asked.body["input"][0]["content"][0]["text"], "say \"hi\"");

    // half a stream is none, and an error in it is told
    let half = RESPONSES.split("event: response.completed").next().unwrap();
    server.reply(Reply::Events(half.to_owned()));
    let error = room.whole(&wanted, true).await.unwrap_err();
    assert!(error.wire().contains("broke off"), "{}", error.wire());
    let failed = r#"{"type":"error","code":"x","message":"no"}"#;
    server.reply(Reply::Events(format!("event: error\ndata: {failed}\n\n")));
    let error = room.whole(&wanted, true).await.unwrap_err();
    assert!(
        error.wire().contains("reported an error"),
        "{}",
        error.wire()
    );
}

#[tokio::test]
async fn claude_and_models_of_others_are_asked_in_their_ways() {
    let hello = json!({"content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn"});
    let server = ModelServer::with(answer(&hello));
    let room = Room::with(&[]);
    let wanted = deployment(&server, "azure_ai/claude-opus-4-1");
    assert_eq!(room.whole(&wanted, false).await.unwrap().text, "hi");
    let asked = server.last();
    assert_eq!(asked.path, "/anthropic/v1/messages");
    assert_eq!(asked.header("x-api-key"), Some(KEY));
    assert_eq!(asked.header("api-key"), Some(KEY));
    assert_eq!(asked.header("anthropic-version"), Some("2023-06-01"));

    server.reply(Reply::Pieces(vec!["hi".to_owned()]));
    let mut wanted = deployment(&server, "azure_ai/mistral-large");
    wanted["endpoint"] = json!(format!("{}/models", root(&server)));
    assert_eq!(room.whole(&wanted, true).await.unwrap().text, "hi");
    let asked = server.last();
    assert_eq!(asked.path, "/models/chat/completions");
    let bearer = format!("Bearer {KEY}");
    assert_eq!(asked.header("authorization"), Some(bearer.as_str()));
}

#[tokio::test]
async fn refusals_have_their_codes_and_keep_keys_to_themselves() {
    let refusal = json!({"error": {"code": "401", "message": format!("wrong key {KEY}")}});
    for (status, wire) in [
        (401, "401: Unauthorized"),
        (404, "404: Not Found"),
        (429, "429: Too Many Requests"),
    ] {
        let kind = vec![("Content-Type", "application/json")];
        let server = ModelServer::with(Reply::Status(status, kind, refusal.to_string()));
        for identifier in ["azure/my-dep", "azure/gpt-5-codex", "azure_ai/claude-x"] {
            let wanted = deployment(&server, identifier);
            let error = Room::with(&[]).whole(&wanted, true).await.unwrap_err();
            assert!(error.wire().starts_with(wire), "{}", error.wire());
            assert!(!format!("{error:?} {}", error.log()).contains(KEY));
        }
    }
    let room = Room::with(&[]);
    let mut wanted = deployment(&ModelServer::start("hi"), "azure/my-dep");
    wanted["endpoint"] = json!("");
    let missing = room.target(&wanted).unwrap_err();
    assert!(
        missing.contains("endpoint: is missing; write the resource's URL"),
        "{missing}"
    );
}

const SECRET: &str = "secret~of/the application";
const TOKEN: &str = "eyJ.token-of-entra";

/// A public server's variables for an application.
fn application(authority: &ModelServer, azure: &ModelServer) -> [(&'static str, String); 5] {
    [
        ("AZURE_TENANT_ID", "tenant-1".to_owned()),
        ("AZURE_CLIENT_ID", "client-1".to_owned()),
        ("AZURE_CLIENT_SECRET", SECRET.to_owned()),
        ("AZURE_AUTHORITY_HOST", root(authority)),
        ("AZURE_API_BASE", root(azure)),
    ]
}

fn room(variables: &[(&'static str, String)]) -> Room {
    let variables = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    Room::with(&variables.collect::<Vec<_>>())
}

#[tokio::test]
async fn without_a_key_a_token_of_entra_id_is_asked_for_once() {
    let token = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": TOKEN});
    let authority = ModelServer::with(answer(&token));
    let azure = ModelServer::start("hi");
    let room = room(&application(&authority, &azure));
    let mut wanted = deployment(&azure, "azure/my-dep");
    wanted["api_key"] = Value::Null;
    let calls = (0..5).map(|_| room.whole(&wanted, false));
    for whole in futures_util::future::join_all(calls).await {
        assert_eq!(whole.unwrap().text, "hi");
    }
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(azure.last().header("authorization"), Some(bearer.as_str()));
    assert_eq!(azure.last().header("api-key"), None);
    let asked = authority.requests();
    assert_eq!(asked.len(), 1, "once for all who wait");
    assert_eq!(asked[0].path, "/tenant-1/oauth2/v2.0/token");
    let form = String::from_utf8(asked[0].raw.clone()).unwrap();
    let expected = "grant_type=client_credentials&client_id=client-1&\
                    client_secret=secret%7Eof%2Fthe+application&\
                    scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default";
    assert_eq!(form, expected);

    // a key in the request counts more, and a token goes to no other host
    wanted["api_key"] = json!(KEY);
    room.whole(&wanted, false).await.unwrap();
    assert_eq!(azure.last().header("authorization"), None);
    let other = ModelServer::start("hi");
    let mut wanted = deployment(&other, "azure/my-dep");
    wanted["api_key"] = Value::Null;
    room.whole(&wanted, false).await.unwrap();
    assert_eq!(other.last().header("authorization"), None);
    // what azure refuses repeats no token
    let words = json!({"error": {"message": format!("bad {TOKEN}")}}).to_string();
    azure.reply(Reply::Status(403, Vec::new(), words));
    let mut wanted = deployment(&azure, "azure/my-dep");
    wanted["api_key"] = Value::Null;
    let error = room.whole(&wanted, false).await.unwrap_err();
    assert!(!format!("{error:?} {}", error.log()).contains(TOKEN));
}

#[tokio::test]
async fn a_token_that_ends_is_asked_for_anew() {
    let token = json!({"expires_in": 1, "access_token": TOKEN});
    let authority = ModelServer::with(answer(&token));
    let azure = ModelServer::start("hi");
    let room = room(&application(&authority, &azure));
    let mut wanted = deployment(&azure, "azure/my-dep");
    wanted["api_key"] = Value::Null;
    for _ in 0..2 {
        room.whole(&wanted, false).await.unwrap();
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    assert_eq!(authority.requests().len(), 2);
}

#[tokio::test]
async fn a_token_that_azure_refuses_is_replaced_within_the_call() {
    let token = json!({"expires_in": 3599, "access_token": TOKEN});
    let authority = ModelServer::with(answer(&token));
    let azure = ModelServer::start("hi");
    let room = room(&application(&authority, &azure));
    let mut wanted = deployment(&azure, "azure/my-dep");
    wanted["api_key"] = Value::Null;
    room.whole(&wanted, false).await.unwrap();
    // what was fetched just now has no better at its source
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let words = "Unauthorized. Access token is missing, invalid, or has expired.";
    let refusal = json!({"error": {"code": "401", "message": words}}).to_string();
    let refusal = Reply::Status(401, Vec::new(), refusal);
    azure.reply(Reply::Sequence(vec![
        refusal,
        answer(
            &json!({"choices": [{"message": {"content": "hi again"}, "finish_reason": "stop"}]}),
        ),
    ]));
    assert_eq!(room.whole(&wanted, false).await.unwrap().text, "hi again");
    assert_eq!(authority.requests().len(), 2);
}

#[tokio::test]
async fn what_entra_id_refuses_is_told_with_the_remedy() {
    let words = format!("AADSTS7000215: Invalid client secret provided: {SECRET}");
    let refusal = json!({"error": "invalid_client", "error_description": words});
    for reply in [
        Reply::Status(401, Vec::new(), refusal.to_string()),
        Reply::Status(200, Vec::new(), "<html>".to_owned()),
        answer(&json!({"access_token": ""})),
        Reply::Reset,
    ] {
        let authority = ModelServer::with(reply.clone());
        let azure = ModelServer::start("hi");
        let room = room(&application(&authority, &azure));
        let mut wanted = deployment(&azure, "azure/my-dep");
        wanted["api_key"] = Value::Null;
        for _ in 0..2 {
            let error = room.whole(&wanted, false).await.unwrap_err();
            assert!(
                error.wire().starts_with("401: Unauthorized - Entra ID"),
                "{}",
                error.wire()
            );
            assert!(error.wire().contains("AZURE_"), "{}", error.wire());
            assert!(!format!("{error:?} {}", error.log()).contains(SECRET));
        }
        assert!(azure.requests().is_empty(), "{reply:?}");
        assert_eq!(
            authority.requests().len(),
            1,
            "left alone for a while: {reply:?}"
        );
    }
}
