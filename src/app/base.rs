//! What every part of the process is built on.

use std::sync::Arc;

use crate::{
    config::Config,
    foundation::{Clock, Randomness, Shutdown, SystemClock, SystemRandomness, Tasks},
    http::TokenTable,
    telemetry::Metrics,
};

/// What tests may replace.
#[derive(Clone, Debug)]
pub struct Services {
    /// The calendar.
    pub clock: Arc<dyn Clock>,
    /// Identifiers and jitter.
    pub randomness: Arc<dyn Randomness>,
}

impl Default for Services {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            randomness: Arc::new(SystemRandomness),
        }
    }
}

/// Configuration, services and signals, shared by all rooms. Cheap to clone.
#[derive(Clone)]
pub(super) struct Base {
    pub(super) config: Arc<Config>,
    pub(super) services: Services,
    pub(super) metrics: Arc<Metrics>,
    /// Work in the background: accept loops, certificates.
    pub(super) tasks: Tasks,
    /// Connections and tunnels, and the loops that accept them: what a drain waits for.
    pub(super) connections: Tasks,
    pub(super) shutdown: Shutdown,
    /// http-01 challenges, filled by acme and read by every port.
    pub(super) tokens: Arc<TokenTable>,
}

impl Base {
    pub(super) fn new(config: Config, services: Services, shutdown: Shutdown) -> Self {
        let metrics = Arc::new(Metrics::new());
        let now = services
            .clock
            .now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        metrics
            .start_time
            .set(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        Self {
            config: Arc::new(config),
            services,
            metrics,
            tasks: Tasks::new(),
            connections: Tasks::new(),
            shutdown,
            tokens: Arc::default(),
        }
    }

    /// The same process with another configuration.
    pub(super) fn with(&self, config: Config) -> Self {
        Self {
            config: Arc::new(config),
            ..self.clone()
        }
    }
}
