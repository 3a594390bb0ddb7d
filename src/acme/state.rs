//! What survives a restart: small files, each replaced in one step, mode 0600.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::AcmeError;
use crate::{
    config::ChallengeKind,
    foundation::{certificates_from_pem, private_key_from_pem},
    tls::{Certificate, TlsError, create_private_folder, probe_folder, write_durably},
};

/// The folder of one certificate.
#[derive(Clone, Debug)]
pub(super) struct CertificateFolder(PathBuf);

/// An order on its way. The key is written before the ACME server ever sees its request, so a
/// certificate that was issued while we died can still be fetched and used.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PendingOrder {
    pub(super) url: String,
    pub(super) key_pem: String,
    pub(super) request_pem: String,
}

/// What became of attempts so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct History {
    /// Failures in a row.
    pub(super) failures: u32,
    /// When the last one happened, in seconds since 1970.
    pub(super) failed_at: u64,
    /// How long to wait after it, in seconds.
    pub(super) pause_seconds: u64,
    /// True when the ACME server asked for that pause.
    pub(super) asked: bool,
    /// What it was, in words.
    pub(super) error: Option<String>,
    /// True when it can never succeed as it is.
    pub(super) blocked: bool,
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
            http_worked: self.http_worked,
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
    pub(super) fn certificate(&self) -> Option<Certificate> {
        let path = self.0.join(CERTIFICATE);
        let text = read_text(&path).ok()??;
        match certificate_from(&text) {
            Ok(certificate) => Some(certificate),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a stored certificate is unusable");
                None
            }
        }
    }

    /// Stores chain and key in one step.
    pub(super) fn store(&self, chain_pem: &str, key_pem: &str) -> Result<Certificate, AcmeError> {
        let text = format!("{}\n{}", chain_pem.trim_end(), key_pem);
        let certificate = certificate_from(&text)?;
        write(&self.0.join(CERTIFICATE), text.as_bytes())?;
        Ok(certificate)
    }

    pub(super) fn pending_order(&self) -> Result<Option<PendingOrder>, AcmeError> {
        self.read_json(ORDER)
    }

    pub(super) fn keep_order(&self, order: &PendingOrder) -> Result<(), AcmeError> {
        self.write_json(ORDER, order)
    }

    pub(super) fn drop_order(&self) -> Result<(), AcmeError> {
        remove(&self.0.join(ORDER))
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
        let text = serde_json::to_string_pretty(value).map_err(|error| AcmeError::Damaged {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        write(&path, text.as_bytes())
    }
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
const ORDER: &str = "order.json";
const HISTORY: &str = "history.json";

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
