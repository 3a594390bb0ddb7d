//! What a failure looks like, for each kind of client: JSON, trailers-only gRPC, plain text.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::{DoorKind, ResponseBody, empty_body, full_body};
use crate::foundation::Blame;

/// gRPC status codes that we send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum GrpcCode {
    /// The request is not what the protocol allows.
    InvalidArgument = 3,
    /// A deadline of ours passed.
    DeadlineExceeded = 4,
    /// A limit was met.
    ResourceExhausted = 8,
    /// No such method.
    Unimplemented = 12,
    /// A fault of ours or of the server behind us.
    Internal = 13,
    /// Try again later.
    Unavailable = 14,
    /// No valid token.
    Unauthenticated = 16,
}

/// A failure before any byte of an answer was sent.
#[derive(Clone, Debug)]
pub struct Problem {
    /// HTTP status for HTTP clients.
    pub status: StatusCode,
    /// Status for gRPC clients.
    pub grpc: GrpcCode,
    /// Whose fault it is.
    pub blame: Blame,
    /// One sentence for the client; names nothing internal.
    pub detail: Cow<'static, str>,
    /// Words for the operator's log; never content or secrets.
    pub log: Option<String>,
    /// Seconds after which a retry makes sense.
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem without a separate log text.
    pub fn new(
        status: StatusCode,
        grpc: GrpcCode,
        blame: Blame,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            grpc,
            blame,
            detail: detail.into(),
            log: None,
            retry_after: None,
        }
    }

    /// Adds words for the operator.
    #[must_use]
    pub fn with_log(mut self, log: impl Into<String>) -> Self {
        self.log = Some(log.into());
        self
    }

    /// Adds a `Retry-After` in seconds.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The answer in the form that clients of this door read.
    pub fn into_response(self, door: DoorKind) -> Response<ResponseBody> {
        match door {
            DoorKind::Gateway => self.into_json(),
            DoorKind::Agent => self.into_trailers_only(),
            DoorKind::Admin | DoorKind::Clear => self.into_text(),
        }
    }

    /// `{"detail": "..."}` with the status.
    pub fn into_json(self) -> Response<ResponseBody> {
        let body = serde_json::json!({ "detail": self.detail }).to_string();
        self.respond(self.status, "application/json", full_body(body))
    }

    /// One line of plain text with the status.
    pub fn into_text(self) -> Response<ResponseBody> {
        let body = format!("{}\n", self.detail);
        self.respond(self.status, "text/plain; charset=utf-8", full_body(body))
    }

    /// HTTP 200 whose headers carry the gRPC status (gRPC over HTTP/2, "Trailers-Only").
    pub fn into_trailers_only(self) -> Response<ResponseBody> {
        let mut response = self.respond(StatusCode::OK, "application/grpc", empty_body());
        let headers = response.headers_mut();
        headers.insert("grpc-status", HeaderValue::from(self.grpc as u16));
        let message: String =
            percent_encoding::utf8_percent_encode(&self.detail, GRPC_MESSAGE).collect();
        if let Ok(message) = HeaderValue::from_str(&message) {
            headers.insert("grpc-message", message);
        }
        response
    }

    fn respond(
        &self,
        status: StatusCode,
        content_type: &'static str,
        body: ResponseBody,
    ) -> Response<ResponseBody> {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// gRPC percent-encodes what is not printable ASCII, and the percent sign.
const GRPC_MESSAGE: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b'%');

impl From<Problem> for Bytes {
    fn from(problem: Problem) -> Self {
        Bytes::from(format!("{}\n", problem.detail))
    }
}
