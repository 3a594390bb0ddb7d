//! A connection made to look at a server rather than to use it.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use rustls::{
    AlertDescription, ClientConfig, DigitallySignedStruct, Error, InvalidMessage, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, aws_lc_rs},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{Origin, UpstreamError, UpstreamStream, dial::connect};

/// Connects to one server and believes whatever certificate it shows, so that a server with a
/// bad one can be looked at too. What was shown is for [`super::TrustRoots::judge`] to judge.
/// Nothing secret may be sent over such a connection.
#[derive(Clone, Debug)]
pub struct Probe {
    name: ServerName<'static>,
    patience: Duration,
}

/// What a finished handshake showed.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The certificates in the order they were sent, the server's own first.
    pub chain: Vec<CertificateDer<'static>>,
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// The key-exchange group, such as `X25519MLKEM768`.
    pub group: &'static str,
    /// What ALPN chose; none where it chose nothing.
    pub protocol: Option<Vec<u8>>,
}

/// Why a server could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The system says no: refused, no route.
    #[error("no connection to {address}: {cause}")]
    Refused {
        /// What was dialled.
        address: SocketAddr,
        /// What the system says.
        cause: io::Error,
    },
    /// Nobody answers at all.
    #[error("{address} did not accept a connection within {patience:?}")]
    Unanswered {
        /// What was dialled.
        address: SocketAddr,
        /// How long was waited.
        patience: Duration,
    },
    /// It accepts and then says nothing.
    #[error("{address} accepts connections and then says nothing for {patience:?}")]
    Silent {
        /// What was dialled.
        address: SocketAddr,
        /// How long was waited.
        patience: Duration,
    },
    /// It answers the handshake with something that is no TLS.
    #[error("{address} does not speak TLS")]
    Clear {
        /// What was dialled.
        address: SocketAddr,
    },
    /// It speaks TLS, and none of the offered protocols.
    #[error("{address} speaks none of the protocols offered by ALPN")]
    NoProtocol {
        /// What was dialled.
        address: SocketAddr,
    },
    /// The handshake failed in another way.
    #[error("{address}: the TLS handshake failed: {reason}")]
    Handshake {
        /// What was dialled.
        address: SocketAddr,
        /// What was seen.
        reason: String,
    },
}

impl Probe {
    /// Looks at the server that `origin` names; each step ends within `patience`.
    pub fn new(origin: &Origin, patience: Duration) -> Result<Self, UpstreamError> {
        Ok(Self {
            name: origin.server_name()?,
            patience,
        })
    }

    /// Who has to be named by the certificate.
    pub fn name(&self) -> &ServerName<'static> {
        &self.name
    }

    /// Connects and no more.
    pub async fn connect(&self, address: SocketAddr) -> Result<UpstreamStream, ProbeError> {
        self.dial(address).await.map(UpstreamStream::Clear)
    }

    /// Connects and shakes hands, offering these protocols by ALPN (none: no ALPN at all).
    pub async fn shake(
        &self,
        address: SocketAddr,
        offered: &[&[u8]],
    ) -> Result<(Shown, UpstreamStream), ProbeError> {
        let stream = self.dial(address).await?;
        let connector = TlsConnector::from(Arc::new(believing(offered)));
        let handshake = connector.connect(self.name.clone(), stream);
        let stream = match timeout(self.patience, handshake).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(explain(address, &error)),
            Err(_) => {
                return Err(ProbeError::Silent {
                    address,
                    patience: self.patience,
                });
            }
        };
        Ok((shown(&stream), UpstreamStream::Secure(Box::new(stream))))
    }

    async fn dial(&self, address: SocketAddr) -> Result<TcpStream, ProbeError> {
        match timeout(self.patience, connect(address)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(cause)) => Err(ProbeError::Refused { address, cause }),
            Err(_) => Err(ProbeError::Unanswered {
                address,
                patience: self.patience,
            }),
        }
    }
}

fn shown(stream: &TlsStream<TcpStream>) -> Shown {
    let connection = stream.get_ref().1;
    Shown {
        chain: connection
            .peer_certificates()
            .unwrap_or_default()
            .iter()
            .map(|certificate| certificate.clone().into_owned())
            .collect(),
        version: match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLS of an unknown version",
        },
        group: connection
            .negotiated_key_exchange_group()
            .and_then(|group| group.name().as_str())
            .unwrap_or("an unnamed group"),
        protocol: connection.alpn_protocol().map(<[u8]>::to_vec),
    }
}

/// A configuration that believes any certificate.
fn believing(offered: &[&[u8]]) -> ClientConfig {
    let provider = aws_lc_rs::default_provider();
    let algorithms = provider.signature_verification_algorithms;
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .expect("the provider offers cipher suites for TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Believer(algorithms)))
        .with_no_client_auth();
    config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
    config
}

fn explain(address: SocketAddr, error: &io::Error) -> ProbeError {
    let cause = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    match cause {
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            ProbeError::Clear { address }
        }
        Some(Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => {
            ProbeError::NoProtocol { address }
        }
        Some(Error::AlertReceived(alert)) => ProbeError::Handshake {
            address,
            reason: format!("the server says {alert:?}"),
        },
        _ if error.kind() == io::ErrorKind::UnexpectedEof => ProbeError::Handshake {
            address,
            reason: "the server closed the connection".to_owned(),
        },
        _ => ProbeError::Handshake {
            address,
            reason: error.to_string(),
        },
    }
}

/// Makes a configuration believe whatever certificate it is shown.
pub(super) fn believe_everything(config: &mut ClientConfig) {
    let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
    let believer = Arc::new(Believer(algorithms));
    config.dangerous().set_certificate_verifier(believer);
}

/// Believes that a certificate is whose it says; that the server holds its key is still proved.
#[derive(Debug)]
struct Believer(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Believer {
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
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
