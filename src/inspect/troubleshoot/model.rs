//! Steps 2 and 7: the gateway, and a model by way of it.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{
    Endpoint, Line,
    client::{Client, Question, Reply},
};
use crate::inspect::ModelUnderTest;

/// Step 2.
pub(super) async fn gateway(client: &Client, endpoint: &Endpoint) -> Line {
    let url = endpoint.url("/monitoring/healthz");
    let question = Question {
        url: &url,
        outside: false,
        limit: LIMIT,
    };
    let problem = match client.get(&question).await {
        Ok(reply) if reply.status == StatusCode::OK => {
            return Line::good("AI Gateway is up and running");
        }
        Ok(reply) => format!("{url} answers {}", reply.status.as_u16()),
        Err(error) => format!("{endpoint}: {error}"),
    };
    let remedy = if endpoint.is_secure() {
        "is it running on that port, is the name in its certificate, and its authority known here \
         (--ca-file FILE)? For a port in clear write --endpoint http://HOST:PORT"
    } else {
        "is it running on that port? For one that speaks TLS write --endpoint https://NAME:PORT"
    };
    Line::bad(format!("AI Gateway is not running. {problem}"), remedy)
}

/// Step 7.
pub(super) async fn model(
    client: &Client,
    endpoint: &Endpoint,
    model: &ModelUnderTest,
    headers: Option<HeaderMap>,
) -> Line {
    let url = endpoint.url("/v2/code/generations");
    let question = Question {
        url: &url,
        outside: false,
        limit: LIMIT,
    };
    let has_token = headers.is_some();
    let asked = client.post(
        &question,
        headers.unwrap_or_default(),
        body(model).to_string(),
    );
    match asked.await {
        Ok(reply) if reply.status == StatusCode::OK => {
            Line::good(format!("Successfully accessed the {} model", model.family))
        }
        Ok(reply) => refused(model, &reply, has_token),
        Err(error) => Line::bad(
            format!("Failed to access the {} model: {error}", model.family),
            "the gateway's log tells where the time goes",
        ),
    }
}

fn refused(model: &ModelUnderTest, reply: &Reply, has_token: bool) -> Line {
    let said = model.reason(reply.body.as_bytes());
    let status = reply.status.as_u16();
    let key = match model.api_key {
        Some(_) => "given",
        None => "none",
    };
    let text = format!(
        "Failed to access the {} model (endpoint {}, identifier {}, API key {key}): {status} {said}",
        model.family,
        model.without_key(&model.endpoint),
        model.identifier.as_deref().unwrap_or("none"),
    );
    Line::bad(text, remedy(reply.status, has_token))
}

fn remedy(status: StatusCode, has_token: bool) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED if !has_token => {
            "the gateway asks for a token, as it should. Write one of GitLab's into a file and name \
             it (--token-file FILE), or start the gateway with AIGW_AUTH__BYPASS_EXTERNAL=true for \
             as long as you look; every other step above was made without one"
        }
        StatusCode::UNAUTHORIZED => {
            "the token is not taken: it is good for an hour, and its GitLab has to be the one that \
             the gateway knows"
        }
        StatusCode::FORBIDDEN => {
            "the token lacks the permission generate_code; take one of a user with Duo"
        }
        StatusCode::NOT_FOUND => {
            "is --endpoint the AI gateway, and not something else on that port?"
        }
        StatusCode::UNPROCESSABLE_ENTITY => "correct what it names, here and in GitLab",
        status if status.is_server_error() => {
            "the model server failed or is not reachable from the gateway: are endpoint, identifier \
             and API key right, and is it running?"
        }
        _ => "the gateway's log tells more, under the correlation id of the request",
    }
}

/// The request of http-api 6.
fn body(model: &ModelUnderTest) -> Value {
    json!({
        "project_path": "string",
        "project_id": 0,
        "current_file": {
            "file_name": "test.py",
            "language_identifier": "python",
            "content_above_cursor": "def hello:\n ",
            "content_below_cursor": "",
        },
        "model_provider": "litellm",
        "model_endpoint": model.endpoint,
        "model_api_key": model.api_key,
        "model_identifier": model.identifier,
        "model_name": model.family,
        "telemetry": [],
        "stream": false,
        "choices_count": 0,
        "context": [],
        "agent_id": "string",
        "prompt_id": "code_suggestions/generations",
        "prompt_version": 2,
        "prompt": "",
    })
}

/// http-api 6
const LIMIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_holds_the_key_whoever_repeats_it() {
        let model = ModelUnderTest {
            family: "mistral".to_owned(),
            endpoint: "http://h/v1?key=sk-secret".to_owned(),
            identifier: Some("bedrock/x".to_owned()),
            api_key: Some("sk-secret".to_owned()),
        };
        let reply = Reply {
            status: StatusCode::BAD_GATEWAY,
            body: r#"{"detail":"the key sk-secret\nis wrong"}"#.to_owned(),
        };
        let line = refused(&model, &reply, false);
        assert!(
            line.text.contains("502 the key ********** is wrong"),
            "{}",
            line.text
        );
        assert!(!format!("{line:?}{model:?}").contains("sk-secret"));
        assert_eq!(model.provider(), "bedrock");
        assert_eq!(ModelUnderTest::default().provider(), "custom_openai");
    }
}
