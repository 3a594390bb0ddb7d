//! Step 5: the Agent Platform's own health.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Version, header};
use http_body_util::Full;

use super::{Endpoint, Line};
use crate::{
    foundation::Tasks,
    upstream::{Dialer, Exchange, Resolver, TrustRoots, UpstreamError, exchange},
};

/// `grpc.health.v1.Health/Check`. A platform that is down is told and passed over, as the official
/// script does: the HTTP features do without it.
pub(super) async fn look(endpoint: &Endpoint, roots: &TrustRoots) -> Line {
    let origin = endpoint.origin();
    let tls = roots.client_config(&[b"h2"]);
    let dialer = Dialer::new(origin.clone(), Resolver::system(), tls, LIMIT);
    let outcome = match dialer.dial().await {
        Ok(stream) => {
            let authority = origin.authority();
            exchange(stream, authority, health(endpoint), &Tasks::new(), LIMIT).await
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok(answer) => judge(endpoint, &answer),
        Err(UpstreamError::Tls { reason, .. }) => Line::note(format!(
            "Duo Workflow Service at {endpoint}: TLS problem: {reason}"
        ))
        .with_remedy(
            "is its certificate made for that name, and its authority known here \
             (--ca-file FILE)? For a port in clear write http://HOST:PORT",
        ),
        Err(error) => Line::note(format!(
            "Duo Workflow Service is not reachable at {endpoint}: {error}"
        ))
        .with_remedy(if endpoint.is_secure() {
            "is it running, and does the port speak TLS? For one in clear write http://HOST:PORT"
        } else {
            "is it running, and is this its port (50052, or the https port of Duogate)? For one \
             that speaks TLS write https://HOST:PORT"
        }),
    }
}

fn health(endpoint: &Endpoint) -> Request<Full<Bytes>> {
    // one message of no bytes in gRPC's frame: the health of the server as a whole
    let mut request = Request::new(Full::from(&[0; 5][..]));
    *request.version_mut() = Version::HTTP_2;
    *request.method_mut() = Method::POST;
    if let Ok(uri) = endpoint.url("/grpc.health.v1.Health/Check").parse() {
        *request.uri_mut() = uri;
    }
    let headers = request.headers_mut();
    let kind = HeaderValue::from_static("application/grpc");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    request
}

fn judge(endpoint: &Endpoint, answer: &Exchange) -> Line {
    let status = |headers: &HeaderMap| {
        let value = headers.get("grpc-status")?.to_str().ok()?;
        Some(value.to_owned())
    };
    let status = answer.trailers.as_ref().and_then(status);
    let status = status.or_else(|| {
        let value = answer.head.headers.get("grpc-status")?.to_str().ok()?;
        Some(value.to_owned())
    });
    match (status.as_deref(), answer.body.as_ref()) {
        (Some("0"), SERVING) => Line::good("Duo Workflow Service is up and running"),
        (Some("0"), _) => Line::note(format!("Duo Workflow Service at {endpoint} is not serving"))
            .with_remedy("it starts or stops; its log tells which"),
        (Some(status), _) => Line::note(format!(
            "Duo Workflow Service at {endpoint} answers gRPC status {status}"
        ))
        .with_remedy("the Agent Platform behind this port is down; its log tells more"),
        (None, _) => Line::note(format!(
            "Duo Workflow Service is not reachable at {endpoint}: something else answers there \
             ({})",
            answer.head.status
        ))
        .with_remedy("name its gRPC port: 50052, or the https port of Duogate"),
    }
}

/// A frame with one message: field 1 (status) is SERVING.
const SERVING: &[u8] = &[0, 0, 0, 0, 2, 0x08, 1];

/// http-api 6
const LIMIT: Duration = Duration::from_secs(10);
