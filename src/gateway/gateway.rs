//! The door: what happens to every request, in its order.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderValue, Request, Response, StatusCode, header, request::Parts};

use super::{
    GatewaySettings, answer, api_document,
    call::Call,
    chat_agent, cloud_only, code_completions, code_embeddings, code_generations, code_suggestions,
    cross_origin, documentation_search, legacy_chat,
    measures::GatewayMeasures,
    monitoring, prompts,
    refusal::Refusal,
    request_log::RequestLog,
    request_path::request_path,
    routes::{Endpoint, Found, Route, find, is_open_without_route},
    settings::Services,
    user_access_token,
};
use crate::{
    access::{Access, AuthenticationError, Caller},
    documentation::DocumentationIndex,
    foundation::{Blame, Clock},
    http::{Door, DoorFuture, RequestBody, RequestContext, ResponseBody, empty_body},
    model::Models,
    prompt::Prompts,
    telemetry::Metrics,
};

/// The built-in AI gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gateway(Arc<Services>);

impl Gateway {
    /// A gateway over the rooms below.
    pub fn new(
        access: Access,
        prompts: Arc<Prompts>,
        models: Models,
        documentation: DocumentationIndex,
        clock: Arc<dyn Clock>,
        metrics: &Arc<Metrics>,
        settings: GatewaySettings,
    ) -> Self {
        Self(Arc::new(Services {
            access,
            prompts,
            models,
            documentation,
            clock,
            metrics: GatewayMeasures::new(metrics),
            settings,
        }))
    }
}

impl Door for Gateway {
    fn call(&self, request: Request<RequestBody>) -> DoorFuture {
        Box::pin(respond(Arc::clone(&self.0), request))
    }
}

/// Preflight, token, route, endpoint: authentication comes before routing, so that a stranger
/// cannot tell which paths exist (http-api 8, row 2).
async fn respond(services: Arc<Services>, request: Request<RequestBody>) -> Response<ResponseBody> {
    let began = Instant::now();
    let (head, body) = request.into_parts();
    if let Some(response) = cross_origin::preflight(&head) {
        return response;
    }
    let Some(context) = head.extensions.get::<Arc<RequestContext>>().cloned() else {
        // The http room puts it there, always.
        return unexpected().into_response();
    };
    let visit = Visit {
        path: request_path(head.uri.path()).into_owned(),
        head: Arc::new(head),
        services,
        context,
    };
    let found = find(&visit.path, &visit.services.settings.pages);
    let mut log = RequestLog::default();
    let outcome = visit.outcome(body, &found, &mut log).await;
    let (mut response, refusal) = match outcome {
        Ok(response) => (response, None),
        Err(refusal) => {
            let words = refusal.for_log();
            let _ = visit.context.entry.failure.set(words.clone());
            (refusal.into_response(), Some(words))
        }
    };
    finish(&mut response, began.elapsed());
    cross_origin::allow(&visit.head.headers, response.headers_mut());
    if let Found::Route(route, _) = found {
        visit.record(route, response.status(), began.elapsed());
    }
    log.write(&visit, response.status(), refusal.as_deref());
    response
}

/// A request that is on its way.
pub(super) struct Visit {
    pub(super) head: Arc<Parts>,
    pub(super) context: Arc<RequestContext>,
    pub(super) services: Arc<Services>,
    path: String,
}

impl Visit {
    async fn outcome(
        &self,
        body: RequestBody,
        found: &Found<'_>,
        log: &mut RequestLog,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let open = match found {
            Found::Route(route, _) => route.open,
            _ => is_open_without_route(&self.path),
        };
        let caller = if open {
            None
        } else {
            Some(self.authenticate(log).await?)
        };
        match found {
            Found::Nothing => Err(Refusal::not_found()),
            Found::WithSlash(shorter) => Ok(redirect(shorter, self.head.uri.query())),
            Found::Route(route, _) if !route.takes(&self.head.method) => {
                Err(Refusal::method_not_allowed(route.allow()))
            }
            Found::Route(route, rest) => self.endpoint(route.endpoint, caller, rest, body).await,
        }
    }

    async fn authenticate(&self, log: &mut RequestLog) -> Result<Arc<Caller>, Refusal> {
        let began = Instant::now();
        let outcome = self.services.access.authenticate(&self.head.headers).await;
        log.authentication = began.elapsed();
        match outcome {
            Ok(caller) => {
                log.token_issuer = caller.issuer().map(ToOwned::to_owned);
                Ok(caller)
            }
            Err(error) => {
                log.authentication_error = Some(error.log());
                Err(refuse_caller(&error))
            }
        }
    }

    async fn endpoint(
        &self,
        endpoint: Endpoint,
        caller: Option<Arc<Caller>>,
        rest: &str,
        body: RequestBody,
    ) -> Result<Response<ResponseBody>, Refusal> {
        // a route that answers without a token has no caller, and its endpoint asks for none
        let call = || {
            let caller = caller.ok_or_else(unexpected)?;
            Ok(Call::new(self, caller, rest, body))
        };
        match endpoint {
            Endpoint::Health => Ok(monitoring::health()),
            Endpoint::Readiness => Ok(monitoring::readiness(&self.services)),
            Endpoint::ModelDefinitions => {
                let catalogue = self.services.models.definitions().json();
                Ok(answer::bytes(catalogue, "application/json"))
            }
            Endpoint::ApiDocument => Ok(api_document::document()),
            Endpoint::ApiPage => Ok(api_document::page()),
            Endpoint::CodeCompletions => code_completions::answer(call()?).await,
            Endpoint::CodeGenerations => code_generations::answer(call()?).await,
            Endpoint::CodeSuggestionsText => {
                code_suggestions::answer(call()?, code_suggestions::Style::Text).await
            }
            Endpoint::CodeSuggestionsEvents => {
                code_suggestions::answer(call()?, code_suggestions::Style::Events).await
            }
            Endpoint::ChatAgent => chat_agent::answer(call()?).await,
            Endpoint::LegacyChat => legacy_chat::answer(call()?).await,
            Endpoint::PromptText => prompts::answer(call()?, prompts::Style::Text).await,
            Endpoint::PromptObjects => prompts::answer(call()?, prompts::Style::Objects).await,
            Endpoint::CloudProxy => Err(cloud_only::proxy()),
            Endpoint::AmazonQ => Err(cloud_only::amazon_q()),
            Endpoint::CodeEmbeddings => code_embeddings::answer(call()?).await,
            Endpoint::DocumentationSearch => documentation_search::answer(call()?).await,
            Endpoint::UserAccessToken => user_access_token::answer(&call()?),
        }
    }

    fn record(&self, route: &Route, status: StatusCode, duration: Duration) {
        // the official metric leaves out what probes ask (http-api 4.8)
        if !route.open {
            self.services.metrics.answered(route, status, duration);
        }
    }
}

/// What a failed authentication looks like.
fn refuse_caller(error: &AuthenticationError) -> Refusal {
    match error {
        AuthenticationError::NoKeys => {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
                .blame(Blame::Us)
                .with_retry_after(Some(KEYS_PAUSE))
        }
        _ => Refusal::unauthenticated(error.to_string()).with_log(error.log()),
    }
}

/// The same path without its last slash, with method and body kept (http-api 2.0).
fn redirect(path: &str, query: Option<&str>) -> Response<ResponseBody> {
    let path = percent_encoding::utf8_percent_encode(path, PATH).to_string();
    let location = match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut response = Response::new(empty_body());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// How long the answer took to begin, as the reference tells it (http-api 2.0).
fn finish(response: &mut Response<ResponseBody>, elapsed: Duration) {
    let seconds = format!("{:.6}", elapsed.as_secs_f64());
    if let Ok(seconds) = HeaderValue::try_from(seconds) {
        response.headers_mut().insert("x-process-time", seconds);
    }
}

fn unexpected() -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").blame(Blame::Us)
}

/// Seconds after which a source of keys may have answered.
const KEYS_PAUSE: u32 = 5;

/// What a path may hold as it is.
const PATH: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
