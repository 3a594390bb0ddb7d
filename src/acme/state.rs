//! What survives a restart: small files, each replaced in one step, mode 0600.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::{AcmeError, renewal_info::RenewalPlan, schedule};
use crate::{
    config::ChallengeKind,
    foundation::{certificates_from_pem, private_key_from_pem},
    tls::{Certificate, TlsError, create_private_folder, probe_folder, write_durably},
};

/// The folder of one certificate.
#[derive(Clone, Debug)]
pub(super) struct CertificateFolder(PathBuf);

/// An order on its way, written as soon as the ACME server has it. The key is written before the
/// server ever sees its request, so a certificate that was issued while we died can still be
/// fetched and used.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PendingOrder {
    pub(super) url: String,
    /// For what it is; one for other names is of no use.
    #[serde(default)]
    pub(super) identity: Identity,
    pub(super) key_pem: String,
    pub(super) request_pem: String,
}

/// What makes a certificate the one that was asked for, beside its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Identity {
    pub(super) domains: Vec<String>,
    /// The kind of certificate, where one was asked for.
    pub(super) profile: Option<String>,
}

/// Where a stored certificate comes from; stands in its file, above the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Provenance {
    /// The directory of the ACME server that issued it.
    pub(super) directory: String,
    /// The kind of certificate that was asked for.
    pub(super) profile: Option<String>,
    /// When it was obtained, in seconds since 1970.
    pub(super) obtained_at: u64,
}

/// A stored certificate.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) certificate: Certificate,
    pub(super) provenance: Provenance,
}

/// How long one ACME server does not want to be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rest {
    pub(super) since: u64,
    pub(super) seconds: u64,
}

impl Rest {
    /// What is left of it.
    pub(super) fn left(&self, now: SystemTime) -> Duration {
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(self.since);
        schedule::pause_left(since, Duration::from_secs(self.seconds), now)
    }
}

/// What became of attempts so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct History {
    /// What the attempts were for; another configuration begins anew.
    pub(super) purpose: String,
    /// Where the certificate stood when this was written.
    pub(super) state: String,
    /// Failures in a row.
    pub(super) failures: u32,
    /// When the last one happened, in seconds since 1970.
    pub(super) failed_at: u64,
    /// How long to wait after it, in seconds.
    pub(super) pause_seconds: u64,
    /// What it was, in words.
    pub(super) error: Option<String>,
    /// True when it can never succeed as it is.
    pub(super) blocked: bool,
    /// When proofs of our names failed, in seconds since 1970; the last few.
    pub(super) failed_proofs: Vec<u64>,
    /// Servers that asked to be left alone, by directory.
    pub(super) resting: BTreeMap<String, Rest>,
    /// True when the challenge that worked last was http-01.
    pub(super) http_worked: Option<bool>,
}

impl History {
    /// What still counts when the process starts: a refusal that blocked is forgiven, since the
    /// operator may have changed what it spoke of. Everything else goes on where it was.
    pub(super) fn at_start(self) -> Self {
        if !self.blocked {
            return self;
        }
        Self {
            purpose: self.purpose,
            http_worked: self.http_worked,
            failed_proofs: self.failed_proofs,
            resting: self.resting,
            ..Self::default()
        }
    }

    pub(super) fn failed_at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.failed_at)
    }

    pub(super) fn worked(&self) -> Option<ChallengeKind> {
        self.http_worked.map(|http| {
            if http {
                ChallengeKind::Http01
            } else {
                ChallengeKind::TlsAlpn01
            }
        })
    }
}

impl CertificateFolder {
    /// The folder of the certificate that is called `name`.
    pub(super) fn new(state_folder: &Path, name: &str) -> Self {
        Self(state_folder.join("certificates").join(folder_name(name)))
    }

    /// Whether everything that one issuance brings can be kept.
    pub(super) fn probe(&self) -> Result<(), AcmeError> {
        Ok(probe_folder(&self.0)?)
    }

    /// The stored certificate; none if there is none or if it cannot be used.
    pub(super) fn certificate(&self) -> Option<Stored> {
        let path = self.0.join(CERTIFICATE);
        let text = match read_text(&path) {
            Ok(text) => text?,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a stored certificate is unreadable");
                return None;
            }
        };
        match certificate_from(&text) {
            Ok(certificate) => Some(Stored {
                certificate,
                provenance: provenance_from(&text),
            }),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a stored certificate is unusable");
                None
            }
        }
    }

    /// Stores chain, key and where they come from in one step.
    pub(super) fn store(
        &self,
        chain_pem: &str,
        key_pem: &str,
        provenance: Provenance,
    ) -> Result<Stored, AcmeError> {
        let path = self.0.join(CERTIFICATE);
        let origin = to_json(&path, &provenance)?;
        let text = format!("{PROVENANCE}{origin}\n{}\n{key_pem}", chain_pem.trim_end());
        let certificate = certificate_from(&text)?;
        write(&path, text.as_bytes())?;
        Ok(Stored {
            certificate,
            provenance,
        })
    }

    /// The folder for trials at a staging directory; nothing in it is ever served.
    pub(super) fn rehearsal(&self) -> Self {
        Self(self.0.join(REHEARSAL))
    }

    /// Removes the folder and all that is in it.
    pub(super) fn discard(&self) {
        if let Err(error) = fs::remove_dir_all(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.0.display(), %error, "a folder of trials stays behind");
        }
    }

    /// The order under way at a directory.
    pub(super) fn pending_order(&self, directory: &str) -> Option<PendingOrder> {
        match self.read_json(&order_file(directory)) {
            Ok(order) => order,
            Err(error) => {
                tracing::warn!(%error, "the order under way is forgotten");
                None
            }
        }
    }

    pub(super) fn keep_order(
        &self,
        directory: &str,
        order: &PendingOrder,
    ) -> Result<(), AcmeError> {
        self.write_json(&order_file(directory), order)
    }

    pub(super) fn drop_order(&self, directory: &str) -> Result<(), AcmeError> {
        remove(&self.0.join(order_file(directory)))
    }

    /// What the server said of renewal; damaged or absent: it is asked again.
    pub(super) fn renewal_plan(&self) -> RenewalPlan {
        self.read_json(RENEWAL).ok().flatten().unwrap_or_default()
    }

    pub(super) fn keep_renewal_plan(&self, plan: &RenewalPlan) -> Result<(), AcmeError> {
        self.write_json(RENEWAL, plan)
    }

    /// The history; a damaged one only costs the memory of failures.
    pub(super) fn history(&self) -> History {
        self.read_json(HISTORY).ok().flatten().unwrap_or_default()
    }

    pub(super) fn keep_history(&self, history: &History) -> Result<(), AcmeError> {
        self.write_json(HISTORY, history)
    }

    fn read_json<T: for<'a> Deserialize<'a>>(&self, name: &str) -> Result<Option<T>, AcmeError> {
        let path = self.0.join(name);
        let Some(text) = read_text(&path)? else {
            return Ok(None);
        };
        match serde_json::from_str(&text) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(AcmeError::Damaged {
                path,
                reason: error.to_string(),
            }),
        }
    }

    fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), AcmeError> {
        let path = self.0.join(name);
        let text = to_json(&path, value)?;
        write(&path, text.as_bytes())
    }
}

fn to_json<T: Serialize>(path: &Path, value: &T) -> Result<String, AcmeError> {
    serde_json::to_string(value).map_err(|error| AcmeError::Damaged {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

fn order_file(directory: &str) -> String {
    format!("order-{}.json", folder_name(directory))
}

/// The line above the chain; readers of PEM pass over it.
fn provenance_from(text: &str) -> Provenance {
    text.lines()
        .find_map(|line| line.strip_prefix(PROVENANCE))
        .and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default()
}

/// A name as a folder: letters, digits, dots and hyphens stay.
pub(super) fn folder_name(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-');
    let name = name.trim_start_matches("https://");
    let name: String = name
        .chars()
        .map(|letter| if plain(letter) { letter } else { '_' })
        .collect();
    name.trim_start_matches('.').to_owned()
}

/// The text of a file; none if there is no such file.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, AcmeError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(AcmeError::Damaged {
            path: path.to_owned(),
            reason: error.to_string(),
        }),
    }
}

/// Replaces a file in one step, making its folder first.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), AcmeError> {
    if let Some(folder) = path.parent() {
        create_private_folder(folder)?;
    }
    Ok(write_durably(path, content)?)
}

/// Removes a file that may be absent.
pub(super) fn remove(path: &Path) -> Result<(), AcmeError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(AcmeError::Damaged {
            path: path.to_owned(),
            reason: error.to_string(),
        }),
        _ => Ok(()),
    }
}

fn certificate_from(text: &str) -> Result<Certificate, AcmeError> {
    let chain = certificates_from_pem(text)
        .map_err(|error| AcmeError::WrongCertificate(error.to_string()))?;
    let key = private_key_from_pem(text)
        .map_err(|error| AcmeError::WrongCertificate(error.to_string()))?;
    let unusable = |error: TlsError| AcmeError::WrongCertificate(error.to_string());
    Certificate::new(chain, key, "the issued certificate", "our key").map_err(unusable)
}

const CERTIFICATE: &str = "certificate.pem";
const HISTORY: &str = "history.json";
const RENEWAL: &str = "renewal.json";
const REHEARSAL: &str = "rehearsal";
const PROVENANCE: &str = "# duogate: ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_forgives_what_blocked_and_nothing_else() {
        let failed = History {
            failures: 3,
            pause_seconds: 6000,
            http_worked: Some(true),
            ..History::default()
        };
        assert_eq!(failed.clone().at_start(), failed);
        let blocked = History {
            blocked: true,
            ..failed
        };
        let forgiven = blocked.at_start();
        assert_eq!((forgiven.failures, forgiven.blocked), (0, false));
        assert_eq!(forgiven.http_worked, Some(true));
    }

    #[test]
    fn names_become_folders_that_stay_inside() {
        assert_eq!(folder_name("aigw.example.com"), "aigw.example.com");
        assert_eq!(
            folder_name("https://ca.example/acme/dir"),
            "ca.example_acme_dir"
        );
        assert_eq!(folder_name("2001:db8::1"), "2001_db8__1");
        assert_eq!(folder_name("../../etc"), "_.._etc");
    }
}
