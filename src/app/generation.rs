//! What one configuration made: the settings of connections to come.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{
    ServeError,
    access::Accesses,
    base::Base,
    certificates::Certificates,
    connections::Connections,
    doors::{self, Built},
    hand_over,
    listeners::{Change, Listeners},
    operator,
    reload::LastReload,
    routes::Routes,
};
use crate::{
    admin::AdminSources,
    agent::Agent,
    config::Program,
    documentation::DocumentationIndex,
    http::Doors,
    listener::{AcceptSettings, InheritedSockets},
};

/// What connections get that come now. A connection keeps the certificate, the limits and the
/// trust it began with; its requests go to the doors that are in force when they arrive.
pub(super) struct Generation {
    pub(super) base: Base,
    pub(super) agent: Option<Agent>,
    carrier: Connections,
    routes: Routes,
}

impl Generation {
    /// Starts the task of a connection.
    pub(super) fn receive(&self, incoming: crate::listener::Incoming) {
        let route = self.routes.of(incoming.listener);
        self.carrier.start(incoming, route);
    }
}

/// The one place that changes what is in force.
pub(super) struct Succession {
    pub(super) present: Arc<ArcSwap<Generation>>,
    pub(super) certificates: Arc<ArcSwap<Certificates>>,
    pub(super) last_reload: Arc<LastReload>,
    pub(super) access: Arc<ArcSwap<Accesses>>,
    documentation: Arc<ArcSwap<DocumentationIndex>>,
    doors: Arc<ArcSwap<Doors>>,
    accept: Arc<ArcSwap<AcceptSettings>>,
    sources: Arc<AdminSources>,
    listeners: Listeners,
}

impl Succession {
    /// Opens the first generation and serves it.
    pub(super) async fn begin(
        base: Base,
        inherited: InheritedSockets,
    ) -> Result<(Self, Vec<super::listeners::OpenAddress>), ServeError> {
        let listeners = Listeners::default();
        let change = listeners
            .prepare(&base.config, inherited)
            .map_err(ServeError::Listeners)?;
        let certificates = Certificates::start(&base)?;
        let certificates = Arc::new(ArcSwap::from_pointee(certificates));
        let Built {
            doors,
            agent,
            access,
            documentation,
        } = doors::build(&base, None, &Accesses::default()).await?;
        let documentation = Arc::new(ArcSwap::from_pointee(documentation));
        let access = Arc::new(ArcSwap::from_pointee(access));
        let doors = Arc::new(ArcSwap::new(doors));
        let last_reload = Arc::new(LastReload::default());
        let sources =
            operator::sources(&base, &certificates, &access, &documentation, &last_reload);
        let addresses = listeners.addresses(Some(&change));
        let routes = Routes::new(&base, &certificates.load(), &doors, &sources, &addresses);
        let settings = AcceptSettings::new(
            &base.config.listen,
            &base.config.limits,
            Arc::clone(&base.metrics),
            base.connections.clone(),
        );
        let generation = Generation {
            carrier: Connections::new(&base),
            base: base.clone(),
            agent,
            routes,
        };
        let mut succession = Self {
            present: Arc::new(ArcSwap::from_pointee(generation)),
            certificates,
            last_reload,
            access,
            documentation,
            doors,
            accept: Arc::new(ArcSwap::from_pointee(settings)),
            sources,
            listeners,
        };
        succession.open(change, &base);
        Ok((succession, addresses))
    }

    /// Puts another configuration in force, whole or not at all. Everything that can fail comes
    /// before the first thing that changes; the keepers of certificates come last among it, for
    /// the old ones have to end before new ones begin.
    pub(super) async fn follow(&mut self, base: &Base) -> Result<(), ServeError> {
        let change = self
            .listeners
            .prepare(&base.config, InheritedSockets::default())
            .map_err(ServeError::Listeners)?;
        let present = self.present.load_full();
        let access = self.access.load_full();
        let built = doors::build(base, present.agent.as_ref(), &access).await?;
        let old = self.certificates.load_full();
        let certificates = match old.renewed(base).await {
            Ok(certificates) => certificates,
            Err(error) => {
                self.resume(&old, &present).await;
                return Err(error);
            }
        };
        self.swap(base, built, certificates, change);
        Ok(())
    }

    /// Keepers that were ended for a configuration that then failed begin again.
    async fn resume(&self, old: &Certificates, present: &Generation) {
        match old.renewed(&present.base).await {
            Ok(resumed) => {
                self.show(
                    &present.base,
                    present.agent.clone(),
                    present.carrier.clone(),
                    resumed,
                    None,
                );
            }
            Err(error) => tracing::error!(
                %error,
                "certificates are served but not renewed any more; restart the process"
            ),
        }
    }

    fn swap(&mut self, base: &Base, built: Built, certificates: Certificates, change: Change) {
        let carrier = self.present.load().carrier.renewed(base);
        let counts = Arc::clone(&self.accept.load().counts);
        counts.rebound(&base.config.limits);
        self.accept.store(Arc::new(AcceptSettings::with_counts(
            &base.config.listen,
            &base.config.limits,
            counts,
            Arc::clone(&base.metrics),
            base.connections.clone(),
        )));
        self.doors.store(built.doors);
        self.documentation.store(Arc::new(built.documentation));
        self.access.store(Arc::new(built.access));
        self.show(base, built.agent, carrier, certificates, Some(&change));
        self.open(change, base);
    }

    fn show(
        &self,
        base: &Base,
        agent: Option<Agent>,
        carrier: Connections,
        certificates: Certificates,
        change: Option<&Change>,
    ) {
        let certificates = Arc::new(certificates);
        let old = self.certificates.swap(Arc::clone(&certificates));
        certificates.replace(&old, base);
        let addresses = self.listeners.addresses(change);
        let routes = Routes::new(base, &certificates, &self.doors, &self.sources, &addresses);
        self.present.store(Arc::new(Generation {
            base: base.clone(),
            agent,
            carrier,
            routes,
        }));
    }

    /// Starts a successor on our sockets and waits until it serves. Then the sockets are closed
    /// here, and certificates are the successor's to keep: the authority's questions reach it now.
    pub(super) async fn hand_over(&mut self, program: &Program) -> Result<u32, ServeError> {
        let sockets = self.listeners.sockets();
        let successor = hand_over::start_successor(program, &sockets).await?;
        drop(sockets);
        self.listeners = Listeners::default();
        self.certificates.load_full().end_keeping().await;
        Ok(successor)
    }

    fn open(&mut self, change: Change, base: &Base) {
        let (accept, present) = (&self.accept, &self.present);
        self.listeners.apply(change, base, accept, present);
    }
}
