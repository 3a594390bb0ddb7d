//! gRPC as GitLab's clients meet it: health, and whether GitLab's own service is behind it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, StatusCode, Version, header};
use http_body_util::Full;
use percent_encoding::percent_decode_str;

use super::{
    Finding,
    answerer::{Answerer, shown, text},
    api::{Caller, unanswered},
};
use crate::upstream::{Exchange, UpstreamError};

/// A unary call without a token.
#[derive(Clone, Copy, Debug)]
pub(super) enum Call {
    /// `grpc.health.v1.Health/Check` for a service.
    Health(&'static str),
    /// `DuoWorkflow/ListTools`: what GitLab's probe calls (gitlab-clients 2.1); without a token
    /// the right answer is a refusal.
    ListTools,
}

impl Call {
    /// The calls that are made, in this order.
    pub(super) const ALL: [Self; 3] = [
        Self::Health(""),
        Self::Health("DuoWorkflow"),
        Self::ListTools,
    ];

    /// The request: one message in gRPC's frame, no deadline but ours.
    pub(super) fn request(self, caller: &Caller<'_>) -> Request<Full<Bytes>> {
        let path = match self {
            Self::Health(_) => "/grpc.health.v1.Health/Check",
            Self::ListTools => "/DuoWorkflow/ListTools",
        };
        let mut request = caller.request(Method::POST, path, Version::HTTP_2);
        let headers = request.headers_mut();
        headers.remove(header::ACCEPT);
        headers.insert(header::CONTENT_TYPE, http::HeaderValue::from_static(GRPC));
        headers.insert(header::TE, http::HeaderValue::from_static("trailers"));
        *request.body_mut() = Full::new(self.message());
        request
    }

    fn message(self) -> Bytes {
        let service = match self {
            Self::Health(service) => service,
            Self::ListTools => "",
        };
        // field 1 (service), a string; an empty one is left out, as proto3 has it
        let mut message = Vec::new();
        if let (Ok(length), false) = (u8::try_from(service.len()), service.is_empty()) {
            message.extend([0x0a, length]);
            message.extend_from_slice(service.as_bytes());
        }
        let mut framed = vec![0];
        framed.extend(u32::try_from(message.len()).unwrap_or(0).to_be_bytes());
        framed.extend(message);
        framed.into()
    }

    fn subject(self) -> &'static str {
        match self {
            Self::Health("") => "grpc",
            Self::Health(_) => "grpc service",
            Self::ListTools => "grpc calls",
        }
    }
}

/// What an outcome means.
pub(super) fn judge(call: Call, outcome: &Result<Exchange, UpstreamError>) -> Finding {
    let subject = call.subject();
    let answer = match outcome {
        Ok(answer) => answer,
        Err(error) => return unanswered(subject, error),
    };
    let answerer = Answerer::of(&answer.head.headers);
    let kind = text(&answer.head.headers, &header::CONTENT_TYPE).unwrap_or_default();
    if answer.head.status != StatusCode::OK || !kind.starts_with(GRPC) {
        return not_grpc(subject, answer.head.status, &kind, &answerer);
    }
    let status = answer
        .trailers
        .as_ref()
        .and_then(status_of)
        .or_else(|| status_of(&answer.head.headers));
    match status {
        Some((code, message)) => by_status(call, code, &message, answer, &answerer),
        None => Finding::problem(
            subject,
            format!("the answer has no grpc-status; {} sent it", answerer.name()),
            "a proxy in between drops trailers: it has to speak HTTP/2 on both sides, or forward \
             TCP unchanged",
        ),
    }
}

fn by_status(
    call: Call,
    code: u16,
    message: &str,
    answer: &Exchange,
    answerer: &Answerer,
) -> Finding {
    let subject = call.subject();
    match (call, code) {
        (Call::Health(service), OK) => serving(subject, service, &answer.body),
        (Call::ListTools, OK | UNAUTHENTICATED | PERMISSION_DENIED) => {
            Finding::ok(subject, "GitLab's service answers, and asks for a token")
        }
        (_, UNAVAILABLE | DEADLINE_EXCEEDED) => Finding::problem(
            subject,
            format!("{} answers {}: {message}", answerer.name(), word(code)),
            "the Agent Platform behind Duogate is down or elsewhere: is its container running \
             (docker compose ps, docker compose logs gitlab-ai-gateway), and does `agent_platform` \
             in Duogate's configuration name its host and port 50052?",
        ),
        (Call::Health(service), NOT_FOUND | UNIMPLEMENTED) => Finding::warning(
            subject,
            format!(
                "gRPC passes, but health of {} is not known there ({})",
                named(service),
                word(code)
            ),
            "does `agent_platform` point to the Agent Platform and not to another gRPC service?",
        ),
        (Call::ListTools, UNIMPLEMENTED) => Finding::warning(
            subject,
            "gRPC passes, but GitLab's service is not there",
            "set agent_platform to the address of the official service, such as \
             http://gitlab-ai-gateway:50052",
        ),
        (Call::Health(_), UNAUTHENTICATED | PERMISSION_DENIED) => Finding::warning(
            subject,
            format!("gRPC passes, but health asks for a token ({})", word(code)),
            "let grpc.health.v1.Health pass without authentication where a probe needs it",
        ),
        _ => Finding::problem(
            subject,
            format!("{} answers {}: {message}", answerer.name(), word(code)),
            "the log of the Agent Platform tells more",
        ),
    }
}

fn serving(subject: &'static str, service: &str, body: &[u8]) -> Finding {
    match body {
        // a frame with one message: field 1 (status) is SERVING
        [0, 0, 0, 0, 2, 0x08, 1] => {
            Finding::ok(subject, format!("health of {}: SERVING", named(service)))
        }
        _ => Finding::problem(
            subject,
            format!("health of {}: not serving", named(service)),
            "the Agent Platform starts, stops or is ill; its log tells which",
        ),
    }
}

fn not_grpc(subject: &'static str, status: StatusCode, kind: &str, answerer: &Answerer) -> Finding {
    let kind = if kind.is_empty() {
        "no content type"
    } else {
        kind
    };
    let seen = format!(
        "gRPC does not get through: {} answers {} with {kind}",
        answerer.name(),
        status.as_u16()
    );
    let remedy = if answerer.is_ours() {
        "set agent_platform to the gRPC port (50052) of the Agent Platform and not to its HTTP port"
    } else {
        "the proxy in front routes gRPC as if it were HTTP/1.1: let Duogate have port 443, forward \
         TCP unchanged, or route /DuoWorkflow/ and /grpc.health.v1.Health/ as gRPC (nginx: grpc_pass)"
    };
    Finding::problem(subject, seen, remedy)
}

fn named(service: &str) -> &str {
    if service.is_empty() {
        "the server"
    } else {
        service
    }
}

/// Code and message out of trailers, or out of headers where the answer has nothing else.
fn status_of(headers: &HeaderMap) -> Option<(u16, String)> {
    let code = text(headers, &HeaderName::from_static("grpc-status"))?;
    let message = text(headers, &HeaderName::from_static("grpc-message")).unwrap_or_default();
    let message = percent_decode_str(&message)
        .decode_utf8_lossy()
        .into_owned();
    Some((code.parse().ok()?, shown(&message)))
}

fn word(code: u16) -> String {
    match code {
        DEADLINE_EXCEEDED => "DEADLINE_EXCEEDED".to_owned(),
        NOT_FOUND => "NOT_FOUND".to_owned(),
        PERMISSION_DENIED => "PERMISSION_DENIED".to_owned(),
        UNIMPLEMENTED => "UNIMPLEMENTED".to_owned(),
        UNAVAILABLE => "UNAVAILABLE".to_owned(),
        UNAUTHENTICATED => "UNAUTHENTICATED".to_owned(),
        code => format!("gRPC status {code}"),
    }
}

const GRPC: &str = "application/grpc";

// gRPC status codes
const OK: u16 = 0;
const DEADLINE_EXCEEDED: u16 = 4;
const NOT_FOUND: u16 = 5;
const PERMISSION_DENIED: u16 = 7;
const UNIMPLEMENTED: u16 = 12;
const UNAVAILABLE: u16 = 14;
const UNAUTHENTICATED: u16 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_framed_as_grpc_does() {
        assert_eq!(Call::Health("").message().as_ref(), [0; 5]);
        let named = Call::Health("DuoWorkflow").message();
        assert_eq!(&named[..7], [0, 0, 0, 0, 13, 0x0a, 11]);
        assert_eq!(&named[7..], b"DuoWorkflow");
    }

    #[test]
    fn a_status_is_read_with_its_message() {
        let mut headers = HeaderMap::new();
        assert_eq!(status_of(&headers), None);
        headers.insert("grpc-status", http::HeaderValue::from_static("14"));
        headers.insert("grpc-message", http::HeaderValue::from_static("50%25 down"));
        assert_eq!(status_of(&headers), Some((14, "50% down".to_owned())));
    }
}
