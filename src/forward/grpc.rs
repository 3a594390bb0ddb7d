//! What only gRPC needs: statuses in headers and trailers.

use http::{HeaderMap, HeaderValue, Response, StatusCode, header, response::Parts};

use super::fields::add_via;
use crate::{
    foundation::Blame,
    http::{GrpcCode, Problem, RequestContext, ResponseBody},
};

/// True for `application/grpc` and `application/grpc+...`.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let Some(rest) = kind.and_then(|kind| kind.get(GRPC.len()..)) else {
        return false;
    };
    let begins = kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with(GRPC));
    begins && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}

/// The status that headers or trailers carry.
pub(super) fn status_of(headers: &HeaderMap) -> Option<u16> {
    headers.get(GRPC_STATUS)?.to_str().ok()?.parse().ok()
}

/// When a gRPC call got an answer that is no gRPC, such as the error page of a proxy on the way,
/// the status that its HTTP status stands for; the page itself is of no use to the client.
pub(super) fn translate(parts: &Parts, context: &RequestContext) -> Option<Response<ResponseBody>> {
    let translated = status_page(parts)?;
    let status = parts.status;
    let words = format!("the upstream answered with HTTP status {status} instead of gRPC");
    let _ = context.entry.failure.set(words);
    Some(translated)
}

fn status_page(parts: &Parts) -> Option<Response<ResponseBody>> {
    let headers = &parts.headers;
    if headers.contains_key(GRPC_STATUS) || (parts.status == StatusCode::OK && is_grpc(headers)) {
        return None;
    }
    // The table of the gRPC specification, "HTTP to gRPC Status Code Mapping".
    let (code, word): (u16, _) = match parts.status.as_u16() {
        // 200 with another content type is no gRPC either.
        200 | 400 => (13, "INTERNAL"),
        401 => (16, "UNAUTHENTICATED"),
        403 => (7, "PERMISSION_DENIED"),
        404 => (12, "UNIMPLEMENTED"),
        429 | 502 | 503 | 504 => (14, "UNAVAILABLE"),
        _ => (2, "UNKNOWN"),
    };
    let detail = format!(
        "the server behind this gateway answered with HTTP status {} instead of gRPC ({word})",
        parts.status.as_u16()
    );
    let problem = Problem::new(StatusCode::OK, GrpcCode::Internal, Blame::Upstream, detail);
    let mut response = problem.into_trailers_only();
    let headers = response.headers_mut();
    headers.insert(GRPC_STATUS, HeaderValue::from(code));
    add_via(headers, parts.version);
    Some(response)
}

/// The end of a stream that broke off after its headers: a status, so that the client sees a
/// failure that it understands.
pub(super) fn broken_trailers(code: GrpcCode, message: &'static str) -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(2);
    trailers.insert(GRPC_STATUS, HeaderValue::from(code as u16));
    trailers.insert("grpc-message", HeaderValue::from_static(message));
    trailers
}

/// Where gRPC tells how a call ended.
const GRPC_STATUS: &str = "grpc-status";

/// The content type of gRPC.
const GRPC: &[u8] = b"application/grpc";

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, kind: &'static str) -> Parts {
        let response = Response::builder()
            .status(status)
            .header(header::CONTENT_TYPE, kind);
        response.body(()).expect("an answer").into_parts().0
    }

    #[test]
    fn pages_become_statuses() {
        for (status, kind, code) in [
            (502, "text/html", 14),
            (404, "text/html", 12),
            (403, "application/grpc", 7),
            (200, "text/html", 13),
            (418, "text/plain", 2),
        ] {
            let translated = status_page(&answer(status, kind)).expect("no gRPC");
            assert_eq!(translated.status(), 200);
            assert_eq!(
                status_of(translated.headers()),
                Some(code),
                "{status} {kind}"
            );
        }
    }

    #[test]
    fn grpc_passes() {
        for kind in [
            "application/grpc",
            "application/grpc+proto",
            "Application/gRPC; x",
        ] {
            assert!(status_page(&answer(200, kind)).is_none(), "{kind}");
        }
        assert!(!is_grpc(&answer(200, "application/grpc-web").headers));
    }
}
