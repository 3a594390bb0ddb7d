//! What the operator's pages show, gathered from all rooms.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{base::Base, certificates::Certificates, reload::LastReload};
use crate::{
    admin::{AdminSources, Readiness},
    foundation::{Shutdown, ShutdownPhase},
    telemetry::Metrics,
};

/// Wires the pages to the rooms that know.
pub(super) fn sources(
    base: &Base,
    certificates: &Arc<ArcSwap<Certificates>>,
    last_reload: &Arc<LastReload>,
) -> Arc<AdminSources> {
    let shutdown = base.shutdown.clone();
    let (judged, shown) = (Arc::clone(certificates), Arc::clone(certificates));
    let (renewed, calendar) = (Arc::clone(certificates), Arc::clone(&base.services.clock));
    let last_reload = Arc::clone(last_reload);
    let clock = Arc::clone(&base.services.clock);
    Arc::new(AdminSources {
        metrics: Arc::clone(&base.metrics),
        refresh: Box::new(refresh),
        readiness: Box::new(move || {
            let mut parts = vec![draining(&shutdown)];
            parts.extend(judged.load().readiness());
            parts.push(last_reload.readiness());
            parts
        }),
        certificates: Box::new(move || shown.load().report(clock.now())),
        renew: Box::new(move |name| renewed.load().renew(name, calendar.now())),
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
