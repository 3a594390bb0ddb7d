//! Health of the service, as probes and clients ask for it (agent-platform 1.4).

use std::sync::Arc;

use http::{Request, Response};
use tonic::{body::Body, codegen::Service};
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};

use crate::http::RequestBody;

/// Health that goes on over reloads: clients watch it. All clones are one.
#[derive(Clone, Debug)]
pub struct Health {
    server: Arc<HealthServer<HealthService>>,
    reporter: HealthReporter,
}

impl Health {
    /// Health that says SERVING.
    pub async fn new() -> Self {
        let reporter = HealthReporter::new();
        for service in SERVICES {
            reporter
                .set_service_status(service, ServingStatus::Serving)
                .await;
        }
        let server = HealthServer::new(HealthService::from_health_reporter(reporter.clone()));
        Self {
            server: Arc::new(server),
            reporter,
        }
    }

    /// From now on it says NOT_SERVING, so that clients go elsewhere before the end.
    pub async fn leave(&self) {
        for service in SERVICES {
            self.reporter
                .set_service_status(service, ServingStatus::NotServing)
                .await;
        }
    }

    /// Answers a call.
    pub(super) async fn call(&self, request: Request<RequestBody>) -> Response<Body> {
        let mut server = HealthServer::clone(&self.server);
        let Ok(response) = server.call(request).await;
        response
    }
}

/// Where its methods are.
pub(super) const HEALTH_PATH: &str = "/grpc.health.v1.Health/";

/// What clients ask the health of: the server as a whole, and GitLab's service.
const SERVICES: [&str; 2] = ["", "DuoWorkflow"];
