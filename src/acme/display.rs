//! What the operator sees of one certificate: `/certs` and metrics.

use std::{
    sync::{Arc, PoisonError},
    time::SystemTime,
};

use super::{
    renewal_info::{RenewalPlan, seconds, shown},
    state::{History, Stored},
    status::{CertificateState, CertificateStatus, SharedStatus, timestamp},
};
use crate::telemetry::{CertificateLabels, CertificateStateLabels, Metrics, OutcomeLabels};

/// The writing side of one certificate's status.
pub(super) struct Display {
    name: String,
    status: SharedStatus,
    metrics: Arc<Metrics>,
}

impl Display {
    pub(super) fn new(name: String, status: SharedStatus, metrics: Arc<Metrics>) -> Self {
        metrics.expect_attempts();
        Self {
            name,
            status,
            metrics,
        }
    }

    /// The certificate that is served now.
    pub(super) fn describe(&self, stored: &Stored) {
        self.update(|status| {
            status.describe(&stored.certificate);
            status.directory = Some(stored.provenance.directory.clone());
            status.profile.clone_from(&stored.provenance.profile);
        });
    }

    /// Failures so far and the window of the server.
    pub(super) fn show(&self, history: &History, plan: &RenewalPlan) {
        self.update(|status| {
            status.failures = history.failures;
            status.last_error.clone_from(&history.error);
            status.challenge = history.worked().map(super::error::challenge_word);
            let window = plan.window.as_ref();
            status.window_start = window.and_then(|window| shown(window.start));
            status.window_end = window.and_then(|window| shown(window.end));
            status.window_chosen = window.and_then(|window| shown(window.chosen));
            status.window_explanation = window.and_then(|window| window.explanation.clone());
        });
    }

    /// When the next attempt is; none when there will be none. And until when the servers asked to
    /// be left alone.
    pub(super) fn next_attempt(&self, moment: Option<SystemTime>, asked_until: Option<SystemTime>) {
        self.update(|status| {
            status.next_attempt = moment.and_then(timestamp);
            status.asked_until = asked_until;
        });
        let labels = CertificateLabels {
            name: self.name.clone(),
        };
        let moment = moment.map(seconds).unwrap_or_default();
        self.metrics
            .certificate_next_attempt
            .get_or_create(&labels)
            .set(i64::try_from(moment).unwrap_or(i64::MAX));
    }

    /// Where the certificate stands.
    pub(super) fn enter(&self, state: CertificateState) {
        self.update(|status| status.state = state);
        for known in CertificateState::ALL {
            let labels = CertificateStateLabels {
                name: self.name.clone(),
                state: known.as_str(),
            };
            self.metrics
                .certificate_state
                .get_or_create(&labels)
                .set(i64::from(known == state));
        }
    }

    /// Counts an attempt.
    pub(super) fn count(&self, outcome: &'static str) {
        self.metrics
            .acme_attempts
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    fn update(&self, change: impl FnOnce(&mut CertificateStatus)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
