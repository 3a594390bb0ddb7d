//! A TLS server of the room under test, and clients to look at it from outside.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use duogate::{
    config::TlsVersion,
    foundation::TlsFacts,
    tls::{CertificateStore, ChallengeCertificates, Handshake, Handshaker, ServerParameters},
};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, NamedGroup, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A listener on loopback that shakes hands and answers `ok` to whatever comes.
#[derive(Debug)]
pub(crate) struct TlsServer {
    pub(crate) address: SocketAddr,
    pub(crate) outcomes: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl TlsServer {
    /// Serves from `store`, with a deadline that tests can wait for.
    pub(crate) async fn start(
        store: Arc<CertificateStore>,
        challenges: Option<Arc<ChallengeCertificates>>,
    ) -> Self {
        Self::start_at("127.0.0.1:0", store, challenges).await
    }

    pub(crate) async fn start_at(
        address: &str,
        store: Arc<CertificateStore>,
        challenges: Option<Arc<ChallengeCertificates>>,
    ) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let handshaker = Handshaker::new(store, challenges, DEADLINE, Arc::default());
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&outcomes);
        #[expect(clippy::disallowed_methods, reason = "a server of the tests")]
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (handshaker, written) = (handshaker.clone(), Arc::clone(&written));
                tokio::spawn(async move {
                    let local = stream.local_addr().expect("connected");
                    let outcome = handshaker.accept(stream, local).await;
                    written.lock().expect("whole").push(word(&outcome));
                    if let Ok(Handshake::Http { mut stream, .. }) = outcome {
                        echo(&mut stream).await;
                    }
                });
            }
        });
        Self {
            address,
            outcomes,
            task,
        }
    }

    pub(crate) fn outcomes(&self) -> Vec<String> {
        self.outcomes.lock().expect("whole").clone()
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Echoes until the client leaves, so that tests can hold connections open.
async fn echo<S: AsyncReadExt + AsyncWriteExt + Unpin>(stream: &mut S) {
    let mut buffer = [0_u8; 1024];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let read = buffer.get(..count).unwrap_or_default();
        if stream.write_all(read).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

fn word<S>(outcome: &Result<Handshake<S>, duogate::tls::TlsError>) -> String {
    match outcome {
        Ok(Handshake::Http { facts, .. }) => describe(facts),
        Ok(Handshake::Challenge) => "challenge".to_owned(),
        Err(error) => format!("error: {error}"),
    }
}

fn describe(facts: &TlsFacts) -> String {
    format!(
        "{} {} {:?} {:?}",
        facts.version, facts.group, facts.server_name, facts.http2
    )
}

/// What a client saw.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) alpn: Option<Vec<u8>>,
    pub(crate) group: Option<NamedGroup>,
    pub(crate) resumed: bool,
    pub(crate) stream: tokio_rustls::client::TlsStream<TcpStream>,
}

/// How a client asks.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) name: ServerName<'static>,
}

impl Asking {
    /// For `name` (an address sends no SNI), offering `alpn`, believing any certificate.
    pub(crate) fn new(name: &str, alpn: &[&[u8]]) -> Self {
        let provider = aws_lc_rs::default_provider();
        Self::with_provider(name, alpn, provider)
    }

    pub(crate) fn with_provider(name: &str, alpn: &[&[u8]], provider: CryptoProvider) -> Self {
        let algorithms = provider.signature_verification_algorithms;
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .expect("the provider speaks TLS")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(algorithms)))
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        Self {
            config: Arc::new(config),
            name: ServerName::try_from(name.to_owned()).expect("a name or an address"),
        }
    }

    /// Connects and tells what was seen.
    pub(crate) async fn connect(&self, address: SocketAddr) -> std::io::Result<Seen> {
        let stream = TcpStream::connect(address).await?;
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(&self.config));
        let stream = connector.connect(self.name.clone(), stream).await?;
        let connection = stream.get_ref().1;
        Ok(Seen {
            certificate: connection
                .peer_certificates()
                .and_then(<[_]>::first)
                .expect("a server shows one")
                .clone()
                .into_owned(),
            alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
            group: connection
                .negotiated_key_exchange_group()
                .map(rustls::crypto::SupportedKxGroup::name),
            resumed: connection.handshake_kind() == Some(rustls::HandshakeKind::Resumed),
            stream,
        })
    }
}

impl Seen {
    /// Sends a byte and waits for it to come back.
    pub(crate) async fn echoes(&mut self) -> bool {
        let mut byte = [0_u8; 1];
        self.stream.write_all(b"x").await.is_ok()
            && self.stream.flush().await.is_ok()
            && self.stream.read_exact(&mut byte).await.is_ok()
    }

    /// The DNS names and addresses of the certificate.
    pub(crate) fn names(&self) -> Vec<String> {
        names(&self.certificate)
    }
}

/// The DNS names and addresses of a certificate.
pub(crate) fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).expect("X.509");
    let extension = parsed.subject_alternative_name().expect("whole");
    extension
        .iter()
        .flat_map(|names| &names.value.general_names)
        .map(ToString::to_string)
        .collect()
}

/// Parameters as the default configuration has them.
pub(crate) fn parameters() -> ServerParameters {
    ServerParameters::new(TlsVersion::V12).expect("the provider works")
}

#[derive(Debug)]
struct AnyCertificate(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for AnyCertificate {
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

/// Of handshakes in tests: long enough for a busy machine, short enough to wait for.
const DEADLINE: Duration = Duration::from_secs(3);
