//! What happens to a connection of each listener.

use std::{sync::Arc, time::Duration};

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

/// Carries connections from the listeners to the http room.
#[derive(Clone)]
pub(super) struct Connections {
    http: HttpServer,
    tasks: Tasks,
    /// A drain does not wait for those who watch it.
    operators: Tasks,
    shutdown: Shutdown,
    first_byte: Duration,
}

impl Connections {
    pub(super) fn new(base: &Base) -> Self {
        Self::around(base, HttpServer::new(http_settings(base)))
    }

    /// For the connections to come; requests in flight are counted together.
    pub(super) fn renewed(&self, base: &Base) -> Self {
        Self::around(base, self.http.with_settings(http_settings(base)))
    }

    fn around(base: &Base, http: HttpServer) -> Self {
        Self {
            http,
            tasks: base.connections.clone(),
            operators: base.tasks.clone(),
            shutdown: base.shutdown.clone(),
            first_byte: base.config.limits.request_head,
        }
    }

    /// Starts the task of one connection.
    pub(super) fn start(&self, incoming: Incoming, route: Route) {
        let connections = self.clone();
        let tasks = if incoming.listener.is_operators() {
            &self.operators
        } else {
            &self.tasks
        };
        tasks.spawn("connection", async move {
            connections.carry(incoming, route).await;
        });
    }

    async fn carry(&self, incoming: Incoming, route: Route) {
        let facts = incoming.facts();
        let Incoming { stream, permit, .. } = incoming;
        match self.handshaker(&stream, route.transport).await {
            None => self.http.serve(stream, facts, route.surface).await,
            Some(handshaker) => self.shake(&handshaker, stream, facts, route.surface).await,
        }
        drop(permit);
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

    async fn shake(
        &self,
        handshaker: &Handshaker,
        stream: RawStream,
        mut facts: ConnectionFacts,
        surface: Surface,
    ) {
        let accepted = tokio::select! {
            // Boxed: else the connection keeps its room for good.
            accepted = Box::pin(handshaker.accept(stream, facts.local)) => accepted,
            // Who has not even shaken hands a moment after the end began loses nothing.
            () = self.handshakes_over() => return,
        };
        match accepted {
            Ok(Handshake::Http { stream, facts: tls }) => {
                facts.tls = Some(tls);
                // Boxed: the stream is handed on many times, and rustls's state is over 1 kB.
                self.http.serve(Box::new(stream), facts, surface).await;
            }
            Ok(Handshake::Challenge) => {
                tracing::info!(peer = %facts.peer, "answered a tls-alpn-01 challenge");
            }
            Err(error) => {
                tracing::debug!(peer = %facts.peer, %error, "no TLS connection");
            }
        }
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
