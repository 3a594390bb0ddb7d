//! What the operator's pages show, gathered from all rooms.

use std::sync::Arc;

use super::{base::Base, certificates::Certificates};
use crate::{
    admin::{AdminSources, Readiness},
    foundation::{Shutdown, ShutdownPhase},
    telemetry::Metrics,
};

/// Wires the pages to the rooms that know.
pub(super) fn sources(base: &Base, certificates: &Certificates) -> Arc<AdminSources> {
    let shutdown = base.shutdown.clone();
    let (judged, shown) = (certificates.clone(), certificates.clone());
    let (renewed, calendar) = (certificates.clone(), Arc::clone(&base.services.clock));
    let clock = Arc::clone(&base.services.clock);
    Arc::new(AdminSources {
        metrics: Arc::clone(&base.metrics),
        refresh: Box::new(refresh),
        readiness: Box::new(move || {
            let mut parts = vec![draining(&shutdown)];
            parts.extend(judged.readiness());
            parts
        }),
        certificates: Box::new(move || shown.report(clock.now())),
        renew: Box::new(move |name| renewed.renew(name, calendar.now())),
    })
}

fn draining(shutdown: &Shutdown) -> Readiness {
    let ready = shutdown.phase() == ShutdownPhase::Running;
    let detail = if ready {
        "serving"
    } else {
        "the process is ending"
    };
    Readiness {
        part: "drain",
        ready,
        detail: detail.to_owned(),
    }
}

/// Reads the resident size from the kernel; costs one small file a scrape.
fn refresh(metrics: &Metrics) {
    let Ok(text) = std::fs::read_to_string("/proc/self/statm") else {
        return;
    };
    let pages = text
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    if let Some(pages) = pages {
        let page_bytes = u64::try_from(rustix::param::page_size()).unwrap_or_default();
        metrics.resident_bytes.set(pages.saturating_mul(page_bytes));
    }
}
