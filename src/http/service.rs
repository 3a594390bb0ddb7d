//! One request from its head to the head of its answer.

use std::{future::Future, pin::Pin, sync::Arc, time::Instant};

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper::body::{Body, Incoming};

use super::{
    AccessEntry, DoorKind, GrpcCode, Problem, RequestBody, RequestContext, ResponseBody,
    StreamKind, Surface,
    access_log::RequestFacts,
    body::empty_body,
    client_address::client_address,
    dispatch::{self, Destination},
    gate::GateControl,
    measures::FlightKind,
    server::{Doors, Shared},
    tracked::TrackedBody,
    untaken::UntakenAnswers,
};
use crate::foundation::{Blame, ConnectionFacts, RequestId, ShutdownPhase};

/// Answers the requests of one connection.
#[derive(Clone)]
pub(super) struct ConnectionService {
    pub(super) shared: Arc<Shared>,
    pub(super) surface: Surface,
    pub(super) facts: Arc<ConnectionFacts>,
    /// Present on HTTP/1.
    pub(super) gate: Option<GateControl>,
    /// Present on HTTP/2.
    pub(super) untaken: Option<Arc<UntakenAnswers>>,
}

type AnswerFuture =
    Pin<Box<dyn Future<Output = Result<Response<TrackedBody>, std::convert::Infallible>> + Send>>;

impl hyper::service::Service<Request<Incoming>> for ConnectionService {
    type Response = Response<TrackedBody>;
    type Error = std::convert::Infallible;
    type Future = AnswerFuture;

    fn call(&self, request: Request<Incoming>) -> AnswerFuture {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}

/// What is decided before a request's body is looked at.
enum Plan {
    Answer(DoorKind, Response<ResponseBody>),
    Door(DoorKind, Arc<dyn super::Door>),
}

impl ConnectionService {
    async fn answer(self, request: Request<Incoming>) -> Response<TrackedBody> {
        let started = Instant::now();
        let plan = self.plan(&request);
        let (Plan::Answer(kind, _) | Plan::Door(kind, _)) = &plan;
        let (kind, id) = (*kind, self.request_id(&request));
        let trusted = &self.shared.settings.trusted_proxies;
        let client = client_address(self.facts.peer.ip(), request.headers(), trusted);
        // The operator's port has to answer when all places are taken.
        let admitted = if kind == DoorKind::Admin {
            None
        } else {
            self.shared.admission.admit(flight(kind))
        };
        let refused = admitted.is_none() && kind != DoorKind::Admin;
        let entry = Arc::new(AccessEntry::new(RequestFacts {
            id: id.clone(),
            connection: Arc::clone(&self.facts),
            client,
            door: kind,
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            version: request.version(),
            started,
            measures: Arc::clone(&self.shared.measures),
            admitted,
        }));
        let head_only = request.method() == Method::HEAD;
        let context = RequestContext {
            id: id.clone(),
            connection: Arc::clone(&self.facts),
            client,
            door: kind,
            entry: Arc::clone(&entry),
        };
        let mut response = match plan {
            Plan::Answer(_, response) => response,
            Plan::Door(kind, _) if refused => overloaded().into_response(kind),
            Plan::Door(_, door) => door.call(self.prepare(request, context)).await,
        };
        self.complete(&mut response, &id, kind);
        self.track(response, entry, kind, head_only)
    }

    /// Hands body and context to the door in one request.
    fn prepare(&self, request: Request<Incoming>, context: RequestContext) -> Request<RequestBody> {
        let limits = &self.shared.settings.limits;
        let endless = context.door == DoorKind::Agent || request.method() == Method::CONNECT;
        let entry = Arc::clone(&context.entry);
        let leftovers = request.version() == Version::HTTP_2;
        let mut request = request.map(|incoming| {
            if endless {
                RequestBody::unbounded(incoming, entry)
            } else {
                match RequestBody::bounded(incoming, entry, limits) {
                    body if leftovers => body.with_leftovers(&self.shared.streams),
                    body => body,
                }
            }
        });
        request.extensions_mut().insert(Arc::new(context));
        request
    }

    fn plan(&self, request: &Request<Incoming>) -> Plan {
        match &self.surface {
            Surface::Doors(doors) => Self::choose(request, &doors.load()),
            Surface::Redirect(redirect) => Plan::Answer(DoorKind::Clear, redirect.answer(request)),
            Surface::Admin(door) => Plan::Door(DoorKind::Admin, Arc::clone(door)),
        }
    }

    fn choose(request: &Request<Incoming>, doors: &Doors) -> Plan {
        match dispatch::choose(request, &doors.tokens) {
            Destination::Door(DoorKind::Agent) => {
                Plan::Door(DoorKind::Agent, Arc::clone(&doors.agent))
            }
            Destination::Door(kind) => Plan::Door(kind, Arc::clone(&doors.gateway)),
            Destination::Answer(kind, answer) => Plan::Answer(kind, answer),
        }
    }

    fn request_id(&self, request: &Request<Incoming>) -> RequestId {
        request
            .headers()
            .get(REQUEST_ID)
            .and_then(|value| RequestId::from_caller(value.as_bytes()))
            .unwrap_or_else(|| RequestId::new(&*self.shared.settings.randomness))
    }

    /// Headers that every answer carries.
    fn complete(&self, response: &mut Response<ResponseBody>, id: &RequestId, kind: DoorKind) {
        let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(id.as_str()) {
            headers.insert(REQUEST_ID, id);
        }
        if !headers.contains_key(header::SERVER) && !headers.contains_key(header::VIA) {
            headers.insert(header::SERVER, HeaderValue::from_static(SERVER));
        }
        // While the process is leaving, each answer on HTTP/1 sends its client elsewhere: whoever
        // dials anew then is not caught by the end between two requests.
        let leaving = self.shared.settings.shutdown.phase() >= ShutdownPhase::Leaving
            && self.gate.is_some()
            && !switched;
        if leaving || self.gate.as_ref().is_some_and(GateControl::is_broken) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if kind == DoorKind::Gateway && self.strict_transport() {
            let policy = HeaderValue::from_static(STRICT_TRANSPORT);
            headers.insert(header::STRICT_TRANSPORT_SECURITY, policy);
        }
    }

    /// Watches over the body to its end.
    fn track(
        &self,
        response: Response<ResponseBody>,
        entry: Arc<AccessEntry>,
        kind: DoorKind,
        head_only: bool,
    ) -> Response<TrackedBody> {
        let status = response.status();
        let grpc_status = response.headers().get("grpc-status");
        if let Some(grpc_status) = grpc_status.and_then(|value| value.to_str().ok()?.parse().ok()) {
            let _ = entry.grpc_status.set(grpc_status);
        }
        entry.answered(status.as_u16());
        let tunnel = response.extensions().get::<StreamKind>().is_some();
        if let Some(gate) = self.gate.as_ref().filter(|_| tunnel) {
            gate.tunnel();
        }
        if tunnel {
            entry.becomes(FlightKind::WebSocket);
        } else if is_event_stream(response.headers()) {
            entry.becomes(FlightKind::Events);
        }
        let bodiless = head_only
            || tunnel
            || status == StatusCode::NO_CONTENT
            || status == StatusCode::NOT_MODIFIED;
        let response = if head_only {
            without_body(response)
        } else {
            response
        };
        let gate = self.gate.clone();
        // An agent may be busy for as long as it likes before it takes the next message.
        let untaken = self.untaken.as_ref().filter(|_| kind != DoorKind::Agent);
        response.map(|body| {
            let body = TrackedBody::new(body, entry, gate, bodiless);
            match untaken {
                Some(answers) => body.watched_by(answers),
                None => body,
            }
        })
    }

    fn strict_transport(&self) -> bool {
        let wanted = |doors: &Doors| doors.strict_transport && self.facts.tls.is_some();
        matches!(&self.surface, Surface::Doors(doors) if wanted(&doors.load()))
    }
}

/// The answer to HEAD: the length that a body would have, and no body. hyper leaves it out on
/// HTTP/1 alone; on HTTP/2 it would send it, which clients call a protocol error.
fn without_body(mut response: Response<ResponseBody>) -> Response<ResponseBody> {
    let length = response.body().size_hint().exact();
    let headers = response.headers_mut();
    if let Some(length) = length.filter(|_| !headers.contains_key(header::CONTENT_LENGTH)) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response.map(|_| empty_body())
}

fn flight(door: DoorKind) -> FlightKind {
    if door == DoorKind::Agent {
        FlightKind::Grpc
    } else {
        FlightKind::Http
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind.and_then(|kind| kind.get(..EVENT_STREAM.len()))
        .is_some_and(|kind| kind.eq_ignore_ascii_case(EVENT_STREAM))
}

/// 429, since Rails retries it and counts 5xx against its circuit breaker (gitlab-clients 1.2).
fn overloaded() -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        GrpcCode::Unavailable,
        Blame::Us,
        "too many requests are being answered; try again in a moment",
    )
    .with_retry_after(1)
}

/// Server-sent events; parameters may follow.
const EVENT_STREAM: &[u8] = b"text/event-stream";

/// The correlation id, in both directions (gitlab-clients 1.1).
const REQUEST_ID: &str = "x-request-id";

/// Who answers, for those who look into GitLab's logs (gitlab-clients 1.5).
const SERVER: &str = concat!("duogate/", env!("CARGO_PKG_VERSION"));

/// A year; the best TLS grade asks for at least half of that.
const STRICT_TRANSPORT: &str = "max-age=31536000";
