//! One request on its way through the room.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header, request::Parts};
use http_body::Body;
use http_body_util::BodyExt;

use super::{gateway::Visit, refusal::Refusal, settings::Services};
use crate::{
    access::Caller,
    http::{RequestBody, RequestContext},
};

/// What an endpoint works with.
#[derive(Debug)]
pub(super) struct Call {
    /// What the room was given.
    pub(super) services: Arc<Services>,
    /// The request without its body.
    pub(super) head: Arc<Parts>,
    /// What is known of the request beside itself.
    pub(super) context: Arc<RequestContext>,
    /// Who asks.
    pub(super) caller: Arc<Caller>,
    /// What stands in the place of the name in braces.
    pub(super) rest: String,
    body: RequestBody,
}

impl Call {
    pub(super) fn new(visit: &Visit, caller: Arc<Caller>, rest: &str, body: RequestBody) -> Self {
        Self {
            services: Arc::clone(&visit.services),
            head: Arc::clone(&visit.head),
            context: Arc::clone(&visit.context),
            caller,
            rest: rest.to_owned(),
            body,
        }
    }

    /// The headers of the request.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The whole body, which has to call itself JSON (http-api 2.0). The http room bounds it.
    pub(super) async fn read_json(&mut self) -> Result<Bytes, Refusal> {
        let kind = self.headers().get(header::CONTENT_TYPE);
        if !kind.is_some_and(|kind| is_json(kind.as_bytes())) {
            let problem = "must be application/json";
            return Err(Refusal::field("Content-Type", problem));
        }
        let mut whole = BytesMut::new();
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| Refusal::body(&error))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if whole.is_empty() && self.body.is_end_stream() {
                return Ok(data);
            }
            // Joined at once: a list of a million tiny chunks would be larger than they are.
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }

    /// Notes for the access log why this request got no success.
    pub(super) fn note_failure(&self, words: impl Into<String>) {
        let _ = self.context.entry.failure.set(words.into());
    }

    /// Whether GitLab's administrator asked for contents in the log (http-api 4.5).
    pub(super) fn is_verbose(&self) -> bool {
        let wanted = self.headers().get(VERBOSE);
        self.services.settings.log_contents || wanted.is_some_and(|value| value == "true")
    }
}

fn is_json(content_type: &[u8]) -> bool {
    let kind = content_type
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default();
    let kind = kind.trim_ascii().to_ascii_lowercase();
    kind == b"application/json" || (kind.starts_with(b"application/") && kind.ends_with(b"+json"))
}

/// An instance-wide switch in GitLab.
const VERBOSE: &str = "x-gitlab-enabled-instance-verbose-ai-logs";
