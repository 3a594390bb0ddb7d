//! A chain and its key, proved to belong together.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use rustls::{Error, InconsistentKeys, sign::CertifiedKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::{extensions::GeneralName, prelude::X509Certificate, time::ASN1Time};

use super::{TlsError, crypto_provider};

/// A certificate that can be served, with the facts that logs, metrics and schedules need.
#[derive(Clone, Debug)]
pub struct Certificate {
    key: Arc<CertifiedKey>,
    dns_names: Vec<String>,
    addresses: Vec<IpAddr>,
    not_before: SystemTime,
    not_after: SystemTime,
    serial: String,
    issuer: String,
    origin: CertificateOrigin,
}

/// Why a certificate exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateOrigin {
    /// Issued by an authority: public, private or the internal one.
    Issued,
    /// Self-signed by us for the right name until the first issued one arrives.
    Temporary,
}

impl Certificate {
    /// Proves that `key` belongs to the first certificate of `chain` and reads the facts.
    /// `chain_label` and `key_label` say in errors where each came from.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        chain_label: &str,
        key_label: &str,
    ) -> Result<Self, TlsError> {
        let unusable = |reason: String| TlsError::UnusableCertificate {
            certificate: chain_label.to_owned(),
            reason,
        };
        let leaf = chain
            .first()
            .cloned()
            .ok_or_else(|| unusable("the chain is empty".to_owned()))?;
        let facts = Facts::read(&leaf).map_err(unusable)?;
        let key = CertifiedKey::from_der(chain, key, &crypto_provider())
            .map_err(|error| explain(&error, chain_label, key_label))?;
        Ok(Self {
            key: Arc::new(key),
            dns_names: facts.dns_names,
            addresses: facts.addresses,
            not_before: facts.not_before,
            not_after: facts.not_after,
            serial: facts.serial,
            issuer: facts.issuer,
            origin: CertificateOrigin::Issued,
        })
    }

    /// The same certificate, marked as one that only waits for an issued one.
    pub(super) fn temporary(mut self) -> Self {
        self.origin = CertificateOrigin::Temporary;
        self
    }

    /// DNS names of the certificate in lower case; `*.` in front of a wildcard.
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }

    /// IP addresses of the certificate.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Start of validity.
    pub fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// End of validity.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// The serial number in lower-case hexadecimal with colons.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// The issuer's distinguished name.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Why it exists.
    pub fn origin(&self) -> CertificateOrigin {
        self.origin
    }

    /// Key and chain for rustls.
    pub(super) fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.key)
    }

    /// The server's own certificate in DER.
    pub fn leaf(&self) -> Option<&CertificateDer<'static>> {
        self.key.cert.first()
    }
}

struct Facts {
    dns_names: Vec<String>,
    addresses: Vec<IpAddr>,
    not_before: SystemTime,
    not_after: SystemTime,
    serial: String,
    issuer: String,
}

impl Facts {
    fn read(leaf: &CertificateDer<'_>) -> Result<Self, String> {
        let (_, parsed) = x509_parser::parse_x509_certificate(leaf)
            .map_err(|_| "it is not an X.509 certificate".to_owned())?;
        let (dns_names, addresses) = alternative_names(&parsed)?;
        Ok(Self {
            dns_names,
            addresses,
            not_before: system_time(parsed.validity().not_before),
            not_after: system_time(parsed.validity().not_after),
            serial: parsed.raw_serial_as_string(),
            issuer: parsed.issuer().to_string(),
        })
    }
}

fn alternative_names(parsed: &X509Certificate<'_>) -> Result<(Vec<String>, Vec<IpAddr>), String> {
    let (mut dns_names, mut addresses) = (Vec::new(), Vec::new());
    let extension = parsed
        .subject_alternative_name()
        .map_err(|_| "its list of names is damaged".to_owned())?;
    for name in extension
        .iter()
        .flat_map(|names| &names.value.general_names)
    {
        match name {
            GeneralName::DNSName(name) => dns_names.push(name.to_ascii_lowercase()),
            GeneralName::IPAddress(bytes) => addresses.extend(address(bytes)),
            _ => {}
        }
    }
    Ok((dns_names, addresses))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

fn system_time(time: ASN1Time) -> SystemTime {
    let seconds = time.timestamp();
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let moved = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    };
    moved.unwrap_or(SystemTime::UNIX_EPOCH)
}

fn explain(error: &Error, chain_label: &str, key_label: &str) -> TlsError {
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch {
            certificate: chain_label.to_owned(),
            key: key_label.to_owned(),
        },
        Error::InvalidCertificate(reason) => TlsError::UnusableCertificate {
            certificate: chain_label.to_owned(),
            reason: format!("{reason:?}"),
        },
        other => TlsError::UnusableKey {
            key: key_label.to_owned(),
            reason: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Domain, foundation::SystemClock, tls::temporary_certificate};

    #[test]
    fn facts_are_read_and_a_foreign_key_is_refused() {
        let domains = [
            Domain::Name("aigw.example.com".into()),
            Domain::Address("127.0.0.1".parse().expect("an address")),
        ];
        let one = temporary_certificate(&domains, &SystemClock).expect("rcgen works");
        assert_eq!(one.dns_names(), ["aigw.example.com"]);
        assert_eq!(one.addresses().len(), 1);
        assert!(one.not_before() < one.not_after());
        assert_eq!(one.origin(), CertificateOrigin::Temporary);

        let chain = one.certified_key().cert.clone();
        let foreign = rcgen::KeyPair::generate().expect("rcgen works");
        let foreign = PrivateKeyDer::try_from(foreign.serialize_der()).expect("PKCS#8");
        let error = Certificate::new(chain, foreign, "full.pem", "key.pem").expect_err("foreign");
        assert!(matches!(error, TlsError::Mismatch { .. }), "{error}");
        assert!(error.to_string().contains("full.pem") && error.to_string().contains("key.pem"));
    }
}
