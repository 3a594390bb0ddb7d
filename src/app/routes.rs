//! What each listener leads to.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{
    base::Base,
    certificates::Certificates,
    connections::{Route, Transport},
    listeners::OpenAddress,
};
use crate::{
    admin::{Admin, AdminSources},
    config::Mode,
    foundation::ListenerKind,
    http::{Doors, Redirect, Surface},
};

/// Surfaces and transports of all listeners.
pub(super) struct Routes {
    doors: Arc<ArcSwap<Doors>>,
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
        doors: &Arc<ArcSwap<Doors>>,
        sources: &Arc<AdminSources>,
        addresses: &[OpenAddress],
    ) -> Self {
        Self {
            doors: Arc::clone(doors),
            redirect: Arc::new(redirect(base, addresses)),
            sources: Arc::clone(sources),
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
fn redirect(base: &Base, addresses: &[OpenAddress]) -> Redirect {
    let https = addresses
        .iter()
        .find(|(kind, _)| *kind == ListenerKind::Https);
    let https = https.filter(|_| base.config.mode == Mode::Local);
    let port = https.map(|(_, address)| address.port());
    Redirect::new(base.config.domains.clone(), port, Arc::clone(&base.tokens))
}
