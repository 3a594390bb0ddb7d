//! How connections to one upstream are counted: by handles that are resolved once.

use std::sync::Arc;

use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

use super::UpstreamError;
use crate::telemetry::{Metrics, UpstreamConnectionLabels, UpstreamLabels, UpstreamNameLabels};

/// Counts the connections of one pool. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PoolMeasures {
    metrics: Arc<Metrics>,
    upstream: &'static str,
    connected: Counter,
    idle: Gauge,
    in_use: Gauge,
}

impl PoolMeasures {
    /// Counts under this name: `gateway`, `agent_platform` or `models`.
    pub fn new(metrics: Arc<Metrics>, upstream: &'static str) -> Self {
        let gauge = |state| {
            let labels = UpstreamConnectionLabels { upstream, state };
            metrics.upstream_connections.get_or_create_owned(&labels)
        };
        let (idle, in_use) = (gauge("idle"), gauge("in_use"));
        let labels = UpstreamLabels {
            upstream,
            outcome: "ok",
        };
        let connected = metrics.upstream_connects.get_or_create_owned(&labels);
        Self {
            metrics,
            upstream,
            connected,
            idle,
            in_use,
        }
    }

    /// Tells the bound that is in force.
    pub(super) fn bound(&self, connections: usize) {
        let labels = UpstreamNameLabels {
            upstream: self.upstream,
        };
        let connections = i64::try_from(connections).unwrap_or(i64::MAX);
        self.metrics
            .upstream_connections_limit
            .get_or_create(&labels)
            .set(connections);
    }

    /// Counts an attempt to connect, and hands its outcome on.
    pub(super) fn attempted<T>(
        &self,
        outcome: Result<T, UpstreamError>,
    ) -> Result<T, UpstreamError> {
        match &outcome {
            Ok(_) => {
                self.connected.inc();
            }
            Err(error) => {
                let labels = UpstreamLabels {
                    upstream: self.upstream,
                    outcome: error.outcome(),
                };
                self.metrics.upstream_connects.get_or_create(&labels).inc();
            }
        }
        outcome
    }

    /// Counts a connection that an exchange waits for.
    pub(super) fn opened(&self) -> Presence {
        self.in_use.inc();
        Presence {
            idle: self.idle.clone(),
            in_use: self.in_use.clone(),
            rests: false,
        }
    }

    /// A connection of many streams got its first one.
    pub(super) fn begins(&self) {
        self.in_use.inc();
        self.idle.dec();
    }

    /// A connection of many streams lost its last one.
    pub(super) fn ends(&self) {
        self.in_use.dec();
        self.idle.inc();
    }

    /// Counts a connection that carries no stream yet, or none any more.
    pub(super) fn appeared(&self) {
        self.idle.inc();
    }

    /// The connection without streams is gone.
    pub(super) fn vanished(&self) {
        self.idle.dec();
    }
}

/// One connection among those that are counted, until it is dropped.
#[derive(Debug)]
pub(super) struct Presence {
    idle: Gauge,
    in_use: Gauge,
    rests: bool,
}

impl Presence {
    /// It waits for a request.
    pub(super) fn rest(&mut self) {
        if !std::mem::replace(&mut self.rests, true) {
            self.in_use.dec();
            self.idle.inc();
        }
    }

    /// It carries an exchange.
    pub(super) fn work(&mut self) {
        if std::mem::replace(&mut self.rests, false) {
            self.idle.dec();
            self.in_use.inc();
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let gauge = if self.rests { &self.idle } else { &self.in_use };
        gauge.dec();
    }
}
