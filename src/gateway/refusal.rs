//! What a failure looks like: statuses and bodies of http-api 2.0, on one page.

use std::borrow::Cow;

use http::{HeaderValue, Response, StatusCode, header};

use crate::{
    foundation::Blame,
    http::{BodyError, DoorKind, GrpcCode, Problem, ResponseBody, full_body},
};

/// An answer that is no success.
#[derive(Debug)]
pub(super) struct Refusal(Box<Content>);

#[derive(Debug)]
struct Content {
    status: StatusCode,
    /// `error` for 401, `detail` for all others (http-api 8, row 1).
    key: &'static str,
    detail: Cow<'static, str>,
    blame: Blame,
    log: Option<String>,
    retry_after: Option<u32>,
    allow: Option<&'static str>,
}

impl Refusal {
    /// `{"detail": ...}` with a status.
    pub(super) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Content {
            status,
            key: "detail",
            detail: detail.into(),
            blame: Blame::Client,
            log: None,
            retry_after: None,
            allow: None,
        }))
    }

    /// 401 `{"error": ...}`, the one status with that key.
    pub(super) fn unauthenticated(error: impl Into<Cow<'static, str>>) -> Self {
        let mut refusal = Self::new(StatusCode::UNAUTHORIZED, error);
        refusal.0.key = "error";
        refusal
    }

    /// 403.
    pub(super) fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 422 `<field>: <what is wrong and what to do>`; `problem` never holds the value.
    pub(super) fn field(field: impl AsRef<str>, problem: impl Into<Cow<'static, str>>) -> Self {
        let detail = format!("{}: {}", field.as_ref(), problem.into());
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// The same for a field that stands below a place.
    pub(super) fn below(mut self, place: &str) -> Self {
        self.0.detail = format!("{place}.{}", self.0.detail).into();
        self
    }

    /// 404 for a path that does not exist.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    /// 405 for a method that the path does not know.
    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        let mut refusal = Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
        refusal.0.allow = Some(allow);
        refusal
    }

    /// What became of a body that could not be read.
    pub(super) fn body(error: &BodyError) -> Self {
        let status = match error {
            BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::Idle { .. } | BodyError::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.to_string())
    }

    /// Says whose fault it is, where it is not the client's.
    pub(super) fn blame(mut self, blame: Blame) -> Self {
        self.0.blame = blame;
        self
    }

    /// Adds words for the operator; never content or secrets.
    pub(super) fn with_log(mut self, log: impl Into<String>) -> Self {
        self.0.log = Some(log.into());
        self
    }

    /// Adds a `Retry-After` in seconds.
    pub(super) fn with_retry_after(mut self, seconds: Option<u32>) -> Self {
        self.0.retry_after = seconds;
        self
    }

    /// The status.
    pub(super) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The sentence for the client.
    #[cfg(test)]
    pub(super) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What the operator's log says of it.
    pub(super) fn log(&self) -> &str {
        self.0.log.as_deref().unwrap_or(&self.0.detail)
    }

    /// The answer.
    pub(super) fn into_response(self) -> Response<ResponseBody> {
        let content = *self.0;
        let mut response = if content.key == "detail" {
            let mut problem = Problem::new(
                content.status,
                GrpcCode::InvalidArgument,
                content.blame,
                content.detail,
            );
            problem.retry_after = content.retry_after;
            problem.into_response(DoorKind::Gateway)
        } else {
            let body = serde_json::json!({ content.key: content.detail }).to_string();
            let mut response = Response::new(full_body(body));
            *response.status_mut() = content.status;
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            response
        };
        if let Some(allow) = content.allow {
            let allow = HeaderValue::from_static(allow);
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response
    }
}
