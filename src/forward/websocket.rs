//! WebSocket: an upgrade of HTTP/1.1, or an extended CONNECT of HTTP/2 (RFC 8441).

use std::sync::Arc;

use aws_lc_rs::digest;
use data_encoding::BASE64;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body::Body;
use hyper::{body::Incoming, ext::Protocol, upgrade::OnUpgrade};

use super::{
    answer::Hold,
    failure::Failure,
    fields::has_token,
    forwarder::{Pass, Route},
    outcome::Settlement,
    outgoing::OutgoingBody,
    response,
    tunnel::Tunnel,
};
use crate::{
    foundation::{Blame, Randomness, SystemRandomness},
    http::{GrpcCode, Problem, RequestBody, RequestContext, ResponseBody, StreamKind, empty_body},
};

/// True for a request that asks to switch to WebSocket. Other protocols, such as h2c, are not
/// offered: their Upgrade field is dropped and the request answered as it is.
pub(super) fn is_upgrade(request: &Request<RequestBody>) -> bool {
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && has_token(request.headers(), &header::UPGRADE, "websocket")
        && has_token(request.headers(), &header::CONNECTION, "upgrade")
        && request.body().is_end_stream()
}

/// Passes the upgrade on; when the upstream switches, so do we.
pub(super) async fn upgrade(
    route: &Arc<Route>,
    mut request: Request<RequestBody>,
    context: &Arc<RequestContext>,
    settlement: &mut Settlement,
) -> Result<Response<ResponseBody>, Failure> {
    let client = hyper::upgrade::on(&mut request);
    let (mut parts, _) = request.into_parts();
    route.rewrite(&mut parts, context);
    ask_for_websocket(&mut parts.headers);
    let outgoing = Request::from_parts(parts, OutgoingBody::empty());
    let (mut answer, hold) = route.send(outgoing).await?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(route.pass(answer, plain(hold), context, settlement));
    }
    if !has_token(answer.headers(), &header::UPGRADE, "websocket") {
        return Err(route
            .protocol_error("a switch to another protocol than asked")
            .into());
    }
    let upstream = hyper::upgrade::on(&mut answer);
    open(
        route,
        Ends {
            client,
            upstream,
            hold,
        },
        context,
        settlement,
    );
    let (mut parts, _) = answer.into_parts();
    response::rewrite(&mut parts);
    ask_for_websocket(&mut parts.headers);
    parts.extensions.insert(StreamKind::Tunnel);
    Ok(Response::from_parts(parts, empty_body()))
}

/// Makes an upgrade of HTTP/1.1 out of an extended CONNECT: a fresh key goes to the upstream,
/// and its proof ends here, for HTTP/2 has neither.
pub(super) async fn extended_connect(
    route: &Arc<Route>,
    mut request: Request<RequestBody>,
    context: &Arc<RequestContext>,
    settlement: &mut Settlement,
) -> Result<Response<ResponseBody>, Failure> {
    let protocol = request.extensions().get::<Protocol>();
    if !route.can_tunnel() || protocol.is_none_or(|protocol| protocol.as_str() != "websocket") {
        return Err(Failure::request(not_offered()));
    }
    let client = hyper::upgrade::on(&mut request);
    let (mut parts, _) = request.into_parts();
    route.rewrite(&mut parts, context);
    parts.method = Method::GET;
    let expected = ask_anew(&mut parts.headers);
    let outgoing = Request::from_parts(parts, OutgoingBody::empty());
    let (mut answer, hold) = route.send(outgoing).await?;
    if answer.status().is_success() {
        return Err(route
            .protocol_error("an answer without a switch to WebSocket")
            .into());
    }
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(route.pass(answer, plain(hold), context, settlement));
    }
    let accept = answer.headers().get(header::SEC_WEBSOCKET_ACCEPT);
    if accept.is_none_or(|accept| accept.as_bytes() != expected.as_bytes()) {
        return Err(route
            .protocol_error("a Sec-WebSocket-Accept that does not fit")
            .into());
    }
    let upstream = hyper::upgrade::on(&mut answer);
    let ends = Ends {
        client,
        upstream,
        hold,
    };
    open(route, ends, context, settlement);
    Ok(connected(answer))
}

/// The answer to an extended CONNECT that succeeded: the stream's bytes are the tunnel's.
fn connected(answer: Response<Incoming>) -> Response<ResponseBody> {
    let (mut parts, _) = answer.into_parts();
    response::rewrite(&mut parts);
    parts.status = StatusCode::OK;
    parts.headers.remove(header::SEC_WEBSOCKET_ACCEPT);
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.extensions.insert(StreamKind::Tunnel);
    Response::from_parts(parts, empty_body())
}

/// Writes the fields of an upgrade with a key of our own, and returns the proof to expect.
fn ask_anew(headers: &mut HeaderMap) -> String {
    ask_for_websocket(headers);
    let key = new_key(&SystemRandomness);
    let expected = accept_for(key.as_bytes());
    headers.insert(header::SEC_WEBSOCKET_KEY, key);
    headers
        .entry(header::SEC_WEBSOCKET_VERSION)
        .or_insert(HeaderValue::from_static("13"));
    expected
}

/// Both ends of a tunnel to be, and the upstream's connection.
struct Ends {
    client: OnUpgrade,
    upstream: OnUpgrade,
    hold: Hold,
}

fn open(route: &Route, ends: Ends, context: &Arc<RequestContext>, settlement: &mut Settlement) {
    let settings = &route.settings;
    let tunnel = Tunnel {
        client: ends.client,
        upstream: ends.upstream,
        hold: ends.hold,
        context: context.clone(),
        settlement: settlement.take(),
        idle: route.stream_idle(),
        shutdown: settings.shutdown.clone(),
    };
    settings.tasks.spawn("tunnel", tunnel.run());
}

/// A refusal of the upstream is passed on like any answer.
fn plain(hold: Hold) -> Pass {
    Pass {
        watch: None,
        grpc: false,
        hold,
    }
}

fn ask_for_websocket(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

/// Sixteen random bytes in base64 (RFC 6455 4.1).
fn new_key(randomness: &dyn Randomness) -> HeaderValue {
    let mut bytes = [0_u8; 16];
    randomness.fill(&mut bytes);
    HeaderValue::from_str(&BASE64.encode(&bytes)).expect("base64 is printable")
}

/// The proof that an upstream read the key (RFC 6455 4.2.2).
fn accept_for(key: &[u8]) -> String {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(key);
    context.update(KEY_SUFFIX);
    BASE64.encode(context.finish().as_ref())
}

fn not_offered() -> Problem {
    Problem::new(
        StatusCode::NOT_IMPLEMENTED,
        GrpcCode::Unimplemented,
        Blame::Client,
        "CONNECT is offered for WebSocket over HTTP/2 only",
    )
}

/// RFC 6455's own suffix.
const KEY_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_that_of_the_specification() {
        // RFC 6455 1.3
        let accept = accept_for(b"dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn switching_fields_are_ours() {
        let mut headers = HeaderMap::new();
        ask_for_websocket(&mut headers);
        assert!(has_token(&headers, &header::UPGRADE, "websocket"));
    }
}
