//! What every connection of a surface shares.

use std::sync::Arc;

use arc_swap::ArcSwap;
use ipnet::IpNet;

use super::{Door, Redirect, TokenTable, admission::Admission, measures::Measures};
use crate::{
    config::Limits,
    foundation::{Randomness, Shutdown, ShutdownPhase, Tasks},
    telemetry::Metrics,
};

/// What connections of one listener lead to.
#[derive(Clone)]
pub enum Surface {
    /// The API and gRPC, chosen for each request: those that are in force when its head arrives,
    /// so that a connection of many hours does not lead to doors of yesterday.
    Doors(Arc<ArcSwap<Doors>>),
    /// Port 80.
    Redirect(Arc<Redirect>),
    /// The operator's port: one door, whatever the path.
    Admin(Arc<dyn Door>),
}

impl Surface {
    /// When its connections end: operators watch a drain to its last moment.
    pub(super) fn ends(&self) -> ShutdownPhase {
        match self {
            Self::Admin(_) => ShutdownPhase::Cut,
            Self::Doors(_) | Self::Redirect(_) => ShutdownPhase::Draining,
        }
    }
}

/// The two doors and the challenges that come before them.
pub struct Doors {
    /// The HTTP API.
    pub gateway: Arc<dyn Door>,
    /// gRPC.
    pub agent: Arc<dyn Door>,
    /// http-01 challenges are answered on every port.
    pub tokens: Arc<TokenTable>,
    /// Send `Strict-Transport-Security` on TLS: with certificates that browsers trust.
    pub strict_transport: bool,
}

/// Serves connections. Cheap to clone.
#[derive(Clone)]
pub struct HttpServer(Arc<Shared>);

/// What [`HttpServer`] is made of.
pub struct HttpSettings {
    /// All bounds.
    pub limits: Arc<Limits>,
    /// Networks whose `X-Forwarded-*` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Where requests are counted.
    pub metrics: Arc<Metrics>,
    /// The end of the process.
    pub shutdown: Shutdown,
    /// Where new request identifiers come from.
    pub randomness: Arc<dyn Randomness>,
}

pub(super) struct Shared {
    pub(super) settings: HttpSettings,
    pub(super) admission: Arc<Admission>,
    pub(super) measures: Arc<Measures>,
    /// Tasks of HTTP/2 streams; connections themselves are the listener's tasks.
    pub(super) streams: Tasks,
}

impl HttpServer {
    /// A server for any number of connections.
    pub fn new(settings: HttpSettings) -> Self {
        let bound = settings.limits.requests_in_flight;
        let admission = Admission::new(bound, &settings.metrics);
        let measures = Arc::new(Measures::new(&settings.metrics));
        Self(Arc::new(Shared {
            settings,
            admission,
            measures,
            streams: Tasks::new(),
        }))
    }

    /// A server with other settings for the connections to come. Requests in flight are counted
    /// together.
    #[must_use]
    pub fn with_settings(&self, settings: HttpSettings) -> Self {
        let admission = Arc::clone(&self.0.admission);
        admission.rebound(settings.limits.requests_in_flight);
        Self(Arc::new(Shared {
            settings,
            admission,
            measures: Arc::clone(&self.0.measures),
            streams: self.0.streams.clone(),
        }))
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }
}
