//! The wire to the ACME server: our client under the protocol library.
//!
//! It adds what the library lacks: our name, the operator's proxy, a bound on bodies, Retry-After
//! also of refusals, counts of refusals, orders whose server does not say back what they replace,
//! and errors that say which status came when the body explains nothing.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode,
    header::{RETRY_AFTER, USER_AGENT},
};
use http_body_util::{BodyExt, Limited};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use super::error::closed_kind;
use crate::{
    config::Proxies,
    foundation::Clock,
    telemetry::{AcmeErrorLabels, Metrics},
    upstream::{ClientSettings, TrustRoots, UpstreamError, outgoing_client},
};

/// An HTTP client for ACME. Clones share the memory of the last Retry-After.
#[derive(Clone, Debug)]
pub(super) struct AcmeHttp {
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    retry_after: Arc<Mutex<Option<Duration>>>,
}

impl AcmeHttp {
    /// A client that believes `roots` and counts refusals in `metrics`.
    pub(super) fn new(
        roots: &TrustRoots,
        proxies: &Proxies,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, UpstreamError> {
        let settings = ClientSettings {
            user_agent: OUR_NAME.to_owned(),
            timeout: CALL_TIME,
            connect_timeout: CONNECT_TIME,
        };
        Ok(Self {
            client: outgoing_client(roots, proxies, settings)?,
            clock,
            metrics,
            retry_after: Arc::default(),
        })
    }

    /// What the last answer said about when to come again, once.
    pub(super) fn take_retry_after(&self) -> Option<Duration> {
        self.lock().take()
    }

    /// The same client with a memory of its own for Retry-After: each server asks for itself.
    pub(super) fn apart(&self) -> Self {
        Self {
            retry_after: Arc::default(),
            ..self.clone()
        }
    }

    /// A document that needs no signature: a directory, renewal information.
    pub(super) async fn get(&self, address: &str) -> Result<Bytes, Error> {
        let request = Request::builder()
            .uri(address)
            .body(BodyWrapper::<Bytes>::default())?;
        let mut answer = self.clone().exchange(request).await?;
        let body = answer.body.into_bytes().await.map_err(Error::Other)?;
        Ok(body)
    }

    async fn exchange(self, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Error> {
        let (mut parts, body) = request.into_parts();
        parts
            .headers
            .insert(USER_AGENT, HeaderValue::from_static(OUR_NAME));
        let Ok(body) = body.collect().await;
        let body = body.to_bytes();
        let replaces = replaces_of(&parts.method, &body);
        let (method, address) = (parts.method.clone(), parts.uri.to_string());
        let request = Request::from_parts(parts, body);
        let failure = |reason: String| wire_error(&method, &address, reason);
        let request = request
            .try_into()
            .map_err(|error: reqwest::Error| failure(chain(&error)))?;
        let response = self.client.execute(request).await;
        let response: http::Response<reqwest::Body> = response
            .map_err(|error| failure(chain(&error.without_url())))?
            .into();
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, BODY_BYTES)
            .collect()
            .await
            .map_err(|error| failure(format!("the answer broke off: {error}")))?
            .to_bytes();
        tracing::debug!(%method, address, status = parts.status.as_u16(), "asked the ACME server");
        self.remember(&parts.headers);
        self.count_refusal(parts.status, &body);
        if let Some(reason) = unexplained(&method, parts.status, &body) {
            return Err(failure(reason));
        }
        let body = match replaces {
            Some(replaces) if parts.status.is_success() => with_replaces(body, replaces),
            _ => body,
        };
        Ok(BytesResponse {
            parts,
            body: Box::new(body),
        })
    }

    fn count_refusal(&self, status: StatusCode, body: &[u8]) {
        if status.is_success() || status.is_redirection() {
            return;
        }
        let problem = serde_json::from_slice::<instant_acme::Problem>(body).ok();
        let kind = problem.as_ref().map_or("unexplained", closed_kind);
        let labels = AcmeErrorLabels { kind };
        self.metrics.acme_errors.get_or_create(&labels).inc();
    }

    fn remember(&self, headers: &HeaderMap) {
        *self.lock() = headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| parse_retry_after(value, self.clock.now()));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Duration>> {
        // Only ever replaced as a whole.
        self.retry_after
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpClient for AcmeHttp {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        Box::pin(self.clone().exchange(request))
    }
}

/// What a signed order says it replaces (RFC 9773 5); the payload is base64url in a JSON object.
fn replaces_of(method: &Method, body: &[u8]) -> Option<Value> {
    if method != Method::POST {
        return None;
    }
    let envelope: Value = serde_json::from_slice(body).ok()?;
    let payload = envelope.get("payload")?.as_str()?;
    let payload = data_encoding::BASE64URL_NOPAD
        .decode(payload.as_bytes())
        .ok()?;
    let mut payload: Value = serde_json::from_slice(&payload).ok()?;
    payload.get_mut("replaces").map(Value::take)
}

/// The answer to an order, with `replaces` in it. Some servers never say it back, and the library
/// then forgets an order that exists.
fn with_replaces(body: Bytes, replaces: Value) -> Bytes {
    let Ok(Value::Object(mut order)) = serde_json::from_slice(&body) else {
        return body;
    };
    if order.get("replaces") == Some(&replaces) {
        return body;
    }
    tracing::info!("the ACME server does not confirm which certificate the order replaces");
    order.insert("replaces".to_owned(), replaces);
    Value::Object(order).to_string().into()
}

/// A refusal that the library could not explain: it would complain about JSON instead.
fn unexplained(method: &Method, status: StatusCode, body: &[u8]) -> Option<String> {
    if status.is_success() || status.is_redirection() {
        return None;
    }
    let problem = serde_json::from_slice::<instant_acme::Problem>(body).ok();
    match problem {
        Some(_) if method == Method::POST => None,
        Some(problem) => Some(format!("status {status}: {problem}")),
        None => Some(format!("status {status} without an explanation")),
    }
}

/// Seconds, or a date of HTTP.
pub(super) fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = OffsetDateTime::parse(value, &Rfc2822).ok()?;
    SystemTime::from(date).duration_since(now).ok()
}

fn wire_error(method: &Method, address: &str, reason: String) -> Error {
    Error::Other(Box::new(WireError {
        request: format!("{method} {address}"),
        reason,
    }))
}

#[derive(Debug)]
struct WireError {
    request: String,
    reason: String,
}

impl fmt::Display for WireError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.request, self.reason)
    }
}

impl std::error::Error for WireError {}

/// An error with its causes; the outermost alone says too little.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// What we call ourselves; Boulder logs the first 100 bytes.
const OUR_NAME: &str = concat!("duogate/", env!("CARGO_PKG_VERSION"));

/// ACME answers are a few kB; a chain with many names may have 50.
const BODY_BYTES: usize = 1024 * 1024;

/// ACME servers answer within seconds even when they are busy.
const CALL_TIME: Duration = Duration::from_secs(30);

/// Across the world with two lost packets.
const CONNECT_TIME: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(946_684_740);
        assert_eq!(
            parse_retry_after(" 120 ", now),
            Some(Duration::from_secs(120))
        );
        let date = "Fri, 31 Dec 1999 23:59:59 GMT";
        assert_eq!(parse_retry_after(date, now), Some(Duration::from_secs(59)));
        let later = now + Duration::from_secs(3600);
        assert_eq!(parse_retry_after(date, later), None, "in the past");
        assert_eq!(parse_retry_after("soon", now), None);
    }

    #[test]
    fn what_an_order_replaces_is_put_into_an_answer_that_lacks_it() {
        let payload = data_encoding::BASE64URL_NOPAD.encode(br#"{"replaces":"a.b"}"#);
        let body = format!(r#"{{"protected":"x","payload":"{payload}","signature":"y"}}"#);
        let replaces = replaces_of(&Method::POST, body.as_bytes());
        assert_eq!(replaces, Some(Value::from("a.b")));
        assert_eq!(replaces_of(&Method::GET, body.as_bytes()), None);
        assert_eq!(replaces_of(&Method::POST, b"{}"), None);

        let answer = with_replaces(Bytes::from_static(b"{\"status\":\"ready\"}"), "a.b".into());
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        assert_eq!(answer["replaces"], "a.b");
        assert_eq!(answer["status"], "ready");
        let html = Bytes::from_static(b"<html>");
        assert_eq!(with_replaces(html.clone(), "a.b".into()), html);
    }

    #[test]
    fn a_refusal_without_a_problem_document_keeps_its_status() {
        let reason = unexplained(&Method::POST, StatusCode::BAD_GATEWAY, b"<html>");
        assert!(reason.expect("unexplained").contains("502"));
        let problem = br#"{"type":"urn:ietf:params:acme:error:badNonce","detail":"no"}"#;
        assert_eq!(
            unexplained(&Method::POST, StatusCode::BAD_REQUEST, problem),
            None
        );
        assert!(unexplained(&Method::GET, StatusCode::BAD_REQUEST, problem).is_some());
        assert_eq!(unexplained(&Method::HEAD, StatusCode::OK, b""), None);
    }
}
