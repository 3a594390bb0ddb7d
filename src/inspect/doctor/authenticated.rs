//! What only a caller with a token sees: that it is asked for, that it is taken, and that a model
//! answers within the time of GitLab's "Test connection" (gitlab-clients 1.4).

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Version, header};
use http_body_util::Full;
use serde_json::{Value, json};

use super::{
    Finding,
    answerer::shown,
    api::{Caller, unanswered},
    certificate::Judge,
    protocols,
};
use crate::{
    inspect::{CallerToken, ModelUnderTest},
    upstream::{Exchange, Probe, ProbeError, UpstreamError},
};

/// What it takes to ask with a token, over connections that are judged before anything secret goes.
pub(super) struct Authenticated<'a> {
    pub(super) probe: &'a Probe,
    pub(super) caller: Caller<'a>,
    pub(super) judge: Judge<'a>,
    pub(super) address: SocketAddr,
    pub(super) token: Option<&'a CallerToken>,
    pub(super) model: Option<&'a ModelUnderTest>,
}

impl Authenticated<'_> {
    /// Every finding that was asked for.
    pub(super) async fn look(&self) -> Vec<Finding> {
        if self.token.is_none() && self.model.is_none() {
            return Vec::new();
        }
        let mut findings = Vec::new();
        if self.token.is_some() {
            findings.push(self.without_token().await);
            findings.push(self.with_token().await);
        }
        if let Some(model) = self.model {
            findings.push(self.model(model).await);
        }
        findings
    }

    async fn without_token(&self) -> Finding {
        let request = self.caller.request(Method::GET, "/", Version::HTTP_11);
        match self.send(request, None).await {
            Ok(Ok(answer)) if answer.head.status == StatusCode::UNAUTHORIZED => {
                Finding::ok(WITHOUT, "a request without a token is refused")
            }
            Ok(Ok(answer)) => Finding::warning(
                WITHOUT,
                format!(
                    "a request without a token is answered {}: whoever reaches this port uses your \
                     models",
                    answer.head.status.as_u16()
                ),
                "switch AIGW_AUTH__BYPASS_EXTERNAL off, or set auth.required to true",
            ),
            Ok(Err(error)) => unanswered(WITHOUT, &error),
            Err(finding) => finding,
        }
    }

    async fn with_token(&self) -> Finding {
        let request = self.caller.request(Method::GET, "/", Version::HTTP_11);
        match self.send(request, self.token).await {
            Ok(Ok(answer)) if answer.head.status == StatusCode::UNAUTHORIZED => Finding::problem(
                WITH,
                format!("the token is refused: {}", said(&answer)),
                "is it younger than an hour, and is its GitLab the one that Duogate knows (gitlab, or \
                 AIGW_GITLAB_URL)? /readyz on Duogate's operator port tells whether that GitLab's keys \
                 could be fetched",
            ),
            Ok(Ok(answer)) if answer.head.status.is_server_error() => Finding::problem(
                WITH,
                format!("{}: {}", answer.head.status, said(&answer)),
                "the keys of GitLab could not be fetched yet: /readyz on Duogate's operator port \
                 tells why",
            ),
            Ok(Ok(_)) => Finding::ok(WITH, "the token is taken"),
            Ok(Err(error)) => unanswered(WITH, &error),
            Err(finding) => finding,
        }
    }

    async fn model(&self, model: &ModelUnderTest) -> Finding {
        let mut request = self.caller.request(Method::POST, CHECK, Version::HTTP_11);
        let body = check(model).to_string();
        *request.body_mut() = Full::from(body);
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        match self.send(request, self.token).await {
            Ok(Ok(answer)) => judged(model, &answer),
            Ok(Err(UpstreamError::HeaderTimeout { .. })) => Finding::problem(
                MODEL,
                "no answer within the 3 seconds that GitLab waits",
                "the gateway or the model server hangs; the gateway's log tells which",
            ),
            Ok(Err(error)) => unanswered(MODEL, &error),
            Err(finding) => finding,
        }
    }

    /// Sends a request over a fresh connection; what is secret only where the certificate is believed.
    async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        token: Option<&CallerToken>,
    ) -> Result<Result<Exchange, UpstreamError>, Finding> {
        let failed = |error: ProbeError| protocols::failed(&error, WITH);
        let (shown, stream) = self.probe.shake(self.address, &[]).await.map_err(failed)?;
        if !self.judge.believes(&shown.chain) {
            return Err(Finding::warning(
                WITH,
                "not looked at: nothing secret is sent to a server whose certificate is not believed",
                "first the certificate, as said above; for a private authority name it by --ca-file",
            ));
        }
        if let Some(token) = token {
            request.headers_mut().extend(token.headers());
        }
        let caller = Caller {
            patience: PATIENCE,
            ..self.caller
        };
        Ok(caller.ask(stream, request).await)
    }
}

fn judged(model: &ModelUnderTest, answer: &Exchange) -> Finding {
    let status = answer.head.status;
    let said = model.reason(&answer.body);
    let problem = |seen: String, remedy: &str| Finding::problem(MODEL, seen, remedy);
    match status {
        StatusCode::OK => Finding::ok(
            MODEL,
            "the model answers; GitLab's \"Test connection\" passes",
        ),
        StatusCode::MISDIRECTED_REQUEST => problem(
            format!("the model server failed: {said}"),
            "are endpoint, identifier and API key right, as seen from the gateway's host, and is the \
             server running?",
        ),
        StatusCode::UNAUTHORIZED => problem(
            format!("the gateway asks for a token: {said}"),
            "write one of GitLab's into a file and name it by --token-file",
        ),
        StatusCode::FORBIDDEN => problem(
            format!("the token does not allow it: {said}"),
            "take a token of a user with Duo; it needs the permission complete_code",
        ),
        StatusCode::UNPROCESSABLE_ENTITY => problem(
            format!("refused: {said}"),
            "correct what it names, here and in GitLab",
        ),
        _ => problem(
            format!("{status}: {said}"),
            "the log of the gateway tells more, under this request's correlation id",
        ),
    }
}

fn said(answer: &Exchange) -> String {
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let said = ["detail", "error"]
        .into_iter()
        .find_map(|key| json.get(key)?.as_str());
    shown(said.unwrap_or("no details"))
}

/// What Rails sends for "Test connection".
fn check(model: &ModelUnderTest) -> Value {
    json!({
        "inputs": {},
        "stream": false,
        "model_metadata": {
            "provider": "openai",
            "name": model.family,
            "endpoint": model.endpoint,
            "api_key": model.api_key,
            "identifier": model.identifier.as_deref().unwrap_or_default(),
        },
    })
}

const WITHOUT: &str = "no token";
const WITH: &str = "token";
const MODEL: &str = "model";

/// The slash of the prompt's name as Rails writes it.
const CHECK: &str = "/v1/prompts/model_configuration%2Fcheck";

/// As long as GitLab waits (gitlab-clients 1.4).
const PATIENCE: Duration = Duration::from_secs(3);
