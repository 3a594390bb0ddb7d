//! The two doors: built in, or forwarded.

use std::sync::Arc;

use super::{ServeError, base::Base};
use crate::{
    agent::Agent,
    config::{Target, TlsSource},
    forward::{ForwardSettings, Forwarder},
    gateway::Gateway,
    http::{Door, Doors},
    upstream::TrustRoots,
};

/// The doors, and the agent where it is built in, for its health.
pub(super) struct Built {
    pub(super) doors: Arc<Doors>,
    pub(super) agent: Option<Agent>,
}

/// Builds both doors. A built-in agent goes on as it is: clients watch its health.
pub(super) async fn build(base: &Base, agent: Option<&Agent>) -> Result<Built, ServeError> {
    let config = &base.config;
    let settings = forward_settings(base)?;
    let gateway: Arc<dyn Door> = match &config.gateway {
        Target::Builtin => Arc::new(Gateway),
        Target::Forward(target) => Arc::new(Forwarder::http(target, settings.clone())?),
    };
    let mut builtin = None;
    let agent: Arc<dyn Door> = match &config.agent_platform {
        Target::Builtin => {
            let agent = match agent {
                Some(agent) => agent.clone(),
                None => Agent::new().await,
            };
            Arc::new(builtin.insert(agent).clone())
        }
        Target::Forward(target) => Arc::new(Forwarder::grpc(target, settings)?),
    };
    let doors = Doors {
        gateway,
        agent,
        tokens: Arc::clone(&base.tokens),
        strict_transport: config.tls.source != TlsSource::Internal,
    };
    Ok(Built {
        doors: Arc::new(doors),
        agent: builtin,
    })
}

fn forward_settings(base: &Base) -> Result<ForwardSettings, ServeError> {
    Ok(ForwardSettings {
        roots: TrustRoots::load(&base.config.upstream.ca_files)?,
        limits: Arc::new(base.config.limits.clone()),
        trusted_proxies: base.config.listen.trusted_proxies.clone(),
        metrics: Arc::clone(&base.metrics),
        tasks: base.connections.clone(),
        shutdown: base.shutdown.clone(),
    })
}
