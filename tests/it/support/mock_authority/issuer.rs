//! The authority's own key and what it signs.

use std::time::{Duration, SystemTime};

use data_encoding::BASE64URL_NOPAD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData,
    SignatureAlgorithm,
};
use time::OffsetDateTime;
use x509_parser::prelude::{
    FromDer, GeneralName, ParsedExtension, X509Certificate, X509CertificationRequest,
};

use super::order::Identifier;

/// Roots that issue; the second and further ones are for alternate chains.
pub(crate) struct Issuer {
    roots: Vec<CertifiedIssuer<'static, KeyPair>>,
}

/// One certificate.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    /// As renewal information names it (RFC 9773 4.1).
    pub(crate) identifier: String,
    pub(crate) not_before: SystemTime,
    pub(crate) not_after: SystemTime,
    /// Chains in PEM, the first one preferred.
    pub(crate) chains: Vec<String>,
    /// True once a later order that said so was finalized.
    pub(crate) replaced: bool,
}

/// What a signing request asks for.
pub(crate) struct Request {
    pub(crate) identifiers: Vec<Identifier>,
    key: RequestKey,
}

struct RequestKey(Vec<u8>);

impl PublicKeyData for RequestKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl Request {
    /// Reads a request in DER, whose signature must be good.
    pub(crate) fn parse(der: &[u8]) -> Result<Self, String> {
        let (_, request) =
            X509CertificationRequest::from_der(der).map_err(|error| error.to_string())?;
        let information = &request.certification_request_info;
        if information.subject.iter_common_name().next().is_some() {
            return Err("a common name, which new profiles refuse".to_owned());
        }
        let key = information.subject_pki.subject_public_key.data.to_vec();
        let names = request
            .requested_extensions()
            .into_iter()
            .flatten()
            .find_map(|extension| match extension {
                ParsedExtension::SubjectAlternativeName(names) => Some(names),
                _ => None,
            })
            .ok_or("no subject alternative names")?;
        let identifiers = names.general_names.iter().map(identifier).collect();
        Ok(Self {
            identifiers,
            key: RequestKey(key),
        })
    }
}

fn identifier(name: &GeneralName<'_>) -> Identifier {
    match name {
        GeneralName::DNSName(name) => Identifier::Dns((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(bytes) => Identifier::Ip(bytes.into()),
            Err(_) => Identifier::Ip(<[u8; 16]>::try_from(*bytes).unwrap_or_default().into()),
        },
        other => Identifier::Dns(other.to_string()),
    }
}

impl Issuer {
    pub(crate) fn new() -> Self {
        let roots = ["mock root", "mock root of others"].map(|name| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![
                KeyUsagePurpose::KeyCertSign,
                KeyUsagePurpose::DigitalSignature,
            ];
            CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
        });
        Self {
            roots: roots.into(),
        }
    }

    /// The root of the preferred chain, in PEM.
    pub(crate) fn root(&self) -> String {
        self.roots[0].pem()
    }

    /// A certificate that begins a minute before `now`, for clients whose clock is late, but
    /// never more than a tenth of its life.
    pub(crate) fn issue(
        &self,
        request: &Request,
        now: SystemTime,
        life: Duration,
        alternates: usize,
    ) -> Issued {
        let hosts: Vec<_> = request.identifiers.iter().map(Identifier::text).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let not_before = now - (life / 10).min(Duration::from_secs(60));
        params.not_before = OffsetDateTime::from(not_before);
        params.not_after = params.not_before + life;
        let chains: Vec<_> = self.roots[..=alternates]
            .iter()
            .map(|root| {
                let certificate = params.signed_by(&request.key, root).unwrap();
                (certificate.der().clone(), certificate.pem())
            })
            .collect();
        let (_, parsed) = X509Certificate::from_der(&chains[0].0).unwrap();
        let validity = parsed.validity();
        Issued {
            identifier: renewal_identifier(&parsed),
            not_before: validity.not_before.to_datetime().into(),
            not_after: validity.not_after.to_datetime().into(),
            chains: chains.into_iter().map(|(_, pem)| pem).collect(),
            replaced: false,
        }
    }
}

/// How renewal information names a certificate (RFC 9773 4.1).
pub(crate) fn renewal_identifier(certificate: &X509Certificate<'_>) -> String {
    let authority = certificate
        .iter_extensions()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(authority) => authority.key_identifier.clone(),
            _ => None,
        })
        .expect("the issuer puts it in");
    format!(
        "{}.{}",
        BASE64URL_NOPAD.encode(authority.0),
        BASE64URL_NOPAD.encode(certificate.raw_serial())
    )
}
