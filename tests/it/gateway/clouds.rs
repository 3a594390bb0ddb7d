//! The whole way to Amazon and Google and back: GitLab's request, the real binary, a stand-in that
//! judges signatures and tokens.

use serde_json::{Value, json};

use super::{MODEL_KEY, open_gateway, post, with};
use crate::support::{Duogate, cloud_server::CloudServer, token_key::TokenKey};

/// What Rails sends for a completion by a model with this identifier.
fn completion(name: &str, identifier: &str) -> Value {
    json!({
        "prompt_version": 2,
        "current_file": {
            "file_name": "a.py", "language_identifier": "python",
            "content_above_cursor": "def a():\n    return ", "content_below_cursor": "\n",
        },
        "model_provider": "litellm", "model_name": name,
        "model_endpoint": "http://bedrockselfhosted.com/v1", "model_identifier": identifier,
    })
}

#[track_caller]
fn completes(edge: &Duogate, body: &Value, text: &str) {
    let whole = post(edge, &["--http2"], "/v2/code/completions", body);
    assert_eq!(whole.status, 200, "{whole:?}");
    assert_eq!(whole.json()["choices"][0]["text"], text);
    let body = with(body.clone(), "stream", true);
    let stream = post(edge, &["--http1.1"], "/v2/code/completions", &body);
    assert_eq!(
        (stream.status, stream.body.as_str()),
        (200, text),
        "{stream:?}"
    );
}

#[test]
fn bedrock_completes_code() {
    let Some(amazon) = CloudServer::amazon() else {
        return;
    };
    let edge = open_gateway()
        .environment("AWS_BEDROCK_RUNTIME_ENDPOINT", &amazon.url())
        .environment("AWS_ACCESS_KEY_ID", "AKIDENV")
        .environment("AWS_SECRET_ACCESS_KEY", "env-secret/+=")
        .environment("AWS_REGION_NAME", "eu-central-1")
        .start();
    let body = completion(
        "claude_3",
        "bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    );
    completes(&edge, &body, "Hello from Bedröck");
    let asked = amazon.requests();
    assert_eq!(asked.len(), 2);
    assert!(asked[1].path.ends_with("/converse-stream"), "{asked:?}");
    assert!(
        asked
            .iter()
            .all(|asked| asked.header("authorization").unwrap().starts_with("AWS4-"))
    );
    // a key that somebody typed into GitLab is taken for one of Bedrock's, and the log says so
    let typed = with(body, "model_api_key", MODEL_KEY);
    let refused = post(&edge, &[], "/v2/code/completions", &typed);
    assert!(refused.status >= 500, "{refused:?}");
    assert!(
        edge.log().contains("is used as a key of Bedrock"),
        "{}",
        edge.log()
    );
}

#[test]
fn without_credentials_the_answer_says_so_and_the_log_says_where_they_were_looked_for() {
    let edge = open_gateway()
        .environment("AWS_BEDROCK_RUNTIME_ENDPOINT", "http://127.0.0.1:9")
        .environment("AWS_EC2_METADATA_DISABLED", "true")
        .start();
    let body = json!({
        "inputs": {}, "stream": false,
        "model_metadata": {
            "provider": "openai", "name": "claude_3", "endpoint": "http://bedrockselfhosted.com/v1",
            "api_key": null, "identifier": "bedrock/anthropic.claude-3-haiku-20240307-v1:0",
        },
    });
    let answer = post(&edge, &[], "/v1/prompts/model_configuration%2Fcheck", &body);
    assert_eq!(answer.status, 421, "{answer:?}");
    let detail = answer.json()["detail"].take();
    let words = "401: Unauthorized - this server has no credentials for the model";
    assert!(detail.as_str().unwrap().starts_with(words), "{detail}");
    assert!(
        edge.log().contains("set AWS_BEARER_TOKEN_BEDROCK"),
        "{}",
        edge.log()
    );
}

#[test]
fn vertex_completes_code() {
    let settings = open_gateway();
    let key = TokenKey::new("key-1");
    let public = settings.folder().write("public.pem", key.public_pem());
    let Some(google) = CloudServer::google(&public.display().to_string()) else {
        return;
    };
    let account = json!({
        "type": "service_account", "private_key_id": "key-1", "private_key": key.pem(),
        "client_email": "robot@project.iam.gserviceaccount.com",
        "token_uri": format!("{}/token", google.url()),
    });
    let account = settings.folder().write("account.json", account.to_string());
    let edge = settings
        .environment("VERTEXAI_API_BASE", &google.url())
        .environment("AIGW_GOOGLE_CLOUD_PLATFORM__PROJECT", "my-project")
        .environment(
            "GOOGLE_APPLICATION_CREDENTIALS",
            &account.display().to_string(),
        )
        .start();
    for model in [
        "gemini-2.5-pro",
        "claude-sonnet-4-5@20250929",
        "codestral-2501",
    ] {
        let body = completion("claude_3", &format!("vertex_ai/{model}"));
        completes(&edge, &body, "Hello from Göögle");
    }
    assert_eq!(google.count("/token"), 1);
}
