//! Why a model did not answer.

use http::StatusCode;

use super::{
    redaction::Redaction,
    refusal::{DecodeError, Refusal},
};
use crate::{foundation::Blame, upstream::UpstreamError};

/// Why calls cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The configured model cannot be asked.
    #[error("{0}")]
    Default(String),
    /// A header that cannot be sent.
    #[error(
        "models.extra_headers: {name} cannot be sent as a header; names and values are visible ASCII"
    )]
    Header {
        /// Its name; the value may be a secret.
        name: String,
    },
    /// A server that cannot be asked.
    #[error("models.endpoints: {url} {problem}")]
    Endpoint {
        /// As it was written, without user and password.
        url: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Files or proxies.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelError {
    pub(super) kind: ErrorKind,
    /// `host:port` of the server.
    pub(super) place: String,
    /// What the log says beside the kind: the system's or the server's words, bounded and without
    /// keys.
    pub(super) detail: String,
    /// Seconds that the server asks for.
    pub(super) retry_after: Option<u32>,
    /// Whether the prompt is longer than the model's window.
    pub(super) is_too_long: bool,
    /// A parameter of ours that the server does not take.
    pub(super) parameter: Option<&'static str>,
    /// Whether no key was sent.
    pub(super) is_keyless: bool,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorKind {
    /// The server answered with this status.
    Status(StatusCode),
    /// There is no way to it: refused, unresolvable, TLS.
    Unreachable,
    /// It closed the connection where an answer should begin.
    Reset,
    /// It closed the connection in the middle of an answer.
    Cut,
    /// It did not answer in time.
    Timeout,
    /// Its answer is not what the wire says.
    Malformed,
    /// Its answer is larger than any.
    TooLarge,
    /// An error stands where its answer should be.
    InStream,
    /// All places that the operator gives to its calls are taken.
    Busy,
    /// It failed several times and is left alone for a while.
    Resting,
    /// Nobody was asked: the operator's credentials are no good; what to do about them.
    Credentials(&'static str),
}

impl ModelError {
    pub(super) fn new(kind: ErrorKind, place: String, detail: impl Into<String>) -> Self {
        Self {
            kind,
            place,
            detail: detail.into(),
            retry_after: None,
            is_too_long: false,
            parameter: None,
            is_keyless: false,
        }
    }

    /// What a server says in the place of an answer, as far as it may be told.
    pub(super) fn told(place: String, refusal: &Refusal, redaction: &Redaction) -> Self {
        let kind = refusal
            .status
            .map_or(ErrorKind::InStream, ErrorKind::Status);
        Self {
            is_too_long: refusal.is_too_long,
            parameter: refusal.parameter.filter(|_| !refusal.is_too_long),
            ..Self::new(kind, place, redaction.words(&refusal.words))
        }
    }

    /// What makes an answer none.
    pub(super) fn decoding(place: String, error: DecodeError, redaction: &Redaction) -> Self {
        match error {
            DecodeError::Malformed(reason) => Self::new(ErrorKind::Malformed, place, reason),
            DecodeError::TooLarge(reason) => Self::new(ErrorKind::TooLarge, place, reason),
            DecodeError::Told(refusal) => Self::told(place, &refusal, redaction),
        }
    }

    /// The status as GitLab knows it from the reference (models-and-prompts 7).
    pub fn code(&self) -> u16 {
        match self.kind {
            // codes that only one vendor has, such as 529, mean nothing to GitLab
            ErrorKind::Status(status)
                if (status.is_client_error() || status.is_server_error())
                    && status.canonical_reason().is_some() =>
            {
                status.as_u16()
            }
            ErrorKind::Timeout => 408,
            ErrorKind::Busy => 429,
            ErrorKind::Resting => 503,
            ErrorKind::Credentials(_) => 401,
            _ => 500,
        }
    }

    /// `<code>: <reason>`, which Rails shows to administrators, and the cause behind it
    /// (http-api 2.4). Nothing of what the server said.
    pub fn wire(&self) -> String {
        let code = self.code();
        let reason = StatusCode::from_u16(code).ok();
        let reason = reason.and_then(|status| status.canonical_reason());
        format!("{code}: {} - {}", reason.unwrap_or("Unknown"), self.cause())
    }

    /// The same with place and detail, for the operator.
    pub fn log(&self) -> String {
        let detail = if self.detail.is_empty() {
            String::new()
        } else {
            format!(": {}", self.detail)
        };
        format!("model server {}: {}{detail}", self.place, self.cause())
    }

    /// Seconds after which the server wants to be asked again.
    pub fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// Whether the prompt is longer than the model's window.
    pub fn is_prompt_too_long(&self) -> bool {
        self.is_too_long
    }

    /// Whether the server has too much to do, so that the same may be asked again soon.
    pub fn is_overloaded(&self) -> bool {
        matches!(self.label(), "overloaded" | "service_unavailable")
    }

    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        Blame::Upstream
    }

    /// Whether the server itself is in trouble, and not this call alone.
    pub fn is_trouble(&self) -> bool {
        match self.kind {
            ErrorKind::Status(status) => status.is_server_error(),
            ErrorKind::Unreachable | ErrorKind::Reset | ErrorKind::Cut | ErrorKind::Timeout => true,
            _ => false,
        }
    }

    /// Whether a caller with more patience than a call's attempts have may ask once more: the
    /// server fails, is away or broke off. Not where it was silent for all of the caller's time.
    pub fn may_pass(&self) -> bool {
        self.is_trouble() && self.kind != ErrorKind::Timeout
    }

    /// Whether nothing of the call has reached the server.
    pub(super) fn is_unsent(&self) -> bool {
        matches!(self.kind, ErrorKind::Unreachable)
    }

    /// Whether the same call may succeed in a moment.
    pub(super) fn is_passing(&self) -> bool {
        match self.kind {
            ErrorKind::Status(status) => matches!(status.as_u16(), 500 | 502 | 503 | 504 | 529),
            ErrorKind::Reset => true,
            _ => false,
        }
    }

    /// The word in the official metrics (http-api 4.8).
    pub(super) fn label(&self) -> &'static str {
        match self.kind {
            _ if self.is_too_long => "prompt_too_long",
            ErrorKind::Status(status) => match status.as_u16() {
                400 | 422 => "http_400",
                401 | 403 => "permission_error",
                413 => "prompt_too_long",
                429 | 529 => "overloaded",
                503 => "service_unavailable",
                _ => "other",
            },
            ErrorKind::Unreachable | ErrorKind::Reset | ErrorKind::Cut | ErrorKind::Timeout => {
                "connection_error"
            }
            ErrorKind::Busy => "overloaded",
            ErrorKind::Credentials(_) => "permission_error",
            ErrorKind::Resting => "service_unavailable",
            _ => "other",
        }
    }

    /// The word in our metric of failures.
    pub(super) fn reason(&self) -> &'static str {
        match self.kind {
            _ if self.is_too_long => "prompt_too_long",
            ErrorKind::Status(status) => match status.as_u16() {
                400 | 422 => "bad_request",
                401 | 403 => "credentials",
                404 => "not_found",
                413 => "prompt_too_long",
                429 => "rate_limited",
                500.. => "server_error",
                _ => "other_status",
            },
            ErrorKind::Unreachable => "unreachable",
            ErrorKind::Reset => "reset",
            ErrorKind::Cut => "cut",
            ErrorKind::Timeout => "timeout",
            ErrorKind::Malformed => "malformed",
            ErrorKind::TooLarge => "too_large",
            ErrorKind::InStream => "told",
            ErrorKind::Busy => "busy",
            ErrorKind::Resting => "resting",
            ErrorKind::Credentials(_) => "credentials",
        }
    }

    fn cause(&self) -> &'static str {
        match self.kind {
            // words that GitLab's chat looks for (models-and-prompts 5.5)
            _ if self.is_too_long => "prompt is too long for the model",
            ErrorKind::Status(status) => match status.as_u16() {
                400 | 422 => "the model server does not take the request",
                401 if self.is_keyless => {
                    "the model server asks for an API key and there is none; enter one with the model \
                     in GitLab"
                }
                401 => "the model server does not take the API key",
                403 => "the model server forbids it",
                404 => "the model server knows no such path or model",
                429 => "the model server has too much to do",
                300..=399 => "the model server redirects, which is not followed",
                500.. => "the model server failed",
                _ => "the model server refuses",
            },
            ErrorKind::Unreachable => "the model server cannot be reached",
            ErrorKind::Reset => "the model server closed the connection",
            ErrorKind::Cut => "the model server broke off in the middle of its answer",
            ErrorKind::Timeout => "the model server did not answer in time",
            ErrorKind::Malformed => {
                "the model server's answer is none of the API that it was asked by; do the endpoint \
                 and the identifier's prefix belong together, and does the path end in /v1?"
            }
            ErrorKind::TooLarge => "the model server's answer has no end",
            ErrorKind::InStream => "the model server reported an error in its answer",
            ErrorKind::Busy => "the model server has as many calls as the operator allows",
            ErrorKind::Resting => {
                "the model server failed several times and is left alone for a while"
            }
            ErrorKind::Credentials(remedy) => remedy,
        }
    }
}

impl std::fmt::Display for ModelError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.wire())
    }
}

impl std::error::Error for ModelError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_names_the_code_first_and_nothing_of_the_server() {
        for (kind, wire) in [
            (
                ErrorKind::Status(StatusCode::UNAUTHORIZED),
                "401: Unauthorized - ",
            ),
            (
                ErrorKind::Status(StatusCode::FOUND),
                "500: Internal Server Error - ",
            ),
            (ErrorKind::Unreachable, "500: Internal Server Error - "),
            (
                ErrorKind::Status(StatusCode::from_u16(529).unwrap()),
                "500: Internal Server Error - the model server failed",
            ),
            (ErrorKind::Timeout, "408: Request Timeout - "),
            (ErrorKind::Malformed, "500: Internal Server Error - "),
            (ErrorKind::Busy, "429: Too Many Requests - "),
            (ErrorKind::Resting, "503: Service Unavailable - "),
        ] {
            let error = ModelError::new(kind, "host:1".to_owned(), "said by the server");
            assert!(error.wire().starts_with(wire), "{}", error.wire());
            assert!(!error.wire().contains("said") && !error.wire().contains("host"));
            assert!(error.log().contains("said") && error.log().contains("host:1"));
        }
    }

    #[test]
    fn a_status_within_words_counts_and_a_long_prompt_is_called_one() {
        let refusal = Refusal {
            status: Some(StatusCode::TOO_MANY_REQUESTS),
            ..Refusal::default()
        };
        assert_eq!(
            ModelError::told("h".to_owned(), &refusal, &Redaction::default()).code(),
            429
        );
        let refusal = Refusal {
            is_too_long: true,
            parameter: Some("max_tokens"),
            ..Refusal::default()
        };
        let error = ModelError::told("h".to_owned(), &refusal, &Redaction::default());
        assert!(error.wire().contains("prompt is too long") && error.is_prompt_too_long());
        assert_eq!((error.parameter, error.label()), (None, "prompt_too_long"));
    }
}
