//! What each listener leads to.

use std::sync::Arc;

use super::{
    base::Base,
    certificates::Certificates,
    connections::{Route, Transport},
    operator,
};
use crate::{
    admin::{Admin, AdminSources},
    config::Mode,
    foundation::ListenerKind,
    http::{Doors, Redirect, Surface},
    listener::Listener,
};

/// Surfaces and transports of all listeners.
pub(super) struct Routes {
    doors: Arc<Doors>,
    redirect: Arc<Redirect>,
    sources: Arc<AdminSources>,
    https: Transport,
    gateway: Transport,
    agent_platform: Transport,
}

impl Routes {
    pub(super) fn new(
        base: &Base,
        certificates: &Certificates,
        doors: &Arc<Doors>,
        listeners: &[Listener],
    ) -> Self {
        Self {
            doors: Arc::clone(doors),
            redirect: Arc::new(redirect(base, listeners)),
            sources: operator::sources(base, certificates),
            https: certificates.https(),
            gateway: certificates.gateway(),
            agent_platform: certificates.agent_platform(),
        }
    }

    /// Where connections of a listener go.
    pub(super) fn of(&self, kind: ListenerKind) -> Route {
        let doors = || Surface::Doors(Arc::clone(&self.doors));
        let clear = Transport::Clear;
        let (surface, transport) = match kind {
            ListenerKind::Https => (doors(), self.https.clone()),
            ListenerKind::Http => (Surface::Redirect(Arc::clone(&self.redirect)), clear),
            ListenerKind::Gateway => (doors(), self.gateway.clone()),
            ListenerKind::AgentPlatform => (doors(), self.agent_platform.clone()),
            ListenerKind::Admin => (
                Surface::Admin(Arc::new(Admin::new(Arc::clone(&self.sources)))),
                clear,
            ),
            ListenerKind::Metrics => (
                Surface::Admin(Arc::new(Admin::metrics_only(Arc::clone(&self.sources)))),
                clear,
            ),
        };
        Route { surface, transport }
    }
}

/// In local mode the https port is not 443 and stands in the target.
fn redirect(base: &Base, listeners: &[Listener]) -> Redirect {
    let https = listeners
        .iter()
        .find(|listener| listener.kind() == ListenerKind::Https);
    let https = https.filter(|_| base.config.mode == Mode::Local);
    let port = https.map(|listener| listener.address().port());
    Redirect::new(base.config.domains.clone(), port, Arc::clone(&base.tokens))
}
