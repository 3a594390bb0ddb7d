//! Looking for the proof of a name, as an authority does from outside.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use aws_lc_rs::digest;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::aws_lc_rs as provider,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{
    behaviour::{Offer, Validation},
    order::Identifier,
};
use crate::support::tls_client::Asking;

/// What is to be looked for.
pub(crate) struct Proof {
    pub(crate) identifier: Identifier,
    pub(crate) offer: Offer,
    pub(crate) token: String,
    pub(crate) thumbprint: String,
}

impl Proof {
    /// Looks for it; the error is what the client is told.
    pub(crate) async fn look(&self, validation: Validation) -> Result<(), String> {
        let looking = async {
            match (validation, self.offer) {
                (Validation::Believed, _) => Ok(()),
                (Validation::Refused, _) => Err("the mock looks away".to_owned()),
                (Validation::Real { http, .. }, Offer::Http01) => self.http(http).await,
                (Validation::Real { https, .. }, Offer::TlsAlpn01) => self.tls(https).await,
                (Validation::Real { .. }, _) => Err("only two kinds are looked for".to_owned()),
            }
        };
        let limit = Duration::from_secs(10);
        let late = |_| Err("no answer within 10 s".to_owned());
        tokio::time::timeout(limit, looking)
            .await
            .unwrap_or_else(late)
    }

    fn key_authorization(&self) -> String {
        format!("{}.{}", self.token, self.thumbprint)
    }

    /// RFC 8555 8.3.
    async fn http(&self, address: SocketAddr) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("http-01: {error}");
        let mut stream = TcpStream::connect(address).await.map_err(failed)?;
        let host = match &self.identifier {
            Identifier::Ip(std::net::IpAddr::V6(address)) => format!("[{address}]"),
            other => other.text(),
        };
        let request = format!(
            "GET /.well-known/acme-challenge/{} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
            self.token
        );
        stream.write_all(request.as_bytes()).await.map_err(failed)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.map_err(failed)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        if head.starts_with("HTTP/1.1 200 ") && body.trim_end() == self.key_authorization() {
            return Ok(());
        }
        Err(format!("http-01: {:?}", head.lines().next()))
    }

    /// RFC 8737 3, for names.
    async fn tls(&self, address: SocketAddr) -> Result<(), String> {
        let Identifier::Dns(name) = &self.identifier else {
            return Err("tls-alpn-01: only names are looked for".to_owned());
        };
        let mut asking = Asking::new(name, &[b"acme-tls/1"]);
        asking.config = Arc::new(looking());
        let seen = asking
            .connect(address)
            .await
            .map_err(|error| format!("tls-alpn-01: {error}"))?;
        let (_, certificate) = X509Certificate::from_der(&seen.certificate)
            .map_err(|error| format!("tls-alpn-01: {error}"))?;
        let wanted = digest::digest(&digest::SHA256, self.key_authorization().as_bytes());
        let found = certificate.iter_extensions().any(|extension| {
            let value = extension.value.strip_prefix(&[0x04, 0x20]);
            extension.oid.to_id_string() == "1.3.6.1.5.5.7.1.31"
                && extension.critical
                && value == Some(wanted.as_ref())
        });
        if found {
            return Ok(());
        }
        Err("tls-alpn-01: the certificate carries no or another proof".to_owned())
    }
}

/// A client that looks at the certificate alone: its critical extension is none that TLS libraries
/// know, so they would not even check the signature of the handshake.
fn looking() -> ClientConfig {
    let believed = Arc::new(provider::default_provider());
    let mut config = ClientConfig::builder_with_provider(believed)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Onlooker))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    config
}

#[derive(Debug)]
struct Onlooker;

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
