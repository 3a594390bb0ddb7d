//! Gemini and Vertex AI, by a stand-in that judges service accounts.

use std::{sync::Arc, time::Duration};

use duogate::model::{FinishReason, Message, Tool, ToolCall, ToolResult, Usage};
use serde_json::{Value, json};

use super::{Room, budget, request};
use crate::support::{Folder, cloud_server::CloudServer, token_key::TokenKey};

/// The stand-in, the folder with its key, and the file of its service account.
struct Account {
    google: CloudServer,
    folder: Folder,
    file: String,
    json: String,
}

impl Account {
    fn start() -> Option<Self> {
        let folder = Folder::new();
        let key = TokenKey::new("key-1");
        let public = folder
            .write("public.pem", key.public_pem())
            .display()
            .to_string();
        let google = CloudServer::google(&public)?;
        let account = json!({
            "type": "service_account", "project_id": "p", "private_key_id": "key-1",
            "private_key": key.pem(), "client_email": "robot@project.iam.gserviceaccount.com",
            "token_uri": format!("{}/token", google.url()),
        });
        let json = account.to_string();
        let file = folder.write("account.json", &json).display().to_string();
        Some(Self {
            google,
            folder,
            file,
            json,
        })
    }

    /// A room with a project at the stand-in, and these variables besides.
    fn room(&self, variables: &[(&str, &str)]) -> Room {
        let url = self.google.url();
        let known = [
            ("VERTEXAI_API_BASE", url.as_str()),
            ("AIGW_GOOGLE_CLOUD_PLATFORM__PROJECT", "my-project"),
        ];
        Room::with(&[&known[..], variables].concat())
    }

    fn with_file(&self) -> Room {
        self.room(&[("GOOGLE_APPLICATION_CREDENTIALS", &self.file)])
    }
}

fn model(identifier: &str) -> Value {
    json!({
        "provider": "openai", "name": "general", "endpoint": "http://vertex.invalid/v1",
        "api_key": null, "identifier": identifier,
    })
}

#[tokio::test]
async fn gemini_is_asked_in_the_project() {
    let Some(account) = Account::start() else {
        return;
    };
    let room = account.with_file();
    for (stream, method) in [
        (false, "generateContent"),
        (true, "streamGenerateContent?alt=sse"),
    ] {
        let mut wanted = request(stream);
        wanted.stop = ["a", "b", "c", "d", "e", "f"]
            .map(ToOwned::to_owned)
            .to_vec();
        let answer = room
            .ask(&model("vertex_ai/gemini-2.5-pro"), wanted, budget())
            .await
            .unwrap();
        let whole = answer.collect().await.unwrap();
        assert_eq!(
            (whole.text.as_str(), whole.finish),
            ("Hello from Göögle", FinishReason::Stop)
        );
        let usage = Usage {
            input_tokens: 7,
            output_tokens: 5,
        };
        assert_eq!(whole.usage, Some(usage));
        let asked = account.google.last();
        let place =
            "/v1/projects/my-project/locations/global/publishers/google/models/gemini-2.5-pro";
        assert_eq!(asked.path, format!("{place}:{method}"));
        assert_eq!(asked.header("authorization"), Some("Bearer ya29.1"));
        let expected = json!({
            "contents": [{"role": "user", "parts": [{"text": "say \"hi\""}]}],
            "system_instruction": {"parts": [{"text": "be brief"}]},
            "generationConfig": {
                "temperature": 0.0, "max_output_tokens": 64,
                "stop_sequences": ["a", "b", "c", "d", "e"],
            },
        });
        assert_eq!(asked.body(), expected);
    }
    assert_eq!(account.google.count("/token"), 1, "a token is kept");
}

#[tokio::test]
async fn mistral_is_asked_by_its_own_wire() {
    let Some(account) = Account::start() else {
        return;
    };
    let room = account.room(&[
        ("GOOGLE_APPLICATION_CREDENTIALS", &account.file),
        ("VERTEXAI_LOCATION", "europe-west4"),
    ]);
    for (stream, method) in [(false, "rawPredict"), (true, "streamRawPredict")] {
        let whole = room
            .whole(&model("vertex_ai/codestral-2501"), stream)
            .await
            .unwrap();
        assert_eq!(whole.text, "Hello from Göögle");
        let asked = account.google.last();
        let place = "/v1/projects/my-project/locations/europe-west4/publishers/mistralai/models/codestral-2501";
        assert_eq!(asked.path, format!("{place}:{method}"));
        let body = asked.body();
        assert_eq!(
            (&body["model"], &body["max_tokens"]),
            (&json!("codestral-2501"), &json!(64))
        );
    }
}

#[tokio::test]
async fn claude_is_asked_for_messages() {
    let Some(account) = Account::start() else {
        return;
    };
    let room = account.with_file();
    for (stream, method) in [(false, "rawPredict"), (true, "streamRawPredict")] {
        let wanted = model("vertex_ai/claude-sonnet-4-5@20250929");
        let whole = room.whole(&wanted, stream).await.unwrap();
        assert_eq!(
            (whole.text.as_str(), whole.finish),
            ("Hello from Göögle", FinishReason::Stop)
        );
        let asked = account.google.last();
        let place = "/v1/projects/my-project/locations/global/publishers/anthropic/models";
        assert_eq!(
            asked.path,
            format!("{place}/claude-sonnet-4-5@20250929:{method}")
        );
        let body = asked.body();
        assert_eq!(body["anthropic_version"], "vertex-2023-10-16");
        assert_eq!(body["messages"][0]["content"][0]["text"], "say \"hi\"");
    }
}

#[tokio::test]
async fn a_key_opens_gemini_without_a_project() {
    let Some(account) = Account::start() else {
        return;
    };
    let room = Room::with(&[("GEMINI_API_KEY", "operators-key")]);
    let mut wanted = model("gemini/gemini-2.5-flash");
    wanted["endpoint"] = json!(account.google.url());
    wanted["api_key"] = json!("gemini-key");
    for (stream, method) in [
        (false, "generateContent"),
        (true, "streamGenerateContent?alt=sse"),
    ] {
        let whole = room.whole(&wanted, stream).await.unwrap();
        assert_eq!(whole.text, "Hello from Göögle");
        let asked = account.google.last();
        assert_eq!(
            asked.path,
            format!("/v1beta/models/gemini-2.5-flash:{method}")
        );
        assert_eq!(asked.header("x-goog-api-key"), Some("gemini-key"));
        assert_eq!(asked.header("authorization"), None);
    }
    // the operator's own key is for Google, not for whom a request names
    let before = account.google.requests().len();
    wanted["api_key"] = json!(null);
    let error = room.whole(&wanted, false).await.unwrap_err();
    assert!(
        error.wire().contains("enter one as the API key"),
        "{}",
        error.wire()
    );
    assert_eq!(account.google.requests().len(), before);
}

#[tokio::test]
async fn tools_are_offered_wanted_and_answered() {
    let Some(account) = Account::start() else {
        return;
    };
    let room = account.with_file();
    for stream in [false, true] {
        let mut wanted = request(stream);
        let call = |id: &str| ToolCall {
            id: id.to_owned(),
            name: "read_file".to_owned(),
            arguments: r#"{"path": "a"}"#.to_owned(),
        };
        let result = |id: &str, is_error| {
            Message::Tool(ToolResult {
                id: id.to_owned(),
                text: "what came".to_owned(),
                is_error,
            })
        };
        wanted.messages.extend([
            Message::Assistant {
                text: "So:".to_owned(),
                tool_calls: vec![call("a"), call("b")],
            },
            result("a", false),
            result("b", true),
        ]);
        wanted.tools = vec![Arc::new(Tool::new(
            "read_file".to_owned(),
            "Reads a file.".to_owned(),
            json!({
                "type": "object", "properties": {"path": {"type": "string"}}, "additionalProperties": false,
            }),
        ))];
        let answer = room
            .ask(&model("vertex_ai/gemini-tools"), wanted, budget())
            .await
            .unwrap();
        let whole = answer.collect().await.unwrap();
        assert_eq!(
            (whole.text.as_str(), whole.finish),
            ("", FinishReason::ToolCalls)
        );
        let calls: Vec<_> = whole
            .tool_calls
            .iter()
            .map(|call| (call.id.as_str(), call.name.as_str()))
            .collect();
        assert_eq!(
            calls,
            [("call-abc-0", "read_file"), ("call-abc-1", "read_file")]
        );
        assert_eq!(whole.tool_calls[0].arguments, r#"{"path":"README.md"}"#);
        let body = account.google.last().body();
        let called = json!({"functionCall": {"name": "read_file", "args": {"path": "a"}}});
        let response = |said: &str| json!({"functionResponse": {"name": "read_file", "response": {said: "what came"}}});
        assert_eq!(
            body["contents"][1],
            json!({"role": "model", "parts": [{"text": "So:"}, called, called]})
        );
        assert_eq!(
            body["contents"][2],
            json!({"role": "user", "parts": [response("output"), response("error")]})
        );
        let declared = json!([{"functionDeclarations": [{
            "name": "read_file", "description": "Reads a file.",
            "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
        }]}]);
        assert_eq!(body["tools"], declared);
    }
}

#[tokio::test]
async fn ends_and_refusals_are_told() {
    let Some(account) = Account::start() else {
        return;
    };
    let room = account.with_file();
    for stream in [false, true] {
        for (name, reason) in [
            ("blocked", FinishReason::ContentFilter),
            ("longest", FinishReason::Length),
        ] {
            let whole = room
                .whole(&model(&format!("vertex_ai/gemini-{name}")), stream)
                .await
                .unwrap();
            assert_eq!(whole.finish, reason, "{name}");
        }
        for (name, wire) in [
            ("busy", "429: Too Many Requests"),
            ("small", "400: Bad Request - prompt is too long"),
        ] {
            let error = room
                .whole(&model(&format!("vertex_ai/gemini-{name}")), stream)
                .await
                .unwrap_err();
            assert!(error.wire().starts_with(wire), "{name}: {}", error.wire());
        }
    }
}

#[tokio::test]
async fn tokens_come_from_every_place_and_are_renewed() {
    let Some(account) = Account::start() else {
        return;
    };
    let google = &account.google;
    let wanted = model("vertex_ai/gemini-2.5-pro");
    let login = json!({
        "type": "authorized_user", "client_id": "c", "client_secret": "s",
        "refresh_token": "refresh-me", "token_uri": format!("{}/token", google.url()),
    });
    let path = ".config/gcloud/application_default_credentials.json";
    std::fs::create_dir_all(account.folder.path().join(".config/gcloud")).unwrap();
    account.folder.write(path, login.to_string());
    let home = account.folder.path().display().to_string();
    let (address, json) = (google.address(), account.json.as_str());
    for (number, variable) in (1..).zip([
        ("AIGW_GOOGLE_CLOUD_PLATFORM__SERVICE_ACCOUNT_JSON_KEY", json),
        ("GOOGLE_APPLICATION_CREDENTIALS", account.file.as_str()),
        ("HOME", home.as_str()),
        ("GCE_METADATA_HOST", address.as_str()),
    ]) {
        account
            .room(&[variable])
            .whole(&wanted, false)
            .await
            .unwrap();
        let token = format!("Bearer ya29.{number}");
        assert_eq!(
            google.last().header("authorization"),
            Some(token.as_str()),
            "{}",
            variable.0
        );
    }
    // one that Google refuses is replaced within the call
    let room = account.with_file();
    room.whole(&wanted, false).await.unwrap();
    google.control(&json!({"revoke": true, "lifetime": 2}));
    tokio::time::sleep(Duration::from_millis(1100)).await;
    room.whole(&wanted, true).await.unwrap();
    assert_eq!(google.last().header("authorization"), Some("Bearer ya29.6"));
    // one that ends soon is renewed
    room.whole(&wanted, true).await.unwrap();
    assert_eq!(google.last().header("authorization"), Some("Bearer ya29.7"));
    // and one that has ended is missed
    google.control(&json!({"status": 503}));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let error = room.whole(&wanted, true).await.unwrap_err();
    assert!(
        error
            .wire()
            .starts_with("401: Unauthorized - this server has no credentials"),
        "{}",
        error.wire()
    );
    assert!(
        error.log().contains("503 unavailable: no tokens today"),
        "{}",
        error.log()
    );
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_said() {
    let Some(account) = Account::start() else {
        return;
    };
    let wanted = model("vertex_ai/gemini-2.5-pro");
    let refused = Room::with(&[]).target(&wanted).unwrap_err();
    assert!(
        refused.contains("AIGW_GOOGLE_CLOUD_PLATFORM__PROJECT"),
        "{refused}"
    );
    let write = |name: &str, text: &str| account.folder.write(name, text).display().to_string();
    let other = TokenKey::new("key-1").pem();
    let mut forged: Value = serde_json::from_str(&account.json).unwrap();
    forged["private_key"] = json!(other);
    let forged = write("forged.json", &forged.to_string());
    let federated = write("federated.json", r#"{"type": "external_account"}"#);
    let broken = write(
        "broken.json",
        r#"{"type": "service_account", "private_key": "secret-key"}"#,
    );
    let gone = account.folder.path().join("gone").display().to_string();
    for (file, words) in [
        (&forged, "gives no credentials: 400 invalid_grant"),
        (&federated, "is of a type that is not read here"),
        (&broken, "private_key: holds no private key"),
        (&gone, "there is no such file"),
    ] {
        let room = account.room(&[("GOOGLE_APPLICATION_CREDENTIALS", file)]);
        let error = room.whole(&wanted, false).await.unwrap_err();
        assert!(error.log().contains(words), "{words}: {}", error.log());
        assert!(!error.log().contains("secret-key"), "{}", error.log());
    }
}
