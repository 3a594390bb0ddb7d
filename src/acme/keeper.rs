//! Keeps one certificate: waits until something is due, asks or makes one attempt, swaps the result
//! in.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{
    AcmeError,
    authorities::Authorities,
    display::Display,
    error::challenge_word,
    lock::LockShare,
    order::{Failure, Issued},
    renewal_info::{self, RenewalPlan, seconds},
    schedule,
    serving::Serving,
    start::Surroundings,
    state::{CertificateFolder, History, Stored},
    status::{CertificateState, RenewalRequest},
};
use crate::{
    config::{ChallengeKind, Domain},
    foundation::ShutdownPhase,
};

/// The keeper of one certificate.
pub(super) struct Keeper {
    domains: Vec<Domain>,
    folder: CertificateFolder,
    authorities: Arc<Authorities>,
    around: Arc<Surroundings>,
    serving: Serving,
    display: Display,
    request: Arc<RenewalRequest>,
    history: History,
    plan: RenewalPlan,
    /// The certificate served for exactly our domains, if there is one.
    current: Option<Stored>,
    /// Where between earliest and latest this certificate renews; drawn once for each.
    chance: f64,
    /// The operator asked for an attempt.
    asked: bool,
}

/// What a keeper does next.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Attempt,
    AskForWindow,
    Wait(Duration),
}

/// What a keeper is made of.
pub(super) struct KeeperParts {
    pub(super) domains: Vec<Domain>,
    pub(super) folder: CertificateFolder,
    pub(super) authorities: Arc<Authorities>,
    pub(super) around: Arc<Surroundings>,
    pub(super) display: Display,
    pub(super) request: Arc<RenewalRequest>,
}

impl Keeper {
    /// Serves at once what there is: the stored certificate, else a self-signed one for the right
    /// names.
    pub(super) fn new(parts: KeeperParts) -> Result<Self, AcmeError> {
        let chance = parts.around.randomness.fraction();
        let mut keeper = Self {
            serving: Serving::new(&parts.domains, &parts.around),
            domains: parts.domains,
            folder: parts.folder,
            authorities: parts.authorities,
            around: parts.around,
            display: parts.display,
            request: parts.request,
            history: History::default(),
            plan: RenewalPlan::default(),
            current: None,
            chance,
            asked: false,
        };
        keeper.open()?;
        Ok(keeper)
    }

    /// Takes over what stands on disk.
    pub(super) fn open(&mut self) -> Result<(), AcmeError> {
        let purpose = self.authorities.purpose(&self.domains);
        let history = self.folder.history().at_start();
        let same = history.purpose == purpose;
        self.history = if same {
            history
        } else {
            History {
                http_worked: history.http_worked,
                failed_proofs: history.failed_proofs,
                resting: history.resting,
                purpose,
                ..History::default()
            }
        };
        self.plan = self.folder.renewal_plan();
        let stored = self.folder.certificate();
        self.current = None;
        match stored {
            Some(stored) if self.serving.is_ours(&stored.certificate) => {
                self.install(stored)?;
            }
            other => self
                .serving
                .meanwhile(other.map(|stored| stored.certificate))?,
        }
        self.display.show(&self.history, &self.plan);
        Ok(())
    }

    /// Runs until the process, or the configuration that wanted this keeper, ends. `lock` says
    /// that no other process keeps the same certificate.
    pub(super) async fn run(mut self, lock: LockShare) {
        let shutdown = self.around.shutdown.clone();
        let request = Arc::clone(&self.request);
        loop {
            self.asked |= request.take();
            let step = self.next(self.around.clock.now());
            self.show_waiting(&step);
            tokio::select! {
                () = shutdown.reached(ShutdownPhase::Draining) => break,
                () = request.made(), if matches!(step, Step::Wait(_)) => {}
                () = self.take(&step) => {}
            }
        }
        drop(lock);
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Attempt => self.attempt().await,
            Step::AskForWindow => self.ask_for_window().await,
            Step::Wait(pause) => self.around.clock.sleep(*pause).await,
        }
    }

    fn next(&self, now: SystemTime) -> Step {
        if self.asked {
            return Step::Attempt;
        }
        let attempt = self.until_attempt(now);
        if attempt.is_some_and(|wait| wait.is_zero()) {
            return Step::Attempt;
        }
        let question = self.until_question(now);
        if question.is_some_and(|wait| wait.is_zero()) {
            return Step::AskForWindow;
        }
        let waits = [attempt, question, Some(LONGEST_SLEEP)];
        Step::Wait(waits.into_iter().flatten().min().unwrap_or(LONGEST_SLEEP))
    }

    /// How long until the next attempt; none when it could not succeed.
    fn until_attempt(&self, now: SystemTime) -> Option<Duration> {
        if self.history.failures > 0 && self.history.blocked {
            return None;
        }
        let due = self.until_due(now);
        if self.history.failures == 0 {
            return Some(due);
        }
        let pause = Duration::from_secs(self.history.pause_seconds);
        let left = schedule::pause_left(self.history.failed_at(), pause, now);
        Some(due.max(left))
    }

    /// How long until the certificate should be replaced.
    fn until_due(&self, now: SystemTime) -> Duration {
        let Some(current) = &self.current else {
            return Duration::ZERO;
        };
        let wanted = self.authorities.wanted_profile(&self.domains, current);
        if current.provenance.profile != wanted || !self.authorities.is_from_here(current) {
            return Duration::ZERO;
        }
        let window = self.window();
        let certificate = &current.certificate;
        let (from, to) = (certificate.not_before(), certificate.not_after());
        let moment = schedule::moment(from, to, window, self.chance);
        let due = moment.duration_since(now).unwrap_or_default();
        let obtained = SystemTime::UNIX_EPOCH + Duration::from_secs(current.provenance.obtained_at);
        let life = schedule::life(certificate);
        let gap = schedule::least_gap(life, window.is_some());
        due.max(schedule::pause_left(obtained, gap, now))
    }

    /// The moment the server's window gave for the certificate that is served.
    fn window(&self) -> Option<SystemTime> {
        let current = self.current.as_ref()?;
        let identifier = renewal_info::identifier(&current.certificate)?;
        let moment = self.plan.moment()?;
        (self.plan.certificate == identifier.to_string()).then_some(moment)
    }

    /// How long until the server is asked for its window; none without a certificate to ask about.
    fn until_question(&self, now: SystemTime) -> Option<Duration> {
        let current = self.current.as_ref()?;
        let identifier = renewal_info::identifier(&current.certificate)?;
        if self.plan.certificate == identifier.to_string() {
            Some(self.plan.until_asked(now))
        } else {
            Some(Duration::ZERO)
        }
    }

    async fn ask_for_window(&mut self) {
        let Some(current) = self.current.clone() else {
            return;
        };
        let known = self.window();
        let around = &self.around;
        let question = self.authorities.ask_for_window(
            &current,
            around.clock.now(),
            around.randomness.fraction(),
            &mut self.plan,
        );
        if let Err(error) = question.await {
            tracing::info!(name = self.name(), %error, "no renewal window; the life decides");
        }
        if let (Some(window), true) = (&self.plan.window, self.window() != known) {
            tracing::info!(
                name = self.name(),
                renewal = renewal_info::shown(window.chosen),
                explanation = window.explanation,
                "the ACME server's window decides when to renew"
            );
        }
        if let Err(error) = self.folder.keep_renewal_plan(&self.plan) {
            tracing::error!(%error, "the renewal window cannot be written down");
        }
        self.display.show(&self.history, &self.plan);
    }

    async fn attempt(&mut self) {
        let state = if self.current.is_some() {
            CertificateState::Renewing
        } else {
            CertificateState::Ordering
        };
        self.enter(state);
        self.asked = false;
        match self.obtain().await {
            Ok(issued) => self.succeeded(issued),
            Err(failure) => self.failed(&failure),
        }
    }

    async fn obtain(&mut self) -> Result<Issued, Failure> {
        let now = self.around.clock.now();
        let authorities = Arc::clone(&self.authorities);
        let issued = authorities
            .obtain(super::authorities::Wish {
                domains: &self.domains,
                folder: &self.folder,
                around: &self.around,
                history: &mut self.history,
                current: self.current.as_ref(),
                now,
            })
            .await?;
        if !self.serving.is_ours(&issued.stored.certificate) {
            return Err(AcmeError::WrongCertificate("it is for other names".to_owned()).into());
        }
        Ok(issued)
    }

    fn succeeded(&mut self, issued: Issued) {
        self.display.count("ok");
        let worked = issued.challenge.or(self.history.worked());
        self.history = History {
            purpose: std::mem::take(&mut self.history.purpose),
            http_worked: worked.map(|kind| kind == ChallengeKind::Http01),
            // a server that was passed over still wants its rest at the next renewal
            resting: std::mem::take(&mut self.history.resting),
            // and counts the proofs that failed within the hour
            failed_proofs: std::mem::take(&mut self.history.failed_proofs),
            state: std::mem::take(&mut self.history.state),
            ..History::default()
        };
        self.chance = self.around.randomness.fraction();
        let not_after = seconds(issued.stored.certificate.not_after());
        let directory = issued.stored.provenance.directory.clone();
        match self.install(issued.stored) {
            Ok(()) => tracing::info!(
                name = self.name(),
                directory,
                not_after = renewal_info::shown(not_after),
                challenge = worked.map(challenge_word),
                "obtained a certificate"
            ),
            Err(error) => tracing::error!(%error, "an issued certificate cannot be served"),
        }
        self.remember();
    }

    fn failed(&mut self, failure: &Failure) {
        self.display.count("failed");
        let error = &failure.error;
        let now = self.around.clock.now();
        let failures = self.history.failures.saturating_add(1);
        for _ in 0..failure.failed_proofs {
            self.history.failed_proofs.push(seconds(now));
        }
        let surplus = self.history.failed_proofs.len().saturating_sub(REMEMBERED);
        self.history.failed_proofs.drain(..surplus);
        let urgent = self.current.as_ref().is_some_and(|current| {
            let certificate = &current.certificate;
            schedule::is_urgent(certificate.not_before(), certificate.not_after(), now)
        });
        let pause = schedule::pause(failures, urgent, self.around.randomness.fraction())
            .max(self.authorities.rest_left(&self.history, now))
            .max(schedule::proof_pause(
                &self.history.failed_proofs,
                seconds(now),
            ));
        self.history.failures = failures;
        self.history.failed_at = seconds(now);
        self.history.pause_seconds = pause.as_secs();
        self.history.error = Some(error.to_string());
        self.history.blocked = error.is_permanent();
        self.remember();
        tracing::warn!(
            name = self.name(),
            %error,
            failures,
            blocked = self.history.blocked,
            next_attempt_seconds = (!self.history.blocked).then_some(pause.as_secs()),
            "no certificate; what is served stays"
        );
    }

    /// Serves an issued certificate for exactly our domains from now on.
    fn install(&mut self, stored: Stored) -> Result<(), AcmeError> {
        self.serving.install(stored.certificate.clone())?;
        self.display.describe(&stored);
        self.current = Some(stored);
        Ok(())
    }

    fn show_waiting(&mut self, step: &Step) {
        let now = self.around.clock.now();
        let until = self.until_attempt(now);
        let issued = self.current.is_some();
        let state = match (self.history.failures, self.history.blocked, issued) {
            (1.., true, _) => CertificateState::Blocked,
            (1.., false, _) => CertificateState::BackingOff,
            (0, _, true) if *step == Step::Attempt => CertificateState::Due,
            (0, _, true) => CertificateState::Valid,
            (0, _, false) => CertificateState::Missing,
        };
        let next = until.and_then(|wait| now.checked_add(wait));
        let rest = self.authorities.rest_left(&self.history, now);
        let asked_until = now.checked_add(rest).filter(|_| !rest.is_zero());
        self.display.next_attempt(next, asked_until);
        self.enter(state);
    }

    /// Shows a state, and writes it down when it is another one than before.
    fn enter(&mut self, state: CertificateState) {
        if self.history.state != state.as_str() {
            tracing::info!(
                name = self.name(),
                from = self.history.state,
                to = state.as_str(),
                "a certificate changed its state"
            );
            state.as_str().clone_into(&mut self.history.state);
            self.remember();
        }
        self.display.enter(state);
    }

    fn remember(&mut self) {
        if let Err(error) = self.folder.keep_history(&self.history) {
            tracing::error!(%error, "what became of the attempt cannot be written down");
        }
        self.display.show(&self.history, &self.plan);
    }

    fn name(&self) -> String {
        self.domains
            .first()
            .map(ToString::to_string)
            .unwrap_or_default()
    }
}

/// A clock that jumps, or a machine that slept, is noticed within the hour.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

/// Failed proofs that are remembered; the budget looks at three.
const REMEMBERED: usize = 8;
