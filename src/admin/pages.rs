//! The pages of the operator's listener.

use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};

use crate::{
    http::{Door, DoorFuture, RequestBody, RequestContext, ResponseBody, full_body},
    telemetry::{ExpositionFormat, Metrics, expose},
};

/// Whether one part of the process is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The part: `certificates`, `drain`.
    pub part: &'static str,
    /// Ready or not.
    pub ready: bool,
    /// In words.
    pub detail: String,
}

/// What became of the wish to renew a certificate now, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewalAnswer {
    /// Whether an attempt begins or is under way.
    pub granted: bool,
    /// In words, with the remedy where it is not.
    pub detail: String,
    /// The certificates there are, where none is called so.
    pub known: Option<Vec<String>>,
}

/// Where the pages get what they show.
pub struct AdminSources {
    /// Every metric.
    pub metrics: Arc<Metrics>,
    /// Brings metrics that are read rather than counted up to date.
    pub refresh: Box<dyn Fn(&Metrics) + Send + Sync>,
    /// Each part's readiness.
    pub readiness: Box<dyn Fn() -> Vec<Readiness> + Send + Sync>,
    /// The certificates as JSON.
    pub certificates: Box<dyn Fn() -> serde_json::Value + Send + Sync>,
    /// Renews the certificate of this name now.
    pub renew: Box<dyn Fn(&str) -> RenewalAnswer + Send + Sync>,
}

/// The operator's door.
#[derive(Clone)]
pub struct Admin {
    sources: Arc<AdminSources>,
    metrics_only: bool,
}

impl Admin {
    /// All pages.
    pub fn new(sources: Arc<AdminSources>) -> Self {
        Self {
            sources,
            metrics_only: false,
        }
    }

    /// `/metrics` alone, for listeners that scrapers reach from outside.
    pub fn metrics_only(sources: Arc<AdminSources>) -> Self {
        Self {
            sources,
            metrics_only: true,
        }
    }

    fn answer<B>(&self, request: &Request<B>) -> Response<ResponseBody> {
        if let (Some(name), false) = (renewal(request), self.metrics_only) {
            return self.renew(request, &name);
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return text(
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET and HEAD are served here\n",
            );
        }
        match request.uri().path() {
            "/metrics" => self.metrics(request),
            _ if self.metrics_only => text(StatusCode::NOT_FOUND, "only /metrics is served here\n"),
            "/healthz" => json(StatusCode::OK, &serde_json::json!({ "status": "ok" })),
            "/readyz" => self.ready(),
            "/certs" => json(StatusCode::OK, &(self.sources.certificates)()),
            _ => text(StatusCode::NOT_FOUND, PAGES),
        }
    }

    /// Changes something, so it is for a command on this machine alone. A page in a browser can send
    /// a POST anywhere, but not with a header of its own unless we allow it, and never without
    /// Origin.
    fn renew<B>(&self, request: &Request<B>, name: &str) -> Response<ResponseBody> {
        if request.method() != Method::POST {
            return text(StatusCode::METHOD_NOT_ALLOWED, "renewal is a POST\n");
        }
        let context = request.extensions().get::<Arc<RequestContext>>();
        let local = context
            .is_some_and(|context| context.connection.peer.ip().to_canonical().is_loopback());
        if !local {
            return text(StatusCode::FORBIDDEN, "renewal is for this machine alone\n");
        }
        let headers = request.headers();
        if headers.contains_key(header::ORIGIN) || !headers.contains_key(COMMAND_HEADER) {
            return text(StatusCode::FORBIDDEN, NOT_A_COMMAND);
        }
        let answer = (self.sources.renew)(name);
        let status = match (answer.granted, &answer.known) {
            (true, _) => StatusCode::ACCEPTED,
            (false, Some(_)) => StatusCode::NOT_FOUND,
            (false, None) => StatusCode::CONFLICT,
        };
        json(
            status,
            &serde_json::json!({ "detail": answer.detail, "known": answer.known }),
        )
    }

    fn metrics<B>(&self, request: &Request<B>) -> Response<ResponseBody> {
        let accept = request
            .headers()
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok());
        let format = ExpositionFormat::from_accept(accept.unwrap_or_default());
        (self.sources.refresh)(&self.sources.metrics);
        let mut response = Response::new(full_body(expose(&self.sources.metrics, format)));
        let content_type = HeaderValue::from_static(format.content_type());
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
        response
    }

    fn ready(&self) -> Response<ResponseBody> {
        let parts = (self.sources.readiness)();
        let ready = parts.iter().all(|part| part.ready);
        let status = if ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let parts: serde_json::Map<_, _> = parts
            .into_iter()
            .map(|part| {
                let state = serde_json::json!({ "ready": part.ready, "detail": part.detail });
                (part.part.to_owned(), state)
            })
            .collect();
        json(
            status,
            &serde_json::json!({ "ready": ready, "parts": parts }),
        )
    }
}

impl Door for Admin {
    fn call(&self, request: Request<RequestBody>) -> DoorFuture {
        let response = self.answer(&request);
        Box::pin(std::future::ready(response))
    }
}

/// The name in `/certs/NAME/renew`.
fn renewal<B>(request: &Request<B>) -> Option<String> {
    let path = request.uri().path();
    let name = path.strip_prefix("/certs/")?.strip_suffix("/renew")?;
    let name = percent_encoding::percent_decode_str(name)
        .decode_utf8()
        .ok()?;
    Some(name.into_owned())
}

fn text(status: StatusCode, body: &'static str) -> Response<ResponseBody> {
    respond(status, "text/plain; charset=utf-8", body.to_owned())
}

fn json(status: StatusCode, value: &serde_json::Value) -> Response<ResponseBody> {
    respond(status, "application/json", format!("{value}\n"))
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response<ResponseBody> {
    let mut response = Response::new(full_body(body));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// Our commands send it; see `Admin::renew`.
const COMMAND_HEADER: &str = "x-duogate-request";

const NOT_A_COMMAND: &str = "renewal is asked for by `duogate certs renew NAME`, with X-Duogate-Request and without Origin\n";

const PAGES: &str = "no such page; there are /metrics, /healthz, /readyz and /certs\n";
