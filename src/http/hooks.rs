//! What the gate and the frame watcher tell us about a connection they end.

use std::sync::Arc;

use super::{
    HttpServer,
    frames::{FrameHook, FrameViolation},
    gate::{GateHook, GateVerdict},
};
use crate::{
    foundation::ConnectionFacts,
    telemetry::{Metrics, RequestLabels, RuleName, ViolationLabels},
};

impl HttpServer {
    /// One log line and one count for each request head that the gate refused.
    pub(super) fn gate_hook(&self, facts: &Arc<ConnectionFacts>) -> GateHook {
        let (facts, metrics) = (
            Arc::clone(facts),
            Arc::clone(&self.shared().settings.metrics),
        );
        Arc::new(move |verdict: &GateVerdict| {
            let labels = RequestLabels {
                door: "gate",
                status: verdict.status,
            };
            metrics.requests.get_or_create(&labels).inc();
            count(&metrics, "http1", verdict.rule);
            tracing::info!(
                target: "duogate::access",
                listener = facts.listener.as_str(),
                door = "gate",
                client = %facts.peer.ip(),
                protocol = "HTTP/1",
                status = verdict.status,
                failure = verdict.reason,
                "request refused"
            );
        })
    }

    /// One log line and one count for each HTTP/2 connection that broke a bound.
    pub(super) fn frames_hook(&self, facts: &Arc<ConnectionFacts>) -> FrameHook {
        let (facts, metrics) = (
            Arc::clone(facts),
            Arc::clone(&self.shared().settings.metrics),
        );
        Arc::new(move |violation: FrameViolation| {
            let labels = RequestLabels {
                door: "gate",
                status: 400,
            };
            metrics.requests.get_or_create(&labels).inc();
            count(&metrics, "http2", violation.rule);
            tracing::info!(
                target: "duogate::access",
                listener = facts.listener.as_str(),
                door = "gate",
                client = %facts.peer.ip(),
                protocol = "HTTP/2",
                failure = violation.reason,
                "connection refused"
            );
        })
    }
}

fn count(metrics: &Metrics, protocol: &'static str, rule: &'static str) {
    let rule = RuleName(rule);
    let labels = ViolationLabels { protocol, rule };
    metrics.gate_violations.get_or_create(&labels).inc();
}
