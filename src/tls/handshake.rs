//! From a raw stream to an authenticated one, within the deadline.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls::{HandshakeKind, ServerConfig, ServerConnection, server::Accepted};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tokio_rustls::{StartHandshake, server::TlsStream};

use super::{
    CertificateStore, ChallengeCertificates, TlsError,
    hello::{self, Wishes},
    lookup::Choice,
};
use crate::{
    foundation::TlsFacts,
    telemetry::{HandshakeLabels, Metrics},
};

/// Performs handshakes for one listener. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handshaker {
    store: Arc<CertificateStore>,
    challenges: Option<Arc<ChallengeCertificates>>,
    deadline: Duration,
    metrics: Arc<Metrics>,
}

/// A handshake that succeeded.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "the common variant is the large one, and it is taken apart at once"
)]
pub enum Handshake<S> {
    /// A client that wants to be served.
    Http {
        /// The authenticated stream.
        stream: TlsStream<S>,
        /// What was negotiated.
        facts: TlsFacts,
    },
    /// An ACME server's validation; it has its answer and the connection is closed.
    Challenge,
}

impl Handshaker {
    /// Serves from `store`; answers validations from `challenges` where given; ends each
    /// handshake within `deadline`.
    pub fn new(
        store: Arc<CertificateStore>,
        challenges: Option<Arc<ChallengeCertificates>>,
        deadline: Duration,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            store,
            challenges,
            deadline,
            metrics,
        }
    }

    /// Takes a connection that was dialled at `local` through its handshake. A stream that fails
    /// is closed here, after the answer that fits.
    pub async fn accept<S>(&self, stream: S, local: SocketAddr) -> Result<Handshake<S>, TlsError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let outcome = timeout(self.deadline, self.negotiate(stream, local))
            .await
            .unwrap_or(Err(TlsError::Timeout));
        self.count(&outcome);
        outcome
    }

    async fn negotiate<S>(&self, mut stream: S, local: SocketAddr) -> Result<Handshake<S>, TlsError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let accepted = hello::read_hello(&mut stream).await?;
        let wishes = Wishes::read(&accepted);
        if let Some(config) = self.challenge(&wishes) {
            return validate(accepted, stream, config).await;
        }
        let config = match self.store.choose(wishes.server_name.as_deref(), local.ip()) {
            Choice::Serve(entry) => entry.config(),
            Choice::UnknownName => {
                hello::alert(&mut stream, hello::UNRECOGNIZED_NAME).await;
                let name = wishes.server_name.unwrap_or_default();
                return Err(TlsError::UnknownName(name));
            }
            Choice::Empty => {
                hello::alert(&mut stream, hello::INTERNAL_ERROR).await;
                return Err(TlsError::NoCertificate);
            }
        };
        let stream = finish(accepted, stream, config).await?;
        let facts = facts(stream.get_ref().1, wishes.server_name);
        Ok(Handshake::Http { stream, facts })
    }

    /// The challenge certificate, when this is a validation that we are waiting for.
    fn challenge(&self, wishes: &Wishes) -> Option<Arc<ServerConfig>> {
        if !wishes.acme_validation {
            return None;
        }
        self.challenges
            .as_ref()?
            .find(wishes.server_name.as_deref()?)
    }

    /// Counts a handshake; its costs make one lookup of a label set unimportant.
    fn count<S>(&self, outcome: &Result<Handshake<S>, TlsError>) {
        let labels = match outcome {
            Ok(Handshake::Http { stream, facts }) => HandshakeLabels {
                outcome: "ok",
                version: facts.version,
                group: facts.group,
                kind: kind(stream.get_ref().1),
            },
            Ok(Handshake::Challenge) => without_facts("challenge"),
            Err(error) => without_facts(error.outcome()),
        };
        self.metrics.handshakes.get_or_create(&labels).inc();
    }
}

async fn validate<S>(
    accepted: Accepted,
    stream: S,
    config: Arc<ServerConfig>,
) -> Result<Handshake<S>, TlsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = finish(accepted, stream, config).await?;
    // The validation has seen the certificate; whether it still reads our good-bye is its affair.
    let _ = stream.shutdown().await;
    Ok(Handshake::Challenge)
}

async fn finish<S>(
    accepted: Accepted,
    stream: S,
    config: Arc<ServerConfig>,
) -> Result<TlsStream<S>, TlsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    StartHandshake::from_parts(accepted, stream)
        .into_stream(config)
        .await
        .map_err(TlsError::Handshake)
}

fn without_facts(outcome: &'static str) -> HandshakeLabels {
    HandshakeLabels {
        outcome,
        version: "none",
        group: "none",
        kind: "none",
    }
}

/// How much of a handshake it was.
fn kind(connection: &ServerConnection) -> &'static str {
    match connection.handshake_kind() {
        Some(HandshakeKind::Full) => "full",
        Some(HandshakeKind::FullWithHelloRetryRequest) => "hello_retry",
        Some(HandshakeKind::Resumed) => "resumed",
        None => "none",
    }
}

fn facts(connection: &ServerConnection, server_name: Option<String>) -> TlsFacts {
    TlsFacts {
        version: connection
            .protocol_version()
            .and_then(|version| version.as_str())
            .map_or("none", |name| match name {
                "TLSv1_2" => "TLSv1.2",
                "TLSv1_3" => "TLSv1.3",
                other => other,
            }),
        group: connection
            .negotiated_key_exchange_group()
            .and_then(|group| group.name().as_str())
            .unwrap_or("none"),
        server_name,
        http2: connection.alpn_protocol().map(|protocol| protocol == b"h2"),
    }
}
