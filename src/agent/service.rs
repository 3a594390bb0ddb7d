//! The service and its health.

use std::sync::Arc;

use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tonic::codegen::Service;
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};

use crate::{
    foundation::Blame,
    http::{BodyError, Door, DoorFuture, DoorKind, GrpcCode, Problem, RequestBody},
};

/// The built-in agent platform.
#[derive(Clone, Debug)]
pub struct Agent {
    health: Arc<HealthServer<HealthService>>,
    reporter: HealthReporter,
}

impl Agent {
    /// A service whose health is SERVING.
    pub async fn new() -> Self {
        let reporter = HealthReporter::new();
        for service in SERVICES {
            reporter
                .set_service_status(service, ServingStatus::Serving)
                .await;
        }
        let health = HealthServer::new(HealthService::from_health_reporter(reporter.clone()));
        Self {
            health: Arc::new(health),
            reporter,
        }
    }

    /// From now on health says NOT_SERVING, so that clients go elsewhere before the end.
    pub async fn leave(&self) {
        for service in SERVICES {
            self.reporter
                .set_service_status(service, ServingStatus::NotServing)
                .await;
        }
    }
}

impl Door for Agent {
    fn call(&self, request: Request<RequestBody>) -> DoorFuture {
        if request.uri().path().starts_with("/grpc.health.v1.Health/") {
            let mut health = HealthServer::clone(&self.health);
            return Box::pin(async move {
                let Ok(response) = health.call(request).await;
                response.map(|body| {
                    body.map_err(|status| BodyError::Upstream(status.message().to_owned()))
                        .boxed_unsync()
                })
            });
        }
        let problem = Problem::new(
            StatusCode::NOT_FOUND,
            GrpcCode::Unimplemented,
            Blame::Client,
            "this method is not built in; set agent_platform to the address of a service that has it",
        );
        Box::pin(std::future::ready(problem.into_response(DoorKind::Agent)))
    }
}

/// What clients ask the health of: the server as a whole, and GitLab's service.
const SERVICES: [&str; 2] = ["", "DuoWorkflow"];
