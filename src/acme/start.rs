//! From a configuration to keepers at work.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    AcmeError, AcmeStatus,
    account::AccountDesk,
    authorities::Authorities,
    client::AcmeHttp,
    display::Display,
    keeper::{Keeper, KeeperParts},
    lock::StateLock,
    mounts,
    state::CertificateFolder,
    status::{CertificateStatus, Kept, RenewalRequest},
};
use crate::{
    config::{Config, Domain},
    foundation::{Clock, Randomness, Shutdown, ShutdownPhase, Tasks},
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
/// server may be down for as long as it likes. The keepers end with `around.shutdown`, at
/// [`ShutdownPhase::Draining`]; started again from another configuration they go on from disk.
pub fn start(config: &Config, around: Surroundings) -> Result<Arc<AcmeStatus>, AcmeError> {
    let state = &config.tls.state;
    probe_folder(state)?;
    refuse_ephemeral(config)?;
    if around.responders.is_empty() {
        return Err(AcmeError::NoResponder);
    }
    let authorities = Arc::new(authorities(config, &around)?);
    let (around, lock) = (Arc::new(around), Arc::new(StateLock::new(state)));
    let mut kept = Vec::new();
    for domains in certificates(&config.domains) {
        let Some(name) = domains.first().map(ToString::to_string) else {
            continue;
        };
        let names = domains.iter().map(ToString::to_string).collect();
        let status = Arc::new(Mutex::new(CertificateStatus::unknown(name.clone(), names)));
        let request = Arc::<RenewalRequest>::default();
        kept.push(Kept {
            status: Arc::clone(&status),
            request: Arc::clone(&request),
        });
        let keeper = Keeper::new(KeeperParts {
            folder: CertificateFolder::new(state, &name),
            domains,
            authorities: Arc::clone(&authorities),
            around: Arc::clone(&around),
            display: Display::new(name, status, Arc::clone(&around.metrics)),
            request,
        })?;
        let waiting = keep(keeper, Arc::clone(&lock), Arc::clone(&around));
        around.tasks.spawn("certificate keeper", waiting);
    }
    let directory = config.tls.acme.directory.clone();
    Ok(Arc::new(AcmeStatus::new(directory, kept)))
}

/// Lets a keeper work once no other process does. Until then it serves what that process stores.
async fn keep(mut keeper: Keeper, lock: Arc<StateLock>, around: Arc<Surroundings>) {
    let mut looks = 0_u32;
    let share = loop {
        match lock.try_share() {
            Ok(Some(share)) => break share,
            Ok(None) if looks.is_multiple_of(LOOKS_PER_REPORT) => {
                let owner = lock.owner();
                tracing::warn!(
                    owner,
                    "another process keeps these certificates; waiting for it"
                );
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the state folder cannot be locked"),
        }
        looks = looks.wrapping_add(1);
        tokio::select! {
            () = around.shutdown.reached(ShutdownPhase::Draining) => return,
            () = around.clock.sleep(LOCK_PAUSE) => {}
        }
        if looks.is_multiple_of(LOOKS_PER_REPORT) {
            reopen(&mut keeper);
        }
    };
    if looks > 0 {
        reopen(&mut keeper);
    }
    keeper.run(share).await;
}

fn reopen(keeper: &mut Keeper) {
    if let Err(error) = keeper.open() {
        tracing::error!(%error, "what the other process stored cannot be served");
    }
}

fn authorities(config: &Config, around: &Surroundings) -> Result<Authorities, AcmeError> {
    let acme = &config.tls.acme;
    let mut ca_files = config.upstream.ca_files.clone();
    ca_files.extend(acme.ca_file.clone());
    let http = AcmeHttp::new(
        &TrustRoots::load(&ca_files)?,
        &config.upstream.proxies,
        Arc::clone(&around.clock),
        Arc::clone(&around.metrics),
    )?;
    Ok(Authorities::new(acme, |directory| {
        AccountDesk::new(
            http.apart(),
            directory.to_owned(),
            &acme.contact,
            // The binding belongs to the server it was made for.
            acme.eab.clone().filter(|_| directory == acme.directory),
            &config.tls.state,
        )
    }))
}

/// Refuses a state folder that is lost with its container, where the server's limits would then
/// end the service for a week.
pub(super) fn refuse_ephemeral(config: &Config) -> Result<(), AcmeError> {
    let acme = &config.tls.acme;
    // A private server has no such limits, and a staging one is made for this.
    let limited = acme.ca_file.is_none() && !acme.directory.contains("staging");
    if limited && !acme.allow_ephemeral_state && mounts::is_ephemeral(&config.tls.state) {
        return Err(AcmeError::Ephemeral {
            path: config.tls.state.clone(),
            directory: acme.directory.clone(),
        });
    }
    Ok(())
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

/// How often a waiting process looks whether the other one has ended.
const LOCK_PAUSE: Duration = Duration::from_secs(1);

/// Once a minute it says that it waits, and takes over what the other one stored.
const LOOKS_PER_REPORT: u32 = 60;
