//! The two doors: built in, or forwarded.

use std::sync::Arc;

use super::{ServeError, access::Accesses, base::Base};
use crate::{
    access::Access,
    agent::{
        Agent, AgentSettings, Lasting,
        session::{SessionServices, Sessions},
    },
    config::{Target, TlsSource},
    documentation::DocumentationIndex,
    flow::TurnLimits,
    forward::{ForwardSettings, Forwarder},
    gateway::{Gateway, GatewaySettings},
    http::{Door, Doors},
    model::Models,
    prompt::Prompts,
    upstream::TrustRoots,
};

/// The doors, the agent where it is built in, for its health, whoever judges tokens for them, and the
/// documentation that they search.
pub(super) struct Built {
    pub(super) doors: Arc<Doors>,
    pub(super) agent: Option<Agent>,
    pub(super) documentation: DocumentationIndex,
    pub(super) access: Accesses,
}

/// Builds both doors. The health of a built-in agent goes on as it is: clients watch it. Sources of
/// keys that did not change go on with the keys they have.
pub(super) async fn build(
    base: &Base,
    agent: Option<&Agent>,
    access: &Accesses,
) -> Result<Built, ServeError> {
    let config = &base.config;
    let settings = forward_settings(base)?;
    let index = config.documentation_index.as_deref();
    let is_builtin = [&config.gateway, &config.agent_platform].contains(&&Target::Builtin);
    let searched = index.filter(|_| is_builtin);
    let documentation = DocumentationIndex::new(searched, &base.metrics);
    let access = Accesses::build(base, access)?;
    let brain = Brain::load(base)?;
    let gateway: Arc<dyn Door> = match &config.gateway {
        Target::Builtin => {
            let access = access.gateway.as_ref();
            gateway(base, access, brain.as_ref(), &documentation)
        }
        Target::Forward(target) => Arc::new(Forwarder::http(target, settings.clone())?),
    };
    let mut builtin = None;
    let agent: Arc<dyn Door> = match &config.agent_platform {
        Target::Builtin => {
            let lasting = match agent {
                Some(agent) => agent.lasting().clone(),
                None => Lasting::new(&base.metrics).await,
            };
            let sessions = sessions(base, brain.as_ref(), documentation.clone(), &lasting);
            let agent = Agent::new(agent_settings(base, &access, sessions, lasting));
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
        access,
        documentation,
    })
}

/// What both built-in doors ask models with.
#[derive(Clone)]
struct Brain {
    models: Models,
    prompts: Arc<Prompts>,
}

impl Brain {
    /// None where both doors are forwarded: then no model is asked from here.
    fn load(base: &Base) -> Result<Option<Self>, ServeError> {
        let config = &base.config;
        let doors = [&config.gateway, &config.agent_platform];
        if !doors.contains(&&Target::Builtin) {
            return Ok(None);
        }
        let prompts = Arc::new(Prompts::load(config.prompts.as_deref())?);
        tracing::info!(prompts = prompts.all().count(), "the prompts are loaded");
        let randomness = base.services.randomness.clone();
        let models = Models::new(config, randomness, &base.metrics, base.shutdown.clone())?;
        Ok(Some(Self { models, prompts }))
    }
}

/// The built-in gateway; who judges its tokens and what it asks models with was built before.
fn gateway(
    base: &Base,
    access: Option<&Access>,
    brain: Option<&Brain>,
    documentation: &DocumentationIndex,
) -> Arc<dyn Door> {
    let access = access
        .expect("a gateway that answers here has access")
        .clone();
    let brain = brain.expect("a gateway that answers here asks models");
    let Brain { models, prompts } = brain.clone();
    let settings = GatewaySettings {
        log_contents: base.config.log.contents,
        custom_models: base.config.models.custom_enabled,
        model_timeout: base.config.models.timeout,
        pages: base.config.pages.clone(),
        chat_max_tokens: base.config.models.chat_max_tokens,
    };
    let clock = Arc::clone(&base.services.clock);
    Arc::new(Gateway::new(
        access,
        prompts,
        models,
        documentation.clone(),
        clock,
        &base.metrics,
        settings,
    ))
}

/// The same for the agent platform.
fn agent_settings(
    base: &Base,
    access: &Accesses,
    sessions: Sessions,
    lasting: Lasting,
) -> AgentSettings {
    let access = access.agent_platform.as_ref();
    AgentSettings {
        access: access
            .expect("an agent platform that answers here has access")
            .clone(),
        sessions,
        lasting,
        clock: Arc::clone(&base.services.clock),
        first_event: base.config.limits.agent_first_event,
        reflection: base.config.pages.grpc_reflection,
        custom_models: base.config.models.custom_enabled,
    }
}

/// Where turns run.
fn sessions(
    base: &Base,
    brain: Option<&Brain>,
    documentation: DocumentationIndex,
    lasting: &Lasting,
) -> Sessions {
    let brain = brain.expect("an agent platform that answers here asks models");
    let Brain { models, prompts } = brain.clone();
    let config = &base.config;
    let first_byte = config.models.timeout;
    Sessions::new(SessionServices {
        models,
        prompts,
        documentation,
        turn: TurnLimits {
            first_byte,
            max_tokens: config.models.chat_max_tokens,
            ..TurnLimits::default()
        },
        clock: Arc::clone(&base.services.clock),
        randomness: Arc::clone(&base.services.randomness),
        tasks: base.connections.clone(),
        shutdown: base.shutdown.clone(),
        grace: config.drain_grace,
        outstanding_actions: config.limits.agent_outstanding_actions,
        open: lasting.sessions.clone(),
        sessions: config.limits.agent_sessions,
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
