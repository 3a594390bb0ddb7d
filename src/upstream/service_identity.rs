//! What we show of ourselves to servers that ask for a certificate.

use std::{error::Error, path::PathBuf};

use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{UpstreamError, encrypted_key::decrypted_key};
use crate::foundation::{certificates_from_pem, private_key_from_pem};

/// A client's certificate as files.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceIdentity {
    /// The chain in PEM, the own certificate first.
    pub certificate: PathBuf,
    /// The key in PEM.
    pub key: PathBuf,
    /// What opens the key where it is encrypted.
    pub password: Option<String>,
}

impl std::fmt::Debug for ServiceIdentity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ServiceIdentity")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl ServiceIdentity {
    /// Reads both files.
    pub(super) fn read(&self) -> Result<Pair, UpstreamError> {
        let text = |path: &PathBuf| {
            std::fs::read_to_string(path).map_err(|error| UpstreamError::Identity {
                path: path.clone(),
                reason: format!("cannot be read: {error}"),
            })
        };
        let broken = |path: &PathBuf, error: &dyn Error| UpstreamError::Identity {
            path: path.clone(),
            reason: error.to_string(),
        };
        let (certificate, key) = (&self.certificate, &self.key);
        let chain = certificates_from_pem(&text(certificate)?)
            .map_err(|error| broken(certificate, &error))?;
        // what is wrong with a key never holds a part of it
        let text = text(key)?;
        if let Some(password) = &self.password
            && let Some(opened) = decrypted_key(&text, password)
        {
            return Ok((chain, opened.map_err(|error| broken(key, &error))?));
        }
        let key = private_key_from_pem(&text).map_err(|error| broken(key, &error))?;
        Ok((chain, key))
    }
}

/// A chain, the own certificate first, and its key.
pub(super) type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);
