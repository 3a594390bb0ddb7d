//! A certificate authority of our own, for machines that no public one can reach.
//!
//! `<state>/internal/root.pem` is what clients trust, `root.key.pem` its key, `server.pem` the
//! served certificate with its key in one file, so that both change in one step.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use rcgen::KeyPair;

use super::{Certificate, CertificateStore, TlsError, create_private_folder, issue, write_durably};
use crate::{
    config::Domain,
    foundation::{
        Clock, Shutdown, ShutdownPhase, Tasks, certificates_from_pem, private_key_from_pem,
    },
};

/// Keeps a store filled with certificates of the internal authority.
#[derive(Debug)]
pub struct InternalSource {
    folder: PathBuf,
    domains: Vec<Domain>,
    store: Arc<CertificateStore>,
    clock: Arc<dyn Clock>,
    due: SystemTime,
}

impl InternalSource {
    /// Opens the authority in the state folder, or makes one, and installs a certificate for
    /// `domains`.
    pub fn open(
        state: &Path,
        domains: Vec<Domain>,
        store: Arc<CertificateStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TlsError> {
        let folder = state.join("internal");
        create_private_folder(&folder)?;
        let mut source = Self {
            folder,
            domains,
            store,
            clock,
            due: SystemTime::UNIX_EPOCH,
        };
        source.provide()?;
        Ok(source)
    }

    /// The root certificate that clients have to trust.
    pub fn root_path(&self) -> PathBuf {
        self.folder.join("root.pem")
    }

    /// Renews the certificate when a third of its life is left, until the process ends.
    pub fn keep(mut self, tasks: &Tasks, shutdown: Shutdown) {
        tasks.spawn("internal certificate", async move {
            loop {
                let left = self.due.duration_since(self.clock.now());
                let pause = left
                    .unwrap_or(Duration::ZERO)
                    .clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
                tokio::select! {
                    () = shutdown.reached(ShutdownPhase::Draining) => return,
                    () = self.clock.sleep(pause) => {}
                }
                if self.clock.now() < self.due {
                    continue;
                }
                match self.provide() {
                    Ok(()) => tracing::info!("the internal certificate was renewed"),
                    Err(error) => {
                        tracing::warn!(%error, "the internal certificate could not be renewed");
                    }
                }
            }
        });
    }

    /// Installs a certificate that is not due yet: the stored one, or a new one.
    fn provide(&mut self) -> Result<(), TlsError> {
        let authority = self.authority()?;
        let certificate = match self.stored_leaf(&authority)? {
            Some(certificate) => certificate,
            None => self.new_leaf(&authority)?,
        };
        let due = due(&certificate);
        self.store.install(&self.domains, certificate)?;
        self.due = due;
        Ok(())
    }

    fn authority(&self) -> Result<Authority, TlsError> {
        let (root, key) = (self.root_path(), self.folder.join("root.key.pem"));
        let (Some(root_text), Some(key_text)) = (read(&root)?, read(&key)?) else {
            return self.new_authority();
        };
        let certificate = parse(&root, &root_text, &key, &key_text)?;
        if self.clock.now() + LEAF_LIFE >= certificate.not_after() {
            tracing::warn!(
                "the internal authority has come to its end; clients must trust a new root"
            );
            return self.new_authority();
        }
        let key = KeyPair::from_pem(&key_text).map_err(|error| TlsError::UnusableKey {
            key: key.display().to_string(),
            reason: error.to_string(),
        })?;
        Ok(Authority {
            key,
            name: certificate.issuer().to_owned(),
        })
    }

    fn new_authority(&self) -> Result<Authority, TlsError> {
        let key = issue::new_key()?;
        let root = issue::authority_certificate(&key, self.clock.now(), AUTHORITY_LIFE)?;
        let key_path = self.folder.join("root.key.pem");
        write_durably(&key_path, key.serialize_pem().as_bytes())?;
        write_durably(&self.root_path(), root.as_bytes())?;
        let certificate = parse(&self.root_path(), &root, &key_path, &key.serialize_pem())?;
        tracing::info!(root = %self.root_path().display(), "made an internal certificate authority");
        Ok(Authority {
            key,
            name: certificate.issuer().to_owned(),
        })
    }

    /// The stored certificate, if it still fits.
    fn stored_leaf(&self, authority: &Authority) -> Result<Option<Certificate>, TlsError> {
        let path = self.folder.join("server.pem");
        let Some(text) = read(&path)? else {
            return Ok(None);
        };
        Ok(parse(&path, &text, &path, &text)
            .ok()
            .filter(|certificate| {
                certificate.issuer() == authority.name
                    && certificate.not_before() <= self.clock.now()
                    && self.clock.now() < due(certificate)
                    && names(certificate) == self.domains.iter().map(Domain::to_string).collect()
            }))
    }

    fn new_leaf(&self, authority: &Authority) -> Result<Certificate, TlsError> {
        let path = self.folder.join("server.pem");
        let now = self.clock.now();
        let text = issue::signed_leaf(&authority.key, &self.domains, now, LEAF_LIFE)?;
        write_durably(&path, text.as_bytes())?;
        parse(&path, &text, &path, &text)
    }
}

struct Authority {
    key: KeyPair,
    name: String,
}

fn read(path: &Path) -> Result<Option<String>, TlsError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TlsError::Unreadable {
            label: "tls.state",
            path: path.to_owned(),
            source,
        }),
    }
}

fn parse(
    chain_path: &Path,
    chain: &str,
    key_path: &Path,
    key: &str,
) -> Result<Certificate, TlsError> {
    let damaged = |path: &Path, source| TlsError::Pem {
        label: "tls.state",
        path: path.to_owned(),
        source,
    };
    Certificate::new(
        certificates_from_pem(chain).map_err(|error| damaged(chain_path, error))?,
        private_key_from_pem(key).map_err(|error| damaged(key_path, error))?,
        &chain_path.display().to_string(),
        &key_path.display().to_string(),
    )
}

fn names(certificate: &Certificate) -> BTreeSet<String> {
    let addresses = certificate.addresses().iter().map(ToString::to_string);
    let dns_names = certificate.dns_names().iter().cloned();
    dns_names.chain(addresses).collect()
}

fn due(certificate: &Certificate) -> SystemTime {
    certificate
        .not_after()
        .checked_sub(LEAF_LIFE / 3)
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

/// As long as operators keep a trusted root without looking.
const AUTHORITY_LIFE: Duration = Duration::from_secs(3650 * 86_400);

/// What public authorities used to give; short enough to prove that renewal works.
const LEAF_LIFE: Duration = Duration::from_secs(90 * 86_400);

/// Clocks jump: the calendar is looked at once an hour whatever was computed.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// A renewal that failed is tried again after a minute, never in a loop.
const SHORTEST_PAUSE: Duration = Duration::from_secs(60);
