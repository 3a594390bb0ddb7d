//! What the operator's pages show, gathered from all rooms.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{
    access::{Accesses, KeySourceMetrics},
    base::Base,
    certificates::Certificates,
    reload::LastReload,
};
use crate::{
    admin::{AdminSources, Readiness},
    documentation::DocumentationIndex,
    foundation::{Shutdown, ShutdownPhase},
    telemetry::{Metrics, PhaseLabels},
};

/// Wires the pages to the rooms that know.
pub(super) fn sources(
    base: &Base,
    certificates: &Arc<ArcSwap<Certificates>>,
    present: &Arc<ArcSwap<Accesses>>,
    documentation: &Arc<ArcSwap<DocumentationIndex>>,
    last_reload: &Arc<LastReload>,
) -> Arc<AdminSources> {
    let (shutdown, ending) = (base.shutdown.clone(), base.shutdown.clone());
    let (judged, shown) = (Arc::clone(certificates), Arc::clone(certificates));
    let (renewed, calendar) = (Arc::clone(certificates), Arc::clone(&base.services.clock));
    let last_reload = Arc::clone(last_reload);
    let clock = Arc::clone(&base.services.clock);
    let (measured, asked) = (Arc::clone(present), Arc::clone(present));
    let searched = Arc::clone(documentation);
    let time = Arc::clone(&base.services.clock);
    let sources_shown = KeySourceMetrics::default();
    Arc::new(AdminSources {
        metrics: Arc::clone(&base.metrics),
        refresh: Box::new(move |metrics| {
            refresh(metrics, &ending);
            sources_shown.update(&measured, metrics);
        }),
        readiness: Box::new(move || {
            let mut parts = vec![draining(&shutdown)];
            parts.extend(judged.load().readiness());
            parts.extend(documentation_part(&searched.load()));
            parts.extend(asked.load().readiness(time.now()));
            parts.push(last_reload.readiness());
            parts
        }),
        certificates: Box::new(move || shown.load().report(clock.now())),
        renew: Box::new(move |name| renewed.load().renew(name, calendar.now())),
    })
}

/// Told, but never unready: without it the chat goes on and only says that it does not know.
fn documentation_part(index: &DocumentationIndex) -> Option<Readiness> {
    let detail = index.describe()?;
    Some(Readiness {
        part: "documentation",
        ready: true,
        detail,
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

/// What is read rather than counted; costs a few small files a scrape.
fn refresh(metrics: &Metrics, shutdown: &Shutdown) {
    metrics.measure_process();
    let now = shutdown.phase();
    for phase in ShutdownPhase::ALL {
        let labels = PhaseLabels {
            phase: phase.as_str(),
        };
        let present = i64::from(phase == now);
        metrics.phase.get_or_create(&labels).set(present);
    }
}
