//! Whose certificates are believed.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use rustls::{
    ClientConfig, ConfigBuilder, Error, RootCertStore,
    client::{WantsClientCert, WebPkiServerVerifier, danger::ServerCertVerifier},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use super::UpstreamError;
use crate::foundation::certificates_from_pem;

/// The public authorities of Mozilla's list, and those the operator adds.
#[derive(Clone, Debug)]
pub struct TrustRoots {
    store: Arc<RootCertStore>,
}

impl TrustRoots {
    /// Reads the operator's files and adds them to the built-in list.
    pub fn load(ca_files: &[PathBuf]) -> Result<Self, UpstreamError> {
        let mut store: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        for path in ca_files {
            add_file(&mut store, path)?;
        }
        Ok(Self {
            store: Arc::new(store),
        })
    }

    /// The operator's file and nothing else.
    pub fn only(ca_file: &Path) -> Result<Self, UpstreamError> {
        let mut store = RootCertStore::empty();
        add_file(&mut store, ca_file)?;
        Ok(Self {
            store: Arc::new(store),
        })
    }

    /// A TLS configuration that believes these roots and offers the given protocols.
    pub fn client_config(&self, alpn: &[&[u8]]) -> Arc<ClientConfig> {
        let mut config = self.builder().with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    }

    /// The same, showing a certificate of ours where a server asks for one.
    pub fn client_config_as(
        &self,
        alpn: &[&[u8]],
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<ClientConfig, Error> {
        let mut config = self.builder().with_client_auth_cert(chain, key)?;
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(config)
    }

    fn builder(&self) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider offers cipher suites for TLS 1.2 and 1.3")
            .with_root_certificates(self.store.clone())
    }

    /// Whether a client with these roots would believe `chain` for `name` at that moment.
    pub fn judge(
        &self,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: SystemTime,
    ) -> Result<(), Error> {
        let (own, intermediates) = chain.split_first().ok_or(Error::NoCertificatesPresented)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(self.store.clone(), provider)
            .build()
            .map_err(|error| Error::General(error.to_string()))?;
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH);
        let now = UnixTime::since_unix_epoch(since_1970.unwrap_or(Duration::ZERO));
        verifier
            .verify_server_cert(own, intermediates, name, &[], now)
            .map(|_| ())
    }
}

fn add_file(store: &mut RootCertStore, path: &Path) -> Result<(), UpstreamError> {
    let problem = |reason: String| UpstreamError::CaFile {
        path: path.to_owned(),
        reason,
    };
    let size = std::fs::metadata(path)
        .map_err(|error| problem(format!("cannot be read: {error}")))?
        .len();
    if size > MAXIMUM_FILE_BYTES {
        return Err(problem(format!(
            "is larger than {MAXIMUM_FILE_BYTES} bytes"
        )));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| problem(format!("cannot be read: {error}")))?;
    let certificates = certificates_from_pem(&text).map_err(|error| problem(error.to_string()))?;
    let (added, _) = store.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(problem("holds no certificate that can be read".to_owned()));
    }
    Ok(())
}

/// Four times the bundle that distributions ship; a larger file is not a list of authorities.
const MAXIMUM_FILE_BYTES: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_the_reason() {
        let missing = PathBuf::from("/nonexistent/roots.pem");
        let error = TrustRoots::load(&[missing]).expect_err("there is no such file");
        let text = error.to_string();
        assert!(
            text.starts_with("/nonexistent/roots.pem: cannot be read"),
            "{text}"
        );
        let error = TrustRoots::load(&["Cargo.toml".into()]).expect_err("holds no certificate");
        assert!(
            error.to_string().contains("holds no certificate"),
            "{error}"
        );
    }

    #[test]
    fn offered_protocols_are_kept_in_their_order() {
        let roots = TrustRoots::load(&[]).expect("the built-in list needs no file");
        let config = roots.client_config(&[b"h2", b"http/1.1"]);
        assert_eq!(config.alpn_protocols, [&b"h2"[..], b"http/1.1"]);
    }
}
