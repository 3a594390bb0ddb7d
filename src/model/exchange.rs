//! One request to a model server and the beginning of its answer.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::BodyExt;
use reqwest::Url;
use tokio::time::Instant;

use super::{
    ModelError, SetupError, Target,
    answer::Heard,
    error::ErrorKind,
    provider::{RefusedCall, STALE},
    redaction::Redaction,
    refusal::Refusal,
    stream::{LARGEST_ANSWER, ModelStream},
    target::place_of,
    told::Told,
};
use crate::{
    foundation::{Secret, Tasks},
    upstream::{ServiceBody, ServiceClient, UpstreamError},
};

/// Sends requests.
#[derive(Debug)]
pub(super) struct Exchange {
    client: ServiceClient,
    headers: HeaderMap,
    tasks: Tasks,
}

/// What is sent.
pub(super) struct Outgoing<'a> {
    pub(super) target: &'a Target,
    pub(super) url: &'a Url,
    pub(super) body: Bytes,
    /// Whether the answer is wanted piece by piece.
    pub(super) stream: bool,
    /// How long the server may be silent.
    pub(super) idle: Duration,
}

/// What a refusal is read by.
struct Sent {
    redaction: Redaction,
    authorized: Instant,
    has_key: bool,
}

impl Exchange {
    /// Sends with a client and the operator's headers, which count more than ours.
    pub(super) fn new(
        client: ServiceClient,
        extra: &[(String, Secret)],
    ) -> Result<Self, SetupError> {
        Ok(Self {
            client,
            headers: headers(extra)?,
            tasks: Tasks::new(),
        })
    }

    /// Sends a request and waits until the server says something: the first event of a stream, or
    /// all of a whole answer.
    pub(super) async fn send(&self, outgoing: Outgoing<'_>) -> Result<Heard, ModelError> {
        let headers = self.headers(&outgoing).await?;
        let sent = Sent {
            redaction: Redaction::of(&headers),
            authorized: Instant::now(),
            has_key: KEYS
                .iter()
                .any(|name| headers.get(name).is_some_and(HeaderValue::is_sensitive)),
        };
        let Outgoing {
            target,
            url,
            body,
            stream,
            idle,
        } = outgoing;
        let place = place_of(url);
        let fail = |kind, detail: String| ModelError::new(kind, place.clone(), detail);
        let response = self.client.send(Method::POST, url, headers, body).await;
        let response = response.map_err(|error| fail(kind(&error), error.reason()))?;
        let provider = target.provider.as_ref();
        if !response.status().is_success() {
            return Err(refused(target, sent, place, response).await);
        }
        let mut told = Told::of(target.identifier.model.clone());
        let (head, body) = response.into_parts();
        let kind = head.headers.get(header::CONTENT_TYPE);
        let kind = kind.map_or(&[][..], HeaderValue::as_bytes);
        if kind.starts_with(HTML) {
            return Err(fail(ErrorKind::Malformed, "it is HTML".to_owned()));
        }
        if stream && !kind.starts_with(JSON.as_bytes()) {
            let tasks = self.tasks.clone();
            let decoder = provider.stream();
            let mut stream =
                ModelStream::new(body, decoder, told, place, sent.redaction, idle, tasks);
            stream.begin().await?;
            return Ok(Heard::Stream(Box::new(stream)));
        }
        let body = read(body, LARGEST_ANSWER).await;
        let body = body.map_err(|(kind, detail)| fail(kind, detail))?;
        match provider.whole(&body, &mut told) {
            Ok(()) => Ok(Heard::Whole(told)),
            Err(error) => Err(ModelError::decoding(place, error, &sent.redaction)),
        }
    }

    async fn headers(&self, outgoing: &Outgoing<'_>) -> Result<HeaderMap, ModelError> {
        let mut headers = self.headers.clone();
        let accept = HeaderValue::from_static(if outgoing.stream { EVENTS } else { JSON });
        headers.entry(header::ACCEPT).or_insert(accept);
        let provider = &outgoing.target.provider;
        provider.authorize(outgoing, &mut headers).await?;
        Ok(headers)
    }
}

/// A refusal with a few words of the server's for the log.
async fn refused(
    target: &Target,
    sent: Sent,
    place: String,
    response: Response<ServiceBody>,
) -> ModelError {
    let status = response.status();
    let pause = response.headers().get(header::RETRY_AFTER);
    let pause = pause.and_then(|value| value.to_str().ok()?.trim().parse::<u32>().ok());
    let (head, body) = response.into_parts();
    let body = read(body, LARGEST_REFUSAL);
    let call = RefusedCall {
        headers: &head.headers,
        authorized: sent.authorized,
        has_own_key: target.api_key.is_some(),
    };
    let mut refusal = match tokio::time::timeout(REFUSAL_TIME, body).await {
        Ok(Ok(body)) => target.provider.refusal(&call, &body),
        _ => Refusal::default(),
    };
    refusal.status = Some(status);
    let mut error = ModelError::told(place, &refusal, &sent.redaction);
    error.is_keyless = !sent.has_key;
    error.detail = format!("{} {}", status.as_u16(), error.detail);
    if matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    ) {
        error.retry_after = pause.map(|seconds| seconds.min(LONGEST_RETRY_AFTER));
    }
    let is_about_body = matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY
    );
    if !is_about_body && error.parameter != Some(STALE) {
        error.parameter = None;
    }
    error
}

/// Our headers of every call under those of the operator.
pub(super) fn headers(extra: &[(String, Secret)]) -> Result<HeaderMap, SetupError> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    // a compressed stream would come in blocks
    let plain = HeaderValue::from_static("identity");
    headers.insert(header::ACCEPT_ENCODING, plain);
    for (name, value) in extra {
        let wrong = || SetupError::Header { name: name.clone() };
        let parsed = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
        if FRAMING.contains(&parsed) {
            return Err(wrong());
        }
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(parsed, value);
    }
    Ok(headers)
}

fn kind(error: &UpstreamError) -> ErrorKind {
    match error {
        UpstreamError::ConnectTimeout { .. } | UpstreamError::HeaderTimeout { .. } => {
            ErrorKind::Timeout
        }
        UpstreamError::Busy { .. } => ErrorKind::Busy,
        error if error.was_sent() => ErrorKind::Reset,
        UpstreamError::Reset { .. } => ErrorKind::Reset,
        _ => ErrorKind::Unreachable,
    }
}

async fn read(mut body: ServiceBody, limit: usize) -> Result<BytesMut, (ErrorKind, String)> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| (ErrorKind::Cut, error.reason()))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if whole.len() + data.len() > limit {
            return Err((ErrorKind::TooLarge, format!("more than {limit} bytes")));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}

/// Where a key stands, whatever else the operator's headers hold.
const KEYS: [HeaderName; 4] = [
    header::AUTHORIZATION,
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const HTML: &[u8] = b"text/html";

/// Headers that belong to the connection and not to the operator.
const FRAMING: [HeaderName; 6] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
];

/// A refusal's words are a sentence.
const LARGEST_REFUSAL: usize = 64 * 1024;

/// They come with the head.
const REFUSAL_TIME: Duration = Duration::from_secs(1);

/// A day; whoever says more means never.
const LONGEST_RETRY_AFTER: u32 = 86_400;
