//! Who gets a request: one page, decided for each request and never by ALPN.

use std::sync::Arc;

use http::{Method, Request, Response, StatusCode, header, uri::Authority};

use super::{DoorKind, GrpcCode, Problem, ResponseBody, TokenTable, empty_body, full_body};
use crate::foundation::Blame;

/// Where a request goes.
#[derive(Debug)]
pub(super) enum Destination {
    /// The HTTP API or the gRPC service.
    Door(DoorKind),
    /// Answered on the spot: a challenge of ours, `OPTIONS *`, or a refusal.
    Answer(DoorKind, Response<ResponseBody>),
}

/// Decides in this order: a challenge we hold; gRPC; the HTTP API, `/monitoring/*` included.
pub(super) fn choose<B>(request: &Request<B>, tokens: &Arc<TokenTable>) -> Destination {
    if let Some(answer) = challenge(request, tokens) {
        return Destination::Answer(DoorKind::Gateway, answer);
    }
    let door = if is_grpc(request) {
        DoorKind::Agent
    } else {
        DoorKind::Gateway
    };
    if let Err(problem) = check_target(request) {
        return Destination::Answer(door, problem.into_response(door));
    }
    if request.method() == Method::OPTIONS && request.uri().path() == "*" {
        return Destination::Answer(door, server_options());
    }
    Destination::Door(door)
}

/// The answer to a challenge of ours, if the path names one.
pub(super) fn challenge<B>(
    request: &Request<B>,
    tokens: &Arc<TokenTable>,
) -> Option<Response<ResponseBody>> {
    let token = request.uri().path().strip_prefix(CHALLENGE_PREFIX)?;
    let key_authorization = tokens.key_authorization(token)?;
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return None;
    }
    let mut response = Response::new(full_body(key_authorization));
    let content_type = header::HeaderValue::from_static("application/octet-stream");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    Some(response)
}

/// gRPC by content type (`application/grpc` or `application/grpc+...`, never `grpc-web`) or by
/// the paths of the services we know.
fn is_grpc<B>(request: &Request<B>) -> bool {
    let path = request.uri().path();
    if GRPC_PATHS.iter().any(|prefix| path.starts_with(prefix)) {
        return true;
    }
    let Some(content_type) = request.headers().get(header::CONTENT_TYPE) else {
        return false;
    };
    let Some(rest) = content_type.as_bytes().strip_prefix(b"application/grpc") else {
        return false;
    };
    matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}

/// What HTTP/2 lets through and we do not: no authority, two different ones, user information,
/// and CONNECT that is not the WebSocket kind.
fn check_target<B>(request: &Request<B>) -> Result<(), Problem> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(bad_request(
            "the request names its host twice; send one Host",
        ));
    }
    let authority = request.uri().authority().map(Authority::as_str);
    let host = match host.map(http::HeaderValue::to_str) {
        Some(Err(_)) => return Err(bad_request("Host is not a name; send the server's name")),
        Some(Ok(host)) => Some(host),
        None => None,
    };
    match (authority, host) {
        (None, None | Some("")) => {
            return Err(bad_request(
                "the request names no host; send Host or :authority",
            ));
        }
        (Some(authority), Some(host)) if !authority.eq_ignore_ascii_case(host) => {
            return Err(bad_request(
                ":authority and Host differ; send the same name in both",
            ));
        }
        _ => {}
    }
    if authority.or(host).is_some_and(|name| name.contains('@')) {
        return Err(bad_request(
            "the host carries user information; send the name alone",
        ));
    }
    let websocket = request.extensions().get::<hyper::ext::Protocol>().is_some();
    if request.method() == Method::CONNECT && !websocket {
        return Err(bad_request(
            "CONNECT is not served here; this is no forward proxy",
        ));
    }
    Ok(())
}

fn bad_request(detail: &'static str) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        GrpcCode::InvalidArgument,
        Blame::Client,
        detail,
    )
}

/// `OPTIONS *` asks about the server as a whole.
fn server_options() -> Response<ResponseBody> {
    let mut response = Response::new(empty_body());
    let allow = header::HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    response.headers_mut().insert(header::ALLOW, allow);
    response
}

/// Where an ACME server looks for a token (RFC 8555 8.3).
const CHALLENGE_PREFIX: &str = "/.well-known/acme-challenge/";

/// Services that are gRPC whatever the content type says (gitlab-clients 3.6).
const GRPC_PATHS: [&str; 3] = [
    "/DuoWorkflow/",
    "/grpc.health.v1.Health/",
    "/grpc.reflection.",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn door(path: &str, content_type: &str) -> &'static str {
        let request = Request::builder()
            .uri(path)
            .header("host", "a.example")
            .header("content-type", content_type)
            .body(())
            .expect("a request");
        match choose(&request, &Arc::new(TokenTable::default())) {
            Destination::Door(door) => door.as_str(),
            Destination::Answer(..) => "answer",
        }
    }

    #[test]
    fn grpc_goes_by_content_type_or_path() {
        assert_eq!(door("/x.Y/Z", "application/grpc"), "agent");
        assert_eq!(door("/x.Y/Z", "application/grpc+proto"), "agent");
        assert_eq!(door("/x.Y/Z", "application/grpc; charset=x"), "agent");
        assert_eq!(door("/x.Y/Z", "application/grpc-web"), "gateway");
        assert_eq!(door("/x.Y/Z", "application/grpc-web+proto"), "gateway");
        assert_eq!(door("/DuoWorkflow/ListTools", "text/plain"), "agent");
        assert_eq!(door("/grpc.reflection.v1.ServerReflection/X", ""), "agent");
        assert_eq!(door("/v2/code/completions", "application/json"), "gateway");
        assert_eq!(door("/monitoring/healthz", ""), "gateway");
    }

    #[test]
    fn odd_authorities_are_refused() {
        let tokens = Arc::new(TokenTable::default());
        let request = Request::builder().uri("/").body(()).expect("a request");
        assert!(matches!(choose(&request, &tokens), Destination::Answer(..)));
        let request = Request::builder()
            .uri("https://a.example/")
            .header("host", "b.example")
            .body(())
            .expect("a request");
        assert!(matches!(choose(&request, &tokens), Destination::Answer(..)));
    }
}
