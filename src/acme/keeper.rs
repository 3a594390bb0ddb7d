//! Keeps one certificate: waits until something is due, makes one attempt, swaps the result in.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::sync::Notify;

use super::{
    AcmeError,
    account::AccountDesk,
    error::challenge_word,
    order::{Attempt, Issued},
    schedule,
    start::Surroundings,
    state::{CertificateFolder, History},
    status::{CertificateState, CertificateStatus, SharedStatus, timestamp},
};
use crate::{
    config::{ChallengeKind, Domain},
    foundation::ShutdownPhase,
    telemetry::OutcomeLabels,
    tls::{Certificate, ChallengeResponder, temporary_certificate},
};

/// The keeper of one certificate.
pub(super) struct Keeper {
    domains: Vec<Domain>,
    folder: CertificateFolder,
    desk: Arc<AccountDesk>,
    around: Arc<Surroundings>,
    history: History,
    /// When the served certificate should be replaced; none while there is no issued one for
    /// exactly our domains.
    renewal: Option<SystemTime>,
    status: SharedStatus,
    /// The operator does not want to wait.
    wake: Arc<Notify>,
}

impl Keeper {
    /// Serves at once what there is: the stored certificate, else a self-signed one for the right
    /// names.
    pub(super) fn new(
        domains: Vec<Domain>,
        folder: CertificateFolder,
        desk: Arc<AccountDesk>,
        around: Arc<Surroundings>,
        status: SharedStatus,
        wake: Arc<Notify>,
    ) -> Result<Self, AcmeError> {
        let history = folder.history().at_start();
        let mut keeper = Self {
            domains,
            folder,
            desk,
            around,
            history,
            renewal: None,
            status,
            wake,
        };
        match keeper.folder.certificate() {
            Some(certificate) if keeper.is_ours(&certificate) => keeper.install(certificate)?,
            other => keeper.serve_meanwhile(other)?,
        }
        Ok(keeper)
    }

    /// Runs until the process ends.
    pub(super) async fn run(mut self) {
        let shutdown = self.around.shutdown.clone();
        let wake = Arc::clone(&self.wake);
        let mut wished = false;
        loop {
            let wait = self.wait();
            self.show_waiting(wait);
            if wait.is_zero() || wished {
                wished = false;
                tokio::select! {
                    () = shutdown.reached(ShutdownPhase::Draining) => return,
                    () = self.attempt() => {}
                }
                continue;
            }
            tokio::select! {
                () = shutdown.reached(ShutdownPhase::Draining) => return,
                () = self.around.clock.sleep(wait.min(LONGEST_SLEEP)) => {}
                () = wake.notified() => wished = true,
            }
        }
    }

    /// How long until the next attempt.
    fn wait(&self) -> Duration {
        if self.history.blocked {
            // Only a restart, perhaps with another configuration, or the operator's wish helps.
            return Duration::MAX;
        }
        let now = self.around.clock.now();
        let until_due = match self.renewal {
            None => Duration::ZERO,
            Some(renewal) => renewal.duration_since(now).unwrap_or_default(),
        };
        if self.history.failures == 0 {
            return until_due;
        }
        let pause = Duration::from_secs(self.history.pause_seconds);
        until_due.max(schedule::pause_left(self.history.failed_at(), pause, now))
    }

    async fn attempt(&mut self) {
        let renewing = self.renewal.is_some();
        let state = if renewing {
            CertificateState::Renewing
        } else {
            CertificateState::Ordering
        };
        self.enter(state);
        match self.obtain().await {
            Ok(issued) => self.succeeded(issued),
            Err(error) => self.failed(&error).await,
        }
    }

    async fn obtain(&self) -> Result<Issued, AcmeError> {
        // A certificate that cannot be kept must not be ordered.
        self.folder.probe()?;
        let account = self.desk.account().await?;
        let attempt = Attempt {
            account: &account,
            domains: &self.domains,
            folder: &self.folder,
            clock: &*self.around.clock,
            responders: self.responders(),
        };
        let issued = attempt.run().await?;
        if !self.is_ours(&issued.certificate) {
            return Err(AcmeError::WrongCertificate(
                "it is for other names".to_owned(),
            ));
        }
        Ok(issued)
    }

    /// What worked last comes first.
    fn responders(&self) -> Vec<Arc<dyn ChallengeResponder>> {
        let mut responders = self.around.responders.clone();
        let worked = self.history.worked();
        responders.sort_by_key(|responder| Some(responder.kind()) != worked);
        responders
    }

    fn succeeded(&mut self, issued: Issued) {
        self.count("ok");
        let worked = issued.challenge.or(self.history.worked());
        self.history = History {
            http_worked: worked.map(|kind| kind == ChallengeKind::Http01),
            ..History::default()
        };
        self.remember();
        self.update(|status| {
            status.failures = 0;
            status.last_error = None;
            status.challenge = worked.map(challenge_word);
        });
        let not_after = timestamp(issued.certificate.not_after());
        match self.install(issued.certificate) {
            Ok(()) => tracing::info!(
                name = self.name(),
                not_after,
                challenge = worked.map(challenge_word),
                "obtained a certificate"
            ),
            Err(error) => tracing::error!(%error, "an issued certificate cannot be served"),
        }
    }

    async fn failed(&mut self, error: &AcmeError) {
        self.count("failed");
        let asked = self.desk.take_retry_after().filter(|_| error.is_passing());
        if error.account_is_gone()
            && let Err(error) = self.desk.forget().await
        {
            tracing::warn!(%error, "the old account cannot be removed");
        }
        let failures = self.history.failures.saturating_add(1);
        let chance = self.around.randomness.fraction();
        let pause = if error.account_is_gone() && failures == 1 {
            // A new account can be made at once.
            Duration::from_secs(1)
        } else {
            schedule::pause(failures, asked, chance)
        };
        let now = self.around.clock.now();
        self.history.failures = failures;
        self.history.failed_at = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        self.history.pause_seconds = pause.as_secs();
        self.history.asked = asked.is_some();
        self.history.error = Some(error.to_string());
        self.history.blocked = error.is_permanent();
        self.remember();
        tracing::warn!(
            name = self.name(),
            %error,
            failures,
            next_attempt_seconds = (!self.history.blocked).then_some(pause.as_secs()),
            "no certificate; what is served stays"
        );
    }

    /// Serves an issued certificate for exactly our domains and plans its renewal.
    fn install(&mut self, certificate: Certificate) -> Result<(), AcmeError> {
        let chance = self.around.randomness.fraction();
        let (from, to) = (certificate.not_before(), certificate.not_after());
        self.renewal = Some(schedule::renewal_time(from, to, chance));
        self.update(|status| status.describe(&certificate));
        self.around.store.install(&self.domains, certificate)?;
        // What was served meanwhile for parts of our domains has done its work.
        for entry in self.around.store.entries() {
            let part = entry.domains() != self.domains
                && entry
                    .domains()
                    .iter()
                    .all(|domain| self.domains.contains(domain));
            if part {
                self.around.store.retire(entry.domains());
            }
        }
        Ok(())
    }

    /// Until the first certificate for exactly our domains: a stored one for those it has, and
    /// self-signed ones for the right names for the others.
    fn serve_meanwhile(&mut self, stored: Option<Certificate>) -> Result<(), AcmeError> {
        let (had, lacking): (Vec<_>, Vec<_>) = self
            .domains
            .iter()
            .cloned()
            .partition(|domain| stored.as_ref().is_some_and(|stored| covers(stored, domain)));
        if let (Some(stored), false) = (stored, had.is_empty()) {
            self.around.store.install(&had, stored)?;
        }
        if !lacking.is_empty() {
            let temporary = temporary_certificate(&lacking, &*self.around.clock)?;
            self.around.store.install(&lacking, temporary)?;
        }
        Ok(())
    }

    /// True if a certificate is for all our domains and no others.
    fn is_ours(&self, certificate: &Certificate) -> bool {
        let names = certificate.dns_names().len() + certificate.addresses().len();
        names == self.domains.len()
            && self
                .domains
                .iter()
                .all(|domain| covers(certificate, domain))
    }

    fn show_waiting(&self, wait: Duration) {
        let now = self.around.clock.now();
        let issued = self.renewal.is_some();
        let state = match (self.history.failures, self.history.blocked, issued) {
            (1.., true, _) => CertificateState::Blocked,
            (1.., false, _) => CertificateState::BackingOff,
            (0, _, true) if wait.is_zero() => CertificateState::Due,
            (0, _, true) => CertificateState::Valid,
            (0, _, false) => CertificateState::Missing,
        };
        self.enter(state);
        let next = now.checked_add(wait).and_then(timestamp);
        let (failures, error) = (self.history.failures, self.history.error.clone());
        let asked_until = now.checked_add(wait).filter(|_| self.history.asked);
        self.update(|status| {
            status.next_attempt = next;
            status.asked_until = asked_until;
            status.failures = failures;
            status.last_error = error;
        });
    }

    fn remember(&self) {
        if let Err(error) = self.folder.keep_history(&self.history) {
            tracing::error!(%error, "what became of the attempt cannot be written down");
        }
    }

    fn count(&self, outcome: &'static str) {
        self.around
            .metrics
            .acme_attempts
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    fn update(&self, change: impl FnOnce(&mut CertificateStatus)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Moves to a state, and says so when it is another one.
    fn enter(&self, state: CertificateState) {
        let mut before = state;
        self.update(|status| before = std::mem::replace(&mut status.state, state));
        if before != state {
            let name = self.name();
            tracing::info!(name, from = ?before, to = ?state, "a certificate changed its state");
        }
    }

    fn name(&self) -> String {
        self.domains
            .first()
            .map(ToString::to_string)
            .unwrap_or_default()
    }
}

fn covers(certificate: &Certificate, domain: &Domain) -> bool {
    match domain {
        Domain::Name(name) => certificate.dns_names().iter().any(|has| has == name),
        Domain::Address(address) => certificate.addresses().contains(address),
    }
}

/// A clock that jumps, or a machine that slept, is noticed within the hour.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);
