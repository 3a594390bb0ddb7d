//! Certificates that we make ourselves.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::{crypto::aws_lc_rs::sign::any_ecdsa_type, sign::CertifiedKey};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::{Certificate, TlsError};
use crate::{config::Domain, foundation::Clock};

/// A self-signed certificate for exactly these names, served until an issued one arrives: never a
/// wrong name, and visibly temporary to whoever looks.
pub fn temporary_certificate(
    domains: &[Domain],
    clock: &dyn Clock,
) -> Result<Certificate, TlsError> {
    let names = domains.iter().map(Domain::to_string).collect::<Vec<_>>();
    let mut parameters = leaf_parameters(names, clock.now(), TEMPORARY_LIFE)?;
    parameters.distinguished_name = named("temporary certificate, waiting for an issued one");
    let key = new_key()?;
    let certificate = parameters.self_signed(&key).map_err(generation)?;
    proved(certificate, &key).map(Certificate::temporary)
}

/// The certificate of RFC 8737 section 3: self-signed, one name, the digest in a critical
/// extension.
pub(super) fn challenge_certificate(
    identifier: &str,
    digest: &[u8; 32],
    now: SystemTime,
) -> Result<CertifiedKey, TlsError> {
    let mut parameters = leaf_parameters(vec![identifier.to_owned()], now, CHALLENGE_LIFE)?;
    parameters.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = new_key()?;
    let certificate = parameters.self_signed(&key).map_err(generation)?;
    let signing = any_ecdsa_type(&private_key(&key)).map_err(TlsError::Setup)?;
    // Not a `Certificate`: rustls's proof stumbles over the critical extension it does not know.
    Ok(CertifiedKey::new(vec![certificate.into()], signing))
}

/// A certificate authority: its certificate in PEM. `key` decides its name, so that roots of
/// different installations are told apart in a trust store.
pub(super) fn authority_certificate(
    key: &KeyPair,
    now: SystemTime,
    life: Duration,
) -> Result<String, TlsError> {
    let mut parameters = authority_parameters(key);
    (parameters.not_before, parameters.not_after) = validity(now, life);
    let certificate = parameters.self_signed(key).map_err(generation)?;
    Ok(certificate.pem())
}

/// A server certificate for `domains` signed by the authority of `authority_key`: chain and key
/// in one PEM text.
pub(super) fn signed_leaf(
    authority_key: &KeyPair,
    domains: &[Domain],
    now: SystemTime,
    life: Duration,
) -> Result<String, TlsError> {
    let names = domains.iter().map(Domain::to_string).collect::<Vec<_>>();
    let mut parameters = leaf_parameters(names.clone(), now, life)?;
    parameters.distinguished_name = named(names.first().map_or("duogate", String::as_str));
    parameters.use_authority_key_identifier_extension = true;
    let key = new_key()?;
    let issuer = Issuer::new(authority_parameters(authority_key), authority_key);
    let certificate = parameters.signed_by(&key, &issuer).map_err(generation)?;
    Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
}

/// A fresh ECDSA P-256 key: accepted everywhere, and the cheapest to sign with.
pub(super) fn new_key() -> Result<KeyPair, TlsError> {
    KeyPair::generate().map_err(generation)
}

fn leaf_parameters(
    names: Vec<String>,
    now: SystemTime,
    life: Duration,
) -> Result<CertificateParams, TlsError> {
    let mut parameters = CertificateParams::new(names).map_err(generation)?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    (parameters.not_before, parameters.not_after) = validity(now, life);
    Ok(parameters)
}

fn authority_parameters(key: &KeyPair) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    let mark = match key.public_key_raw() {
        // The first byte says that the point is uncompressed.
        [_, a, b, c, d, ..] => u32::from_be_bytes([*a, *b, *c, *d]),
        _ => 0,
    };
    parameters.distinguished_name = named(&format!("Duogate internal authority {mark:08x}"));
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
}

fn validity(now: SystemTime, life: Duration) -> (time::OffsetDateTime, time::OffsetDateTime) {
    let start = now.checked_sub(CLOCK_DIFFERENCE).unwrap_or(now);
    let end = now.checked_add(life).unwrap_or(now);
    (start.into(), end.into())
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn proved(certificate: rcgen::Certificate, key: &KeyPair) -> Result<Certificate, TlsError> {
    let label = "a certificate made in memory";
    Certificate::new(vec![certificate.into()], private_key(key), label, label)
}

fn private_key(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "shaped for map_err, which hands the error over"
)]
fn generation(error: rcgen::Error) -> TlsError {
    TlsError::Generation {
        what: "a key or a certificate",
        reason: error.to_string(),
    }
}

/// Longer than any outage of an ACME server that an operator would sit through.
const TEMPORARY_LIFE: Duration = Duration::from_secs(365 * 86_400);

/// An order is validated within minutes; a week leaves room for clocks that are wrong.
const CHALLENGE_LIFE: Duration = Duration::from_secs(7 * 86_400);

/// Certificates begin an hour in the past, for clients whose clock is behind ours.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(3600);
