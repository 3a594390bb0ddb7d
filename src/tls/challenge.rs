//! Proving to an ACME server that a name is ours, and the certificates of tls-alpn-01.

use std::{
    collections::HashMap,
    fmt::{self, Write},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::ServerConfig;

use super::{ServerParameters, TlsError, issue};
use crate::{config::ChallengeKind, foundation::Clock};

/// Somewhere a challenge can be answered: the certificates here, the token table of port 80.
pub trait ChallengeResponder: Send + Sync {
    /// The kind of challenge it answers.
    fn kind(&self) -> ChallengeKind;

    /// Answers `challenge` from now on.
    fn present(&self, challenge: &PendingChallenge) -> Result<(), TlsError>;

    /// Stops answering it.
    fn withdraw(&self, challenge: &PendingChallenge);
}

/// A challenge that an ACME server is about to check.
#[derive(Clone, PartialEq, Eq)]
pub struct PendingChallenge {
    /// The DNS name or IP address to prove.
    pub identifier: String,
    /// The challenge's token.
    pub token: String,
    /// Token and thumbprint of the account key: the answer of http-01.
    pub key_authorization: String,
    /// SHA-256 of the key authorization: the answer of tls-alpn-01.
    pub digest: [u8; 32],
}

impl fmt::Debug for PendingChallenge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Tokens do not belong in logs.
        write!(formatter, "PendingChallenge({})", self.identifier)
    }
}

/// Certificates of tls-alpn-01 by the name that the validation asks for.
#[derive(Debug)]
pub struct ChallengeCertificates {
    parameters: ServerParameters,
    clock: Arc<dyn Clock>,
    // Held for a map operation only, and read only by clients that offer `acme-tls/1`. Grows by
    // one entry per identifier of our own orders.
    pending: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

impl ChallengeCertificates {
    /// No challenge pending.
    pub fn new(parameters: ServerParameters, clock: Arc<dyn Clock>) -> Self {
        Self {
            parameters,
            clock,
            pending: Mutex::default(),
        }
    }

    /// The configuration that answers a validation for `server_name`.
    pub(super) fn find(&self, server_name: &str) -> Option<Arc<ServerConfig>> {
        let name = server_name.trim_end_matches('.').to_ascii_lowercase();
        self.pending().get(&name).cloned()
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<ServerConfig>>> {
        // A map operation that panicked left the map whole.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChallengeResponder for ChallengeCertificates {
    fn kind(&self) -> ChallengeKind {
        ChallengeKind::TlsAlpn01
    }

    fn present(&self, challenge: &PendingChallenge) -> Result<(), TlsError> {
        let key = issue::challenge_certificate(
            &challenge.identifier,
            &challenge.digest,
            self.clock.now(),
        )?;
        let config = self.parameters.for_challenge(Arc::new(key))?;
        self.pending()
            .insert(validation_name(&challenge.identifier), Arc::new(config));
        Ok(())
    }

    fn withdraw(&self, challenge: &PendingChallenge) {
        self.pending()
            .remove(&validation_name(&challenge.identifier));
    }
}

/// The name in the validation's ClientHello: SNI holds no addresses, so RFC 8738 section 6 has
/// them come as their reverse name.
fn validation_name(identifier: &str) -> String {
    match identifier.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        Ok(IpAddr::V6(address)) => {
            let mut name = String::new();
            for byte in address.octets().iter().rev() {
                // Writing to a String cannot fail.
                let _ = write!(name, "{:x}.{:x}.", byte & 0xf, byte >> 4);
            }
            name.push_str("ip6.arpa");
            name
        }
        Err(_) => identifier.trim_end_matches('.').to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::TlsVersion, foundation::SystemClock};

    #[test]
    fn addresses_are_asked_for_by_their_reverse_name() {
        assert_eq!(validation_name("192.0.2.1"), "1.2.0.192.in-addr.arpa");
        assert_eq!(
            validation_name("2001:db8::1"),
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
        );
        assert_eq!(validation_name("Example.COM."), "example.com");
    }

    #[test]
    fn a_challenge_is_answered_until_it_is_withdrawn() {
        let parameters = ServerParameters::new(TlsVersion::V12).expect("the provider works");
        let certificates = ChallengeCertificates::new(parameters, Arc::new(SystemClock));
        let challenge = PendingChallenge {
            identifier: "a.example".into(),
            token: "token".into(),
            key_authorization: "token.thumb".into(),
            digest: [7; 32],
        };
        certificates.present(&challenge).expect("rcgen works");
        let config = certificates.find("A.example.").expect("pending");
        assert_eq!(config.alpn_protocols, [b"acme-tls/1".to_vec()]);
        assert!(certificates.find("b.example").is_none());
        certificates.withdraw(&challenge);
        assert!(certificates.find("a.example").is_none());
    }
}
