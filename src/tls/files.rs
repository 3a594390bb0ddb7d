//! Certificates in files of the operator: Certbot's folder, a Kubernetes secret, a plain pair.

use std::{
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    io::Read,
    path::Path,
    sync::Arc,
    time::Duration,
};

use super::{Certificate, CertificateStore, TlsError};
use crate::{
    config::{Domain, FolderWatch, TlsFiles},
    foundation::{
        Clock, Shutdown, ShutdownPhase, Tasks, certificates_from_pem, private_key_from_pem,
    },
    telemetry::{Metrics, OutcomeLabels},
};

/// A chain and a key as files, with the words that errors call them by.
#[derive(Clone, Debug)]
pub struct FilePair {
    files: TlsFiles,
    certificate_label: &'static str,
    key_label: &'static str,
}

impl FilePair {
    /// The pair of `tls.files`.
    pub fn main(files: TlsFiles) -> Self {
        Self {
            files,
            certificate_label: "tls.files.certificate",
            key_label: "tls.files.key",
        }
    }

    /// The pair of port 5052, as the official variables name it.
    pub fn gateway(files: TlsFiles) -> Self {
        Self {
            files,
            certificate_label: "AIGW_FASTAPI__TLS__CERT_FILE",
            key_label: "AIGW_FASTAPI__TLS__KEY_FILE",
        }
    }

    /// The pair of port 50052, as the official variables name it.
    pub fn agent_platform(files: TlsFiles) -> Self {
        Self {
            files,
            certificate_label: "DUO_WORKFLOW_TLS__CERT_FILE",
            key_label: "DUO_WORKFLOW_TLS__KEY_FILE",
        }
    }

    /// Reads both files as they are now and proves that they belong together.
    pub fn load(&self) -> Result<Certificate, TlsError> {
        self.prove(&self.read()?)
    }

    fn read(&self) -> Result<PairText, TlsError> {
        Ok(PairText {
            certificate: read_bounded(&self.files.certificate, self.certificate_label)?,
            key: read_bounded(&self.files.key, self.key_label)?,
        })
    }

    fn prove(&self, text: &PairText) -> Result<Certificate, TlsError> {
        let chain = certificates_from_pem(&text.certificate).map_err(|source| TlsError::Pem {
            label: self.certificate_label,
            path: self.files.certificate.clone(),
            source,
        })?;
        let key = private_key_from_pem(&text.key).map_err(|source| TlsError::Pem {
            label: self.key_label,
            path: self.files.key.clone(),
            source,
        })?;
        Certificate::new(
            chain,
            key,
            &described(self.certificate_label, &self.files.certificate),
            &described(self.key_label, &self.files.key),
        )
    }
}

/// Keeps a store filled from a pair of files.
#[derive(Debug)]
pub struct FileSource {
    pair: Arc<FilePair>,
    domains: Vec<Domain>,
    store: Arc<CertificateStore>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    folders: FolderWatch,
    /// Of what was last installed or complained about.
    seen: u64,
}

impl FileSource {
    /// Reads the pair and installs it for `domains`.
    pub fn open(
        pair: FilePair,
        domains: Vec<Domain>,
        store: Arc<CertificateStore>,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TlsError> {
        metrics.expect_file_reloads();
        // Watched before it is read: a change in between must not go unseen.
        let folders = FolderWatch::new([&pair.files.certificate, &pair.files.key]);
        let text = pair.read()?;
        let certificate = pair.prove(&text)?;
        warn_if_expired(&certificate, &pair, clock.as_ref());
        store.install(&domains, certificate)?;
        Ok(Self {
            pair: Arc::new(pair),
            domains,
            store,
            metrics,
            clock,
            folders,
            seen: fingerprint(&Ok(text)),
        })
    }

    /// Follows the files until the process ends.
    pub fn watch(mut self, tasks: &Tasks, shutdown: Shutdown) {
        tasks.spawn("certificate files", async move {
            loop {
                tokio::select! {
                    () = shutdown.reached(ShutdownPhase::Draining) => return,
                    () = self.clock.sleep(POLL) => {}
                    () = self.folders.changed() => self.clock.sleep(SETTLE).await,
                }
                self.look().await;
                self.folders.follow_links();
            }
        });
    }

    /// Looks at the files; a change is installed when it proves good, reported once when not.
    async fn look(&mut self) {
        let mut reading = self.read().await;
        let mut seen = fingerprint(&reading);
        if seen == self.seen {
            return;
        }
        let mut outcome = self.proved(&reading);
        if outcome.is_err() {
            // Certbot replaces four links one after the other: look again before complaining.
            self.clock.sleep(SETTLE_HALF_WRITTEN).await;
            reading = self.read().await;
            seen = fingerprint(&reading);
            outcome = self.proved(&reading);
        }
        if seen == self.seen {
            return;
        }
        self.seen = seen;
        self.conclude(outcome);
    }

    fn proved(&self, reading: &Result<PairText, TlsError>) -> Result<Certificate, String> {
        match reading {
            Ok(text) => self.pair.prove(text).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn conclude(&self, outcome: Result<Certificate, String>) {
        let installed = outcome.and_then(|certificate| {
            warn_if_expired(&certificate, &self.pair, self.clock.as_ref());
            let serial = certificate.serial().to_owned();
            self.store
                .install(&self.domains, certificate)
                .map_err(|error| error.to_string())?;
            Ok(serial)
        });
        let outcome = match installed {
            Ok(serial) => {
                tracing::info!(
                    certificate = %self.pair.files.certificate.display(),
                    serial, "new certificate from files is served"
                );
                "ok"
            }
            Err(reason) => {
                tracing::warn!(
                    reason,
                    "changed certificate files are not usable; the old pair stays in force"
                );
                "failed"
            }
        };
        self.metrics
            .certificate_reloads
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    /// On the thread for blocking work: the files may lie on a network.
    async fn read(&self) -> Result<PairText, TlsError> {
        let pair = Arc::clone(&self.pair);
        let reading = tokio::task::spawn_blocking(move || pair.read()).await;
        reading.unwrap_or_else(|join| {
            Err(TlsError::Unreadable {
                label: self.pair.certificate_label,
                path: self.pair.files.certificate.clone(),
                source: std::io::Error::other(join),
            })
        })
    }
}

/// Both files as text. Not printable: it holds the key.
struct PairText {
    certificate: String,
    key: String,
}

fn read_bounded(path: &Path, label: &'static str) -> Result<String, TlsError> {
    let unreadable = |source| TlsError::Unreadable {
        label,
        path: path.to_owned(),
        source,
    };
    let mut text = Vec::new();
    File::open(path)
        .map_err(unreadable)?
        .take(FILE_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > FILE_BYTES {
        return Err(TlsError::TooLarge {
            label,
            path: path.to_owned(),
        });
    }
    // PEM is ASCII; comments around its blocks may be in any encoding.
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn fingerprint(reading: &Result<PairText, TlsError>) -> u64 {
    let mut hasher = DefaultHasher::new();
    match reading {
        Ok(text) => (&text.certificate, &text.key).hash(&mut hasher),
        Err(error) => error.to_string().hash(&mut hasher),
    }
    hasher.finish()
}

fn warn_if_expired(certificate: &Certificate, pair: &FilePair, clock: &dyn Clock) {
    if certificate.not_after() <= clock.now() {
        tracing::warn!(
            certificate = %pair.files.certificate.display(),
            "the certificate has expired; it is served all the same, clients will refuse it"
        );
    }
}

fn described(label: &str, path: &Path) -> String {
    format!("{label} ({})", path.display())
}

/// The safety net under the watch: file systems of containers and networks lose events.
const POLL: Duration = Duration::from_secs(60);

/// Writers touch several files in a row; one look after the last is enough.
const SETTLE: Duration = Duration::from_millis(500);

/// How long a pair may stay half replaced before it is called bad.
const SETTLE_HALF_WRITTEN: Duration = Duration::from_secs(2);

/// A chain with its key has 2 to 10 kB.
const FILE_BYTES: u64 = 1024 * 1024;
