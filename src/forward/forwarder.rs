//! The door that forwards.

use std::{sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header,
    request::Parts,
    uri::{Authority, Scheme},
};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use ipnet::IpNet;

use super::{
    answer::{AnswerBody, AnswerParts, Hold},
    failure::Failure,
    grpc,
    outcome::{Outcomes, Settlement},
    outgoing::{BodyWatch, OutgoingBody},
    request::{self, Hop, NextHop},
    response, websocket,
};
use crate::{
    config::Limits,
    foundation::{Blame, Shutdown, Tasks},
    http::{
        BodyError, Door, DoorFuture, GrpcCode, Problem, RequestBody, RequestContext, ResponseBody,
        is_trusted,
    },
    telemetry::Metrics,
    upstream::{
        Dialer, Http1Pool, Http2Pool, Origin, PoolMeasures, PoolSettings, Resolver, TrustRoots,
        UpstreamError,
    },
};

/// What a forwarder is made of, beside its target.
#[derive(Clone, Debug)]
pub struct ForwardSettings {
    /// Whose certificates are believed.
    pub roots: TrustRoots,
    /// Bounds and deadlines.
    pub limits: Arc<Limits>,
    /// Proxies whose `X-Forwarded-*` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Where outcomes are counted.
    pub metrics: Arc<Metrics>,
    /// Where connections and tunnels run.
    pub tasks: Tasks,
    /// Ends kept connections and tunnels.
    pub shutdown: Shutdown,
}

/// A door to a server behind us.
#[derive(Debug)]
pub struct Forwarder {
    route: Arc<Route>,
}

/// All that an exchange needs to know of the way to the upstream.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) origin: Origin,
    pub(super) settings: ForwardSettings,
    pool: Pool,
    next: NextHop,
    outcomes: Arc<Outcomes>,
}

/// One protocol to one origin.
#[derive(Debug)]
enum Pool {
    Http1(Http1Pool<OutgoingBody>),
    Http2(Http2Pool<OutgoingBody>),
}

/// The head of an upstream's answer, and what its body comes by.
pub(super) type Answer = (Response<Incoming>, Hold);

impl Forwarder {
    /// A door to an HTTP service, reached by HTTP/1.1.
    pub fn http(target: &Uri, settings: ForwardSettings) -> Result<Self, UpstreamError> {
        Self::http_by(target, settings, &Resolver::system())
    }

    /// The same, with names looked up elsewhere.
    pub fn http_by(
        target: &Uri,
        settings: ForwardSettings,
        resolver: &Resolver,
    ) -> Result<Self, UpstreamError> {
        let origin = Origin::from_uri(target)?;
        let host = origin.host_header().ok_or_else(|| no_host(target))?;
        let pool = Pool::Http1(Http1Pool::new(
            dialer(&origin, &settings, resolver, b"http/1.1"),
            PoolSettings::for_requests(&settings.limits),
            PoolMeasures::new(settings.metrics.clone(), GATEWAY),
            settings.tasks.clone(),
            settings.shutdown.clone(),
        ));
        let next = NextHop::Http1 { host };
        Ok(Self::new(origin, settings, pool, next, GATEWAY))
    }

    /// A door to a gRPC service, reached by HTTP/2 in clear or in TLS.
    pub fn grpc(target: &Uri, settings: ForwardSettings) -> Result<Self, UpstreamError> {
        Self::grpc_by(target, settings, &Resolver::system())
    }

    /// The same, with names looked up elsewhere.
    pub fn grpc_by(
        target: &Uri,
        settings: ForwardSettings,
        resolver: &Resolver,
    ) -> Result<Self, UpstreamError> {
        let origin = Origin::from_uri(target)?;
        let authority: Authority = origin.authority().parse().map_err(|_| no_host(target))?;
        let pool = Pool::Http2(Http2Pool::new(
            dialer(&origin, &settings, resolver, b"h2"),
            PoolSettings::for_streams(&settings.limits),
            PoolMeasures::new(settings.metrics.clone(), AGENT_PLATFORM),
            settings.tasks.clone(),
            settings.shutdown.clone(),
        ));
        let scheme = if origin.is_secure() {
            Scheme::HTTPS
        } else {
            Scheme::HTTP
        };
        let next = NextHop::Grpc { scheme, authority };
        Ok(Self::new(origin, settings, pool, next, AGENT_PLATFORM))
    }

    fn new(
        origin: Origin,
        settings: ForwardSettings,
        pool: Pool,
        next: NextHop,
        upstream: &'static str,
    ) -> Self {
        let outcomes = Arc::new(Outcomes::new(settings.metrics.clone(), upstream));
        Self {
            route: Arc::new(Route {
                origin,
                settings,
                pool,
                next,
                outcomes,
            }),
        }
    }
}

impl Door for Forwarder {
    fn call(&self, request: Request<RequestBody>) -> DoorFuture {
        let route = self.route.clone();
        Box::pin(async move { route.answer(request).await })
    }
}

impl Route {
    async fn answer(self: Arc<Self>, request: Request<RequestBody>) -> Response<ResponseBody> {
        let Some(context) = request.extensions().get::<Arc<RequestContext>>().cloned() else {
            return no_context().into_json();
        };
        let _ = context.entry.upstream.set(self.origin.authority().clone());
        let mut settlement = Settlement::open(&self.outcomes);
        let result = if request.method() == Method::CONNECT {
            websocket::extended_connect(&self, request, &context, &mut settlement).await
        } else if self.is_websocket(&request) {
            websocket::upgrade(&self, request, &context, &mut settlement).await
        } else {
            self.exchange(request, &context, &mut settlement).await
        };
        result.unwrap_or_else(|failure| failure.into_response(&context, &mut settlement))
    }

    async fn exchange(
        &self,
        request: Request<RequestBody>,
        context: &Arc<RequestContext>,
        settlement: &mut Settlement,
    ) -> Result<Response<ResponseBody>, Failure> {
        let (mut parts, body) = request.into_parts();
        refuse_announced_excess(&parts.headers, body.maximum())?;
        let grpc = grpc::is_grpc(&parts.headers);
        self.rewrite(&mut parts, context);
        let (body, watch) = OutgoingBody::new(body);
        if !body.is_empty() {
            self.frame_body(&mut parts);
        }
        let sent = self.send(Request::from_parts(parts, body)).await;
        let (answer, hold) = sent.map_err(|error| blame_client(error, watch.as_deref()))?;
        if answer.status().is_informational() {
            return Err(self
                .protocol_error("a switch of protocol that nobody asked for")
                .into());
        }
        let pass = Pass { watch, grpc, hold };
        Ok(self.pass(answer, pass, context, settlement))
    }

    /// The answer for the client, whose body follows as it comes.
    pub(super) fn pass(
        &self,
        answer: Response<Incoming>,
        pass: Pass,
        context: &Arc<RequestContext>,
        settlement: &mut Settlement,
    ) -> Response<ResponseBody> {
        let (mut parts, incoming) = answer.into_parts();
        if pass.grpc
            && let Some(translated) = grpc::translate(&parts, context)
        {
            settlement.settle("protocol");
            return translated;
        }
        if let Some(status) = grpc::status_of(&parts.headers) {
            let _ = context.entry.grpc_status.set(status);
        }
        let limits = &self.settings.limits;
        let idle = if pass.grpc || response::is_stream(&parts.headers) {
            limits.upstream_stream_idle
        } else {
            limits.upstream_idle
        };
        response::rewrite(&mut parts);
        let body = AnswerBody::new(
            incoming,
            AnswerParts {
                hold: pass.hold,
                request_body: pass.watch,
                idle,
                grpc: pass.grpc,
                entry: context.entry.clone(),
                settlement: settlement.take(),
            },
        );
        Response::from_parts(parts, body.boxed_unsync())
    }

    /// Makes a client's head that of ours.
    pub(super) fn rewrite(&self, parts: &mut Parts, context: &RequestContext) {
        let peer = context.connection.peer.ip();
        let hop = Hop {
            peer,
            client: context.client,
            id: context.id.as_str(),
            secure: context.connection.tls.is_some(),
            trusted: is_trusted(peer, &self.settings.trusted_proxies),
        };
        request::rewrite(parts, &hop, &self.next);
    }

    pub(super) async fn send(
        &self,
        request: Request<OutgoingBody>,
    ) -> Result<Answer, UpstreamError> {
        match &self.pool {
            Pool::Http1(pool) => {
                let (answer, lease) = pool.send(request).await?;
                Ok((answer, Hold::Http1(lease)))
            }
            Pool::Http2(pool) => {
                let (answer, slot) = pool.send(request).await?;
                Ok((answer, Hold::Http2(slot)))
            }
        }
    }

    pub(super) fn protocol_error(&self, reason: &str) -> UpstreamError {
        UpstreamError::Protocol {
            origin: self.origin.authority().to_string(),
            reason: reason.to_owned(),
        }
    }

    /// Tunnels need HTTP/1.1 on both sides of this door, and a request without a body.
    fn is_websocket(&self, request: &Request<RequestBody>) -> bool {
        matches!(self.pool, Pool::Http1(_)) && websocket::is_upgrade(request)
    }

    /// True when upgrades of HTTP/1.1 can be made towards the upstream.
    pub(super) fn can_tunnel(&self) -> bool {
        matches!(self.pool, Pool::Http1(_))
    }

    /// A body of unknown length needs chunks on HTTP/1.1, whatever the method.
    fn frame_body(&self, parts: &mut Parts) {
        if self.can_tunnel() && !parts.headers.contains_key(header::CONTENT_LENGTH) {
            let chunked = HeaderValue::from_static("chunked");
            parts.headers.insert(header::TRANSFER_ENCODING, chunked);
        }
    }

    pub(super) fn stream_idle(&self) -> Duration {
        self.settings.limits.upstream_stream_idle
    }
}

/// What goes with an answer that is passed on.
pub(super) struct Pass {
    pub(super) watch: Option<Arc<BodyWatch>>,
    pub(super) grpc: bool,
    pub(super) hold: Hold,
}

fn dialer(
    origin: &Origin,
    settings: &ForwardSettings,
    resolver: &Resolver,
    protocol: &[u8],
) -> Dialer {
    Dialer::new(
        origin.clone(),
        resolver.clone(),
        settings.roots.client_config(&[protocol]),
        settings.limits.upstream_connect,
    )
}

/// A body that says beforehand that it is too large is refused before anything is sent.
fn refuse_announced_excess(headers: &HeaderMap, limit: u64) -> Result<(), Failure> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    match announced {
        Some(length) if length > limit => Err(Failure::body(&BodyError::TooLarge { limit })),
        _ => Ok(()),
    }
}

/// An exchange that failed because the client's body failed is the client's fault.
fn blame_client(error: UpstreamError, watch: Option<&BodyWatch>) -> Failure {
    match watch.and_then(BodyWatch::failure) {
        Some(failure) => Failure::body(failure),
        None => Failure::Upstream(error),
    }
}

fn no_host(target: &Uri) -> UpstreamError {
    UpstreamError::Target {
        target: target.to_string(),
        reason: "the host cannot stand in a request",
    }
}

fn no_context() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        GrpcCode::Internal,
        Blame::Us,
        "the request lost its context on the way",
    )
}

/// What metrics call the HTTP service behind us.
const GATEWAY: &str = "gateway";

/// What metrics call the gRPC service behind us.
const AGENT_PLATFORM: &str = "agent_platform";
