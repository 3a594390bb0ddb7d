//! From a configuration to keepers at work.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::{
    AcmeError, AcmeStatus,
    account::AccountDesk,
    client::AcmeHttp,
    keeper::Keeper,
    state::CertificateFolder,
    status::{CertificateState, CertificateStatus, SharedStatus},
};
use crate::{
    config::{Config, Domain},
    foundation::{Clock, Randomness, Shutdown, Tasks},
    telemetry::Metrics,
    tls::{CertificateStore, ChallengeResponder, probe_folder},
    upstream::TrustRoots,
};

/// What keepers work with.
pub struct Surroundings {
    /// What they fill.
    pub store: Arc<CertificateStore>,
    /// Who can answer challenges, in the order of the configuration.
    pub responders: Vec<Arc<dyn ChallengeResponder>>,
    /// The calendar.
    pub clock: Arc<dyn Clock>,
    /// Jitter.
    pub randomness: Arc<dyn Randomness>,
    /// Where attempts are counted.
    pub metrics: Arc<Metrics>,
    /// Where keepers run.
    pub tasks: Tasks,
    /// Ends them.
    pub shutdown: Shutdown,
}

/// Serves what there is for every domain and starts the keepers. Needs no network: the ACME
/// server may be down for as long as it likes.
pub fn start(config: &Config, around: Surroundings) -> Result<Arc<AcmeStatus>, AcmeError> {
    let state = &config.tls.state;
    probe_folder(state)?;
    if around.responders.is_empty() {
        return Err(AcmeError::NoResponder);
    }
    let mut ca_files = config.upstream.ca_files.clone();
    ca_files.extend(config.tls.acme.ca_file.clone());
    let http = AcmeHttp::new(&TrustRoots::load(&ca_files)?, Arc::clone(&around.clock))?;
    let acme = &config.tls.acme;
    let desk = AccountDesk::new(http, acme.directory.clone(), &acme.contact, state);
    let (desk, around) = (Arc::new(desk), Arc::new(around));
    let mut statuses = Vec::new();
    for domains in certificates(&config.domains) {
        let Some(name) = domains.first().map(ToString::to_string) else {
            continue;
        };
        let folder = CertificateFolder::new(state, &name);
        let status = unknown(name, &domains);
        let wake = Arc::new(Notify::new());
        statuses.push((Arc::clone(&status), Arc::clone(&wake)));
        let keeper = Keeper::new(
            domains,
            folder,
            Arc::clone(&desk),
            Arc::clone(&around),
            status,
            wake,
        )?;
        around.tasks.spawn("certificate keeper", keeper.run());
    }
    Ok(Arc::new(AcmeStatus::new(acme.directory.clone(), statuses)))
}

/// One certificate for all DNS names, one for each address.
fn certificates(domains: &[Domain]) -> Vec<Vec<Domain>> {
    let is_name = |domain: &&Domain| matches!(domain, Domain::Name(_));
    let names: Vec<_> = domains.iter().filter(is_name).cloned().collect();
    let addresses = domains.iter().filter(|domain| !is_name(domain));
    let mut sets: Vec<_> = addresses.map(|address| vec![address.clone()]).collect();
    if !names.is_empty() {
        sets.insert(0, names);
    }
    sets
}

fn unknown(name: String, domains: &[Domain]) -> SharedStatus {
    Arc::new(Mutex::new(CertificateStatus {
        name,
        domains: domains.iter().map(ToString::to_string).collect(),
        state: CertificateState::Missing,
        issuer: None,
        serial: None,
        not_before: None,
        not_after: None,
        end: None,
        asked_until: None,
        next_attempt: None,
        failures: 0,
        last_error: None,
        challenge: None,
    }))
}
