//! What TLS is spoken: versions, groups, tickets, sessions.

use std::sync::Arc;

use rustls::{
    ServerConfig, SupportedProtocolVersion,
    crypto::{
        CryptoProvider,
        aws_lc_rs::{self, Ticketer, kx_group},
    },
    server::{ProducesTickets, ServerSessionMemoryCache, StoresServerSessions},
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};

use super::TlsError;
use crate::config::TlsVersion;

/// aws-lc-rs with our order of groups: the post-quantum hybrid first.
pub fn crypto_provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: vec![
            kx_group::X25519MLKEM768,
            kx_group::X25519,
            kx_group::SECP256R1,
            kx_group::SECP384R1,
        ],
        ..aws_lc_rs::default_provider()
    }
}

/// What all certificates of the process share, so that a client resumes its session after a
/// certificate was replaced: ticket keys (rotated by rustls every six hours) and the TLS 1.2
/// session cache.
#[derive(Clone, Debug)]
pub struct ServerParameters {
    provider: Arc<CryptoProvider>,
    versions: &'static [&'static SupportedProtocolVersion],
    ticketer: Arc<dyn ProducesTickets>,
    sessions: Arc<dyn StoresServerSessions>,
}

impl ServerParameters {
    /// Parameters for `minimum` and newer.
    pub fn new(minimum: TlsVersion) -> Result<Self, TlsError> {
        Ok(Self {
            provider: Arc::new(crypto_provider()),
            versions: match minimum {
                TlsVersion::V12 => TLS_1_2_AND_NEWER,
                TlsVersion::V13 => TLS_1_3_ALONE,
            },
            ticketer: Ticketer::new().map_err(TlsError::Setup)?,
            sessions: ServerSessionMemoryCache::new(SESSIONS),
        })
    }

    /// The configuration that serves `key` to ordinary clients. Built once per certificate.
    pub(super) fn for_clients(&self, key: Arc<CertifiedKey>) -> Result<ServerConfig, TlsError> {
        let mut config = self.base(key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ticketer = Arc::clone(&self.ticketer);
        config.session_storage = Arc::clone(&self.sessions);
        config.send_tls13_tickets = TICKETS_PER_HANDSHAKE;
        Ok(config)
    }

    /// The configuration that serves `key` to an ACME server's validation and to nobody else.
    pub(super) fn for_challenge(&self, key: Arc<CertifiedKey>) -> Result<ServerConfig, TlsError> {
        let mut config = self.base(key)?;
        config.alpn_protocols = vec![ACME_PROTOCOL.to_vec()];
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    fn base(&self, key: Arc<CertifiedKey>) -> Result<ServerConfig, TlsError> {
        Ok(
            ServerConfig::builder_with_provider(Arc::clone(&self.provider))
                .with_protocol_versions(self.versions)
                .map_err(TlsError::Setup)?
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(SingleCertAndKey::from(key))),
        )
    }
}

/// The ALPN protocol of tls-alpn-01 (RFC 8737).
pub(super) const ACME_PROTOCOL: &[u8] = b"acme-tls/1";

/// TLS 1.2 sessions kept for clients without tickets; about 200 bytes each.
const SESSIONS: usize = 4096;

/// One ticket instead of rustls's two: our clients keep a connection and rarely open two at once,
/// and each ticket costs a seal and 250 bytes per handshake.
const TICKETS_PER_HANDSHAKE: usize = 1;

/// `tls.min_version: "1.2"`, the default: old clients of GitLab's hosts still need it.
static TLS_1_2_AND_NEWER: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// `tls.min_version: "1.3"`.
static TLS_1_3_ALONE: &[&SupportedProtocolVersion] = &[&TLS13];
