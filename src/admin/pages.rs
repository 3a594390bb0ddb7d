//! The pages of the operator's listener.

use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};

use crate::{
    http::{Door, DoorFuture, RequestBody, ResponseBody, full_body},
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

const PAGES: &str = "no such page; there are /metrics, /healthz, /readyz and /certs\n";
