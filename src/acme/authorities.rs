//! The ACME servers of the configuration: who is asked, in which order, for what.

use std::{sync::Arc, time::Duration, time::SystemTime};

use super::{
    AcmeError,
    account::AccountDesk,
    order::{Attempt, Failure, Issued},
    renewal_info::{self, Question, RenewalPlan, seconds},
    schedule,
    start::Surroundings,
    state::{CertificateFolder, History, Identity, Rest, Stored},
};
use crate::{
    config::{Acme, Domain},
    tls::ChallengeResponder,
};

/// Every server, each with our account there.
pub(super) struct Authorities {
    /// In the order in which they are asked.
    desks: Vec<AccountDesk>,
    /// For trials.
    staging: Option<AccountDesk>,
    profile: Option<String>,
    /// What makes an attempt another one, beside the domains.
    settings: String,
}

/// What is to be obtained.
pub(super) struct Wish<'a> {
    pub(super) domains: &'a [Domain],
    pub(super) folder: &'a CertificateFolder,
    pub(super) around: &'a Surroundings,
    pub(super) history: &'a mut History,
    /// What is served now.
    pub(super) current: Option<&'a Stored>,
    pub(super) now: SystemTime,
}

impl Authorities {
    /// The servers that `acme` names; `desk` opens our place at a directory.
    pub(super) fn new(acme: &Acme, desk: impl Fn(&str) -> AccountDesk) -> Self {
        let mut directories = vec![acme.directory.as_str()];
        for directory in &acme.fallback_directories {
            if !directories.contains(&directory.as_str()) {
                directories.push(directory);
            }
        }
        let account = acme.eab.as_ref().map(|eab| eab.kid.as_str());
        let settings = format!(
            "{directories:?} {:?} {:?} {account:?} {:?}",
            acme.profile, acme.challenges, acme.contact
        );
        Self {
            desks: directories.into_iter().map(&desk).collect(),
            staging: acme.staging_directory.as_deref().map(&desk),
            profile: acme.profile.clone(),
            settings,
        }
    }

    /// What attempts for `domains` are about. Past failures count for the same purpose only.
    pub(super) fn purpose(&self, domains: &[Domain]) -> String {
        let names: Vec<_> = domains.iter().map(ToString::to_string).collect();
        format!("{} {}", names.join(","), self.settings)
    }

    /// The kind of certificate that is wanted in the place of `current`. Without a configured one,
    /// addresses keep the kind they were given.
    pub(super) fn wanted_profile(&self, domains: &[Domain], current: &Stored) -> Option<String> {
        let kept = || has_address(domains).then(|| current.provenance.profile.clone());
        self.profile.clone().or_else(|| kept().flatten())
    }

    /// Whether a stored certificate comes from a server that is still configured: one from a staging
    /// directory must not outlive the change to the real one.
    pub(super) fn is_from_here(&self, current: &Stored) -> bool {
        current.provenance.directory.is_empty() || self.issuer_of(current).is_some()
    }

    /// Asks one server after the other until one has issued. After a failure the trial at the
    /// staging directory comes first.
    pub(super) async fn obtain(&self, wish: Wish<'_>) -> Result<Issued, Failure> {
        let mut wish = wish;
        if let (1.., Some(staging)) = (wish.history.failures, &self.staging) {
            self.rehearse(staging, &mut wish).await?;
        }
        let mut last = Failure::from(AcmeError::Resting);
        for desk in &self.desks {
            let resting = wish.history.resting.get(desk.directory());
            if resting.is_some_and(|rest| !rest.left(wish.now).is_zero()) {
                continue;
            }
            let failure = match self.order_at(desk, &mut wish).await {
                Ok(issued) => return Ok(issued),
                Err(failure) => failure,
            };
            if !failure.error.is_the_servers() {
                return Err(failure);
            }
            if self.desks.len() > 1 {
                let (directory, error) = (desk.directory(), &failure.error);
                tracing::warn!(directory, %error, "this ACME server did not issue");
            }
            last = Failure {
                failed_proofs: last.failed_proofs + failure.failed_proofs,
                error: failure.error,
            };
        }
        Err(last)
    }

    /// How long every server still wants to be left alone.
    pub(super) fn rest_left(&self, history: &History, now: SystemTime) -> Duration {
        let left = |desk: &AccountDesk| {
            let rest = history.resting.get(desk.directory());
            rest.map(|rest| rest.left(now)).unwrap_or_default()
        };
        let staging = self.staging.as_ref().map(left).unwrap_or_default();
        let orders = self.desks.iter().map(left).min().unwrap_or_default();
        orders.max(staging)
    }

    /// Brings the plan up to date from the server that issued `current`.
    pub(super) async fn ask_for_window(
        &self,
        current: &Stored,
        now: SystemTime,
        chance: f64,
        plan: &mut RenewalPlan,
    ) -> Result<(), AcmeError> {
        let life = schedule::life(&current.certificate);
        // Whatever happens, the next question has its distance.
        plan.asked_at = seconds(now);
        plan.pause_seconds = schedule::question_pause(None, life, true).as_secs();
        if let Some(identifier) = renewal_info::identifier(&current.certificate) {
            let identifier = identifier.to_string();
            if plan.certificate != identifier {
                plan.certificate = identifier;
                plan.window = None;
            }
        }
        let Some(desk) = self.issuer_of(current) else {
            return Ok(());
        };
        let Some(address) = desk.renewal_information().await? else {
            plan.pause_seconds =
                schedule::question_pause(Some(Duration::MAX), life, false).as_secs();
            return Ok(());
        };
        let question = Question {
            http: desk.http(),
            address: &address,
            certificate: &current.certificate,
            chance,
        };
        question.ask(plan).await
    }

    /// Our place at the server that issued a certificate, if it is still configured.
    fn issuer_of(&self, current: &Stored) -> Option<&AccountDesk> {
        let directory = current.provenance.directory.as_str();
        self.desks.iter().find(|desk| desk.directory() == directory)
    }

    /// The whole way at the staging directory; what it issues is thrown away.
    async fn rehearse(&self, staging: &AccountDesk, wish: &mut Wish<'_>) -> Result<(), Failure> {
        let folder = wish.folder.rehearsal();
        let trial = Wish {
            domains: wish.domains,
            folder: &folder,
            around: wish.around,
            history: wish.history,
            current: None,
            now: wish.now,
        };
        let mut trial = trial;
        let outcome = self.order_at(staging, &mut trial).await;
        folder.discard();
        match outcome {
            Ok(_) => {
                tracing::info!(directory = staging.directory(), "the trial succeeded");
                Ok(())
            }
            // A trial costs nothing of the real server's limits.
            Err(failure) => Err(Failure {
                error: AcmeError::Rehearsal(Box::new(failure.error)),
                failed_proofs: 0,
            }),
        }
    }

    /// An attempt at one server, with a new account if it lost ours.
    async fn order_at(&self, desk: &AccountDesk, wish: &mut Wish<'_>) -> Result<Issued, Failure> {
        let mut outcome = self.attempt_at(desk, wish).await;
        if let Err(failure) = &outcome
            && failure.error.account_is_gone()
        {
            desk.forget().await?;
            outcome = self.attempt_at(desk, wish).await;
        }
        let asked = desk.take_retry_after();
        match (&outcome, asked) {
            (Err(failure), Some(asked)) if failure.error.is_passing() => {
                let rest = Rest {
                    since: seconds(wish.now),
                    seconds: schedule::reasonable(asked).as_secs(),
                };
                let directory = desk.directory().to_owned();
                wish.history.resting.insert(directory, rest);
            }
            _ => {
                wish.history.resting.remove(desk.directory());
            }
        }
        outcome
    }

    async fn attempt_at(&self, desk: &AccountDesk, wish: &Wish<'_>) -> Result<Issued, Failure> {
        let account = desk.account().await?;
        let mut offered: Vec<&str> = account.profiles().map(|profile| profile.name).collect();
        // they come out of a map: operators and logs read the same order each time
        offered.sort_unstable();
        let profile = self.profile_at(desk, wish.domains, &offered)?;
        let failed = &wish.history.failed_proofs;
        let recent = schedule::recent_proofs(failed, seconds(wish.now));
        let attempt = Attempt {
            account: &account,
            directory: desk.directory(),
            identity: Identity {
                domains: wish.domains.iter().map(ToString::to_string).collect(),
                profile,
            },
            domains: wish.domains,
            folder: wish.folder,
            clock: &*wish.around.clock,
            responders: responders(wish),
            replaces: Self::replaces(desk, wish),
            // One at least: the pause before this attempt has kept the budget.
            proofs: schedule::FAILED_PROOFS.saturating_sub(recent).max(1),
        };
        attempt.run().await
    }

    /// Only the first try says what it replaces, and only to the server that issued it: that
    /// exempts the order from limits, but a server that disagrees must not stop renewals.
    fn replaces(
        desk: &AccountDesk,
        wish: &Wish<'_>,
    ) -> Option<instant_acme::CertificateIdentifier<'static>> {
        let current = wish.current?;
        let ours = current.provenance.directory == desk.directory();
        (ours && wish.history.failures == 0)
            .then(|| renewal_info::identifier(&current.certificate))
            .flatten()
    }

    fn profile_at(
        &self,
        desk: &AccountDesk,
        domains: &[Domain],
        offered: &[&str],
    ) -> Result<Option<String>, AcmeError> {
        match &self.profile {
            Some(wanted) if offered.contains(&wanted.as_str()) => Ok(Some(wanted.clone())),
            Some(wanted) => Err(AcmeError::Profile {
                wanted: wanted.clone(),
                directory: desk.directory().to_owned(),
                offered: if offered.is_empty() {
                    "no choice; remove the key".to_owned()
                } else {
                    offered.join(", ")
                },
            }),
            None if has_address(domains) && offered.contains(&FOR_ADDRESSES) => {
                Ok(Some(FOR_ADDRESSES.to_owned()))
            }
            None => Ok(None),
        }
    }
}

/// What worked last comes first.
fn responders(wish: &Wish<'_>) -> Vec<Arc<dyn ChallengeResponder>> {
    let mut responders = wish.around.responders.clone();
    let worked = wish.history.worked();
    responders.sort_by_key(|responder| Some(responder.kind()) != worked);
    responders
}

fn has_address(domains: &[Domain]) -> bool {
    domains
        .iter()
        .any(|domain| matches!(domain, Domain::Address(_)))
}

/// The only kind of certificate that Let's Encrypt gives to IP addresses.
const FOR_ADDRESSES: &str = "shortlived";
