//! What happens to a connection of each listener.

use std::{sync::Arc, time::Duration};

use tokio_rustls::server::TlsStream;

use super::base::Base;
use crate::{
    foundation::{ConnectionFacts, Shutdown, ShutdownPhase, Tasks},
    http::{HttpServer, HttpSettings, Surface},
    listener::{Incoming, RawStream},
    tls::{Handshake, Handshaker},
};

/// What one listener leads to.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) surface: Surface,
    pub(super) transport: Transport,
}

/// How bytes travel on a listener.
#[derive(Clone)]
pub(super) enum Transport {
    /// In clear.
    Clear,
    /// In TLS; anything else is told so.
    Tls(Arc<Handshaker>),
    /// The first byte decides, so that GitLab's "secure" setting cannot mismatch
    /// (gitlab-clients 3.7).
    Either(Arc<Handshaker>),
}

/// Carries connections from the listeners to the http room. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connections(Arc<Carrier>);

struct Carrier {
    http: HttpServer,
    tasks: Tasks,
    /// A drain does not wait for those who watch it.
    operators: Tasks,
    shutdown: Shutdown,
    first_byte: Duration,
}

/// A connection behind its beginning. Boxed: the streams are handed on many times, and rustls's
/// state is over 1 kB.
enum Begun {
    Clear(Box<RawStream>, Arc<ConnectionFacts>),
    Tls(Box<TlsStream<RawStream>>, Arc<ConnectionFacts>),
    Over,
}

impl Connections {
    pub(super) fn new(base: &Base) -> Self {
        Self::around(base, HttpServer::new(http_settings(base)))
    }

    /// For the connections to come; requests in flight are counted together.
    pub(super) fn renewed(&self, base: &Base) -> Self {
        Self::around(base, self.0.http.with_settings(http_settings(base)))
    }

    fn around(base: &Base, http: HttpServer) -> Self {
        Self(Arc::new(Carrier {
            http,
            tasks: base.connections.clone(),
            operators: base.tasks.clone(),
            shutdown: base.shutdown.clone(),
            first_byte: base.config.limits.request_head,
        }))
    }

    /// Starts the task of one connection.
    pub(super) fn start(&self, incoming: Incoming, route: Route) {
        let carrier = Arc::clone(&self.0);
        let tasks = if incoming.listener.is_operators() {
            &self.0.operators
        } else {
            &self.0.tasks
        };
        let facts = incoming.facts();
        let Incoming { stream, permit, .. } = incoming;
        let Route { surface, transport } = route;
        let stream = Box::new(stream);
        // Boxed, and dropped with its end: else a connection keeps room for its beginning.
        let begin = Box::pin(Arc::clone(&carrier).begin(stream, facts, transport));
        tasks.spawn("connection", async move {
            match begin.await {
                Begun::Clear(stream, facts) => carrier.http.serve(stream, facts, surface).await,
                Begun::Tls(stream, facts) => carrier.http.serve(stream, facts, surface).await,
                Begun::Over => {}
            }
            drop(permit);
        });
    }
}

impl Carrier {
    /// Takes a connection through its handshake, if it speaks TLS.
    async fn begin(
        self: Arc<Self>,
        stream: Box<RawStream>,
        mut facts: ConnectionFacts,
        transport: Transport,
    ) -> Begun {
        let Some(handshaker) = self.handshaker(&stream, transport).await else {
            return Begun::Clear(stream, Arc::new(facts));
        };
        let accepted = tokio::select! {
            accepted = handshaker.accept(*stream, facts.local) => accepted,
            // Who has not even shaken hands a moment after the end began loses nothing.
            () = self.handshakes_over() => return Begun::Over,
        };
        match accepted {
            Ok(Handshake::Http { stream, facts: tls }) => {
                facts.tls = Some(tls);
                return Begun::Tls(Box::new(stream), Arc::new(facts));
            }
            Ok(Handshake::Challenge) => {
                tracing::info!(peer = %facts.peer, "answered a tls-alpn-01 challenge");
            }
            Err(error) => {
                tracing::debug!(peer = %facts.peer, %error, "no TLS connection");
            }
        }
        Begun::Over
    }

    /// The handshaker to use, if this connection speaks TLS.
    async fn handshaker(
        &self,
        stream: &RawStream,
        transport: Transport,
    ) -> Option<Arc<Handshaker>> {
        match transport {
            Transport::Clear => None,
            Transport::Tls(handshaker) => Some(handshaker),
            Transport::Either(handshaker) => {
                let first = stream.first_byte(self.first_byte).await;
                matches!(first, Ok(Some(TLS_HANDSHAKE))).then_some(handshaker)
            }
        }
    }

    async fn handshakes_over(&self) {
        self.shutdown.reached(ShutdownPhase::Draining).await;
        tokio::time::sleep(LAST_HANDSHAKES).await;
    }
}

fn http_settings(base: &Base) -> HttpSettings {
    HttpSettings {
        limits: Arc::new(base.config.limits.clone()),
        trusted_proxies: base.config.listen.trusted_proxies.clone(),
        metrics: Arc::clone(&base.metrics),
        shutdown: base.shutdown.clone(),
        randomness: Arc::clone(&base.services.randomness),
    }
}

/// A handshake on its way takes two round trips.
const LAST_HANDSHAKES: Duration = Duration::from_secs(1);

/// The content type of a TLS record that carries a handshake (RFC 8446 5.1).
const TLS_HANDSHAKE: u8 = 0x16;
