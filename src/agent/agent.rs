//! The door: who is let in, and what is told of each call.

use std::{sync::Arc, time::Duration};

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tonic::{Code, Status, body::Body, codegen::Service as _};

use super::{
    call::{Call, CallFacts, correlation_id},
    call_log::CallLog,
    health::HEALTH_PATH,
    lasting::Lasting,
    method::Method,
    proto::duo_workflow_server::DuoWorkflowServer,
    reflection::{self, REFLECTION_PATH},
    service::Service,
    session::Sessions,
    status::{self, MESSAGE_BYTES},
};
use crate::{
    access::Access,
    foundation::{Blame, Clock},
    http::{
        BodyError, Door, DoorFuture, DoorKind, GrpcCode, Problem, RequestBody, RequestContext,
        ResponseBody,
    },
};

/// The built-in agent platform.
#[derive(Clone)]
pub struct Agent(Arc<Inner>);

/// What an agent platform is made of.
pub struct AgentSettings {
    /// Who may call.
    pub access: Access,
    /// Runs sessions.
    pub sessions: Sessions,
    /// Goes on over reloads.
    pub lasting: Lasting,
    /// For times in the log.
    pub clock: Arc<dyn Clock>,
    /// How long a stream may be open before it says what it is for.
    pub first_event: Duration,
    /// Whether clients may ask which methods there are.
    pub reflection: bool,
    /// Whether models of the customer's own are used, whose calls GitLab may want to hear of.
    pub custom_models: bool,
}

struct Inner {
    access: Access,
    lasting: Lasting,
    clock: Arc<dyn Clock>,
    server: DuoWorkflowServer<Service>,
    reflection: bool,
}

impl Agent {
    /// An agent platform that answers.
    pub fn new(settings: AgentSettings) -> Self {
        let service = Service {
            access: settings.access.clone(),
            sessions: settings.sessions,
            measures: Arc::clone(&settings.lasting.measures),
            first_event: settings.first_event,
            may_be_billed: settings.custom_models,
        };
        let server = DuoWorkflowServer::new(service)
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        Self(Arc::new(Inner {
            access: settings.access,
            lasting: settings.lasting,
            clock: settings.clock,
            server,
            reflection: settings.reflection,
        }))
    }

    /// For the agent platform that comes after it, and for the end.
    pub fn lasting(&self) -> &Lasting {
        &self.0.lasting
    }
}

impl Door for Agent {
    fn call(&self, request: Request<RequestBody>) -> DoorFuture {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let path = request.uri().path();
            let response = if path.starts_with(HEALTH_PATH) {
                inner.lasting.health.call(request).await
            } else if inner.reflection && path.starts_with(REFLECTION_PATH) {
                reflection::answer(request).await
            } else {
                match (Method::at(path), request.extensions().get().cloned()) {
                    (Some(method), Some(context)) => {
                        return inner.answer(method, &context, request).await;
                    }
                    _ => return unimplemented(),
                }
            };
            boxed(response)
        })
    }
}

impl Inner {
    /// Answers a call of GitLab's service.
    async fn answer(
        &self,
        method: Method,
        context: &Arc<RequestContext>,
        mut request: Request<RequestBody>,
    ) -> Response<ResponseBody> {
        let headers = request.headers();
        let id = correlation_id(headers).unwrap_or_else(|| context.id.clone());
        let facts = Arc::<CallFacts>::default();
        let measures = Arc::clone(&self.lasting.measures);
        let log = CallLog::begin(method, &id, headers, &facts, measures, self.clock.now());
        let mut response = match self.access.authenticate(headers).await {
            Err(error) => {
                let _ = context.entry.failure.set(error.log());
                status::unauthenticated(&error).into_http()
            }
            Ok(caller) => {
                log.is_let_in(request.headers());
                let call = Call { caller, id, facts };
                request.extensions_mut().insert(call);
                let mut server = self.server.clone();
                let Ok(response) = server.call(request).await;
                response
            }
        };
        name_size(&mut response);
        log.watch(boxed(response))
    }
}

/// Of a unary call tonic tells by itself that its message is too large.
fn name_size(response: &mut Response<Body>) {
    let Some(told) = Status::from_header_map(response.headers()) else {
        return;
    };
    if told.code() == Code::OutOfRange {
        *response = status::as_clients_know_it(told).into_http();
    }
}

fn boxed(response: Response<Body>) -> Response<ResponseBody> {
    response.map(|body| {
        let body = body.map_err(|status| BodyError::Upstream(status.message().to_owned()));
        body.boxed_unsync()
    })
}

fn unimplemented() -> Response<ResponseBody> {
    let problem = Problem::new(
        StatusCode::NOT_FOUND,
        GrpcCode::Unimplemented,
        Blame::Client,
        "this method is not built in; set agent_platform to the address of a service that has it",
    );
    problem.into_response(DoorKind::Agent)
}
