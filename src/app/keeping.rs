//! What fills one port's certificate store, and when it may go on over a reload.

use std::{path::PathBuf, time::Duration};

use crate::{
    config::{Acme, Config, Domain, DropInTls, TlsFiles, TlsSource, TlsVersion},
    foundation::{Shutdown, ShutdownPhase, ShutdownTrigger, Tasks},
};

/// The part of the configuration that a port's certificates follow from.
#[derive(Debug, PartialEq)]
pub(super) struct Wanted {
    domains: Vec<Domain>,
    min_version: TlsVersion,
    handshake: Duration,
    files: Option<TlsFiles>,
    state: Option<PathBuf>,
    acme: Option<WantedAcme>,
}

#[derive(Debug, PartialEq)]
struct WantedAcme {
    settings: Acme,
    ca_files: Vec<PathBuf>,
    /// Whether port 80 can answer challenges.
    http: bool,
}

/// The tasks that keep a store filled. Dropping it ends them.
pub(super) struct Keeping {
    wanted: Wanted,
    trigger: ShutdownTrigger,
    signal: Shutdown,
    tasks: Tasks,
}

impl Keeping {
    pub(super) fn new(wanted: Wanted, process: &Shutdown) -> Self {
        let (trigger, signal) = ShutdownTrigger::below(process);
        Self {
            wanted,
            trigger,
            signal,
            tasks: Tasks::new(),
        }
    }

    /// What the configuration asks of the main port, where that port is open.
    pub(super) fn wanted_by_main(config: &Config) -> Option<Wanted> {
        config.listen.https?;
        let tls = &config.tls;
        let files = tls.files.clone().filter(|_| tls.source == TlsSource::Files);
        let acme = (tls.source == TlsSource::Acme).then(|| WantedAcme {
            settings: tls.acme.clone(),
            ca_files: config.upstream.ca_files.clone(),
            http: config.listen.http.is_some(),
        });
        Some(Wanted {
            domains: config.domains.clone(),
            min_version: tls.min_version,
            handshake: config.limits.tls_handshake,
            state: files.is_none().then(|| tls.state.clone()),
            files,
            acme,
        })
    }

    /// What the configuration asks of a port with a pair of its own.
    pub(super) fn wanted_by_drop_in(config: &Config, tls: &DropInTls) -> Wanted {
        Wanted {
            domains: Vec::new(),
            min_version: config.tls.min_version,
            handshake: config.limits.tls_handshake,
            files: Some(tls.files.clone()),
            state: None,
            acme: None,
        }
    }

    /// Whether it keeps exactly what is wanted.
    pub(super) fn is(&self, wanted: &Wanted) -> bool {
        self.wanted == *wanted && self.signal.phase() == ShutdownPhase::Running
    }

    /// Where the tasks run.
    pub(super) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// What ends the tasks: the end of the process, or of this.
    pub(super) fn signal(&self) -> Shutdown {
        self.signal.clone()
    }

    /// Ends the tasks and waits until they have let go of the state folder.
    pub(super) async fn end(&self) {
        self.trigger.advance(ShutdownPhase::Draining);
        if tokio::time::timeout(END, self.tasks.finished())
            .await
            .is_err()
        {
            tracing::warn!("a keeper of certificates does not end; it is left behind");
        }
    }
}

/// Keepers end at their next wait; a write to a slow disk may stand before it.
const END: Duration = Duration::from_secs(10);
