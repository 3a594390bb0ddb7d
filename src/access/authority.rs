//! The door's handle: made from a configuration, asked by every request.

use std::{path::PathBuf, sync::Arc, time::Duration};

use http::HeaderMap;

use super::{
    AccessError, Audience, AuthenticationError, Caller, IssueError, IssuedToken, SourceStatus,
    agent_token, cache::TokenCache, fetch::FETCH_TIME, issuer::Issuer, keyring::Keyring,
    own_keys::OwnKeys, policy::Policy, source::Source, user_token,
};
use crate::{
    config::Config,
    foundation::{Clock, Randomness, Shutdown, Tasks},
    telemetry::{Metrics, OutcomeLabels},
    upstream::{ClientSettings, TrustRoots, outgoing_client},
};

/// Says who is calling. Cheap to clone; all clones share keys and memory.
#[derive(Clone)]
pub struct Access(Arc<Inner>);

/// What access works with.
#[derive(Clone)]
pub struct Surroundings {
    /// The calendar, for expiry and for when to ask.
    pub clock: Arc<dyn Clock>,
    /// Jitter, and identifiers of tokens.
    pub randomness: Arc<dyn Randomness>,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
    /// Where sources are asked.
    pub tasks: Tasks,
    /// Ends that, at [`crate::foundation::ShutdownPhase::Draining`].
    pub shutdown: Shutdown,
}

/// What one configuration made.
pub(super) struct Inner {
    pub(super) policy: Policy,
    pub(super) own: OwnKeys,
    pub(super) keyring: Keyring,
    pub(super) cache: TokenCache,
    pub(super) clock: Arc<dyn Clock>,
    /// Whoever needs no token.
    pub(super) anybody: Arc<Caller>,
    randomness: Arc<dyn Randomness>,
    metrics: Arc<Metrics>,
}

impl Access {
    /// Reads our keys and starts a task for each source of others. Needs no network: the sources
    /// may be down for as long as they like. Sources of `before` that are wanted as they were go on
    /// with their keys, whatever service that is for; the others end when `before` is dropped.
    pub fn start(
        config: &Config,
        audience: Audience,
        around: &Surroundings,
        before: Option<&Self>,
    ) -> Result<Self, AccessError> {
        let own = OwnKeys::read(audience, audience.keys(config))?;
        let mut clients = Vec::new();
        for wanted in Wanted::all(config) {
            // all that can fail, before anything is started
            let client = client(config, wanted.ca_file.as_ref())?;
            clients.push((wanted, client));
        }
        let known = before.map_or(&[][..], |before| &before.0.keyring.sources);
        let sources = clients.into_iter().map(|(wanted, client)| {
            let kept = known.iter().find(|source| source.is(&wanted.identity));
            if let Some(source) = kept {
                source.ask_with(client);
                return Arc::clone(source);
            }
            Arc::new(Source::start(&wanted.url, wanted.identity, client, around))
        });
        let keyring = Keyring::new(sources.collect(), Arc::clone(&around.clock));
        let policy = Policy::of(config, audience);
        policy.warn(config);
        Ok(Self(Arc::new(Inner {
            policy,
            own,
            keyring,
            cache: TokenCache::default(),
            clock: Arc::clone(&around.clock),
            anybody: Arc::new(Caller::bypassed()),
            randomness: Arc::clone(&around.randomness),
            metrics: Arc::clone(&around.metrics),
        })))
    }

    /// Who sent this request: all checks of http-api 3.5, or of agent-platform 2.3, in their order.
    /// Ends at once, unless the
    /// token names a key that nobody knows yet: then the sources are asked, for two seconds at most.
    pub async fn authenticate(
        &self,
        headers: &HeaderMap,
    ) -> Result<Arc<Caller>, AuthenticationError> {
        let examined = self.0.examine(headers).await;
        let outcome = match &examined {
            Ok((_, outcome)) => outcome,
            Err(error) => error.outcome(),
        };
        let labels = OutcomeLabels { outcome };
        self.0.metrics.authentications.get_or_create(&labels).inc();
        examined.map(|(caller, _)| caller)
    }

    /// A token for the user that `headers` name, with which an IDE comes to us directly
    /// (http-api 2.9).
    pub fn issue_user_token(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
    ) -> Result<IssuedToken, IssueError> {
        user_token::issue(&self.issuer(), caller, headers)
    }

    /// A token for the user that `headers` name, with which an executor comes to the agent platform
    /// directly (agent-platform 2.5).
    pub fn issue_agent_token(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
    ) -> Result<IssuedToken, IssueError> {
        agent_token::issue(&self.issuer(), caller, headers)
    }

    fn issuer(&self) -> Issuer<'_> {
        Issuer {
            keys: &self.0.own,
            service_name: &self.0.policy.service_name,
            randomness: &*self.0.randomness,
            now: u64::try_from(self.0.now()).unwrap_or_default(),
        }
    }

    /// How each source of keys does.
    pub fn sources(&self) -> Vec<SourceStatus> {
        self.0.keyring.status()
    }

    /// False while a token could not be judged because no source has answered yet.
    pub fn is_ready(&self) -> bool {
        !self.0.policy.required || !self.0.keyring.is_empty_handed()
    }

    /// Whether requests need a token.
    pub fn requires_tokens(&self) -> bool {
        self.0.policy.required
    }
}

/// A source that a configuration asks for.
struct Wanted {
    url: String,
    ca_file: Option<PathBuf>,
    identity: String,
}

impl Wanted {
    /// Each URL once: a site without a way to the Internet names its GitLab as the portal too.
    fn all(config: &Config) -> Vec<Self> {
        let instances = config.gitlab.iter();
        let instances = instances.map(|instance| (&instance.url, &instance.ca_file));
        let portal = config.customers_portal.iter().map(|url| (url, &None));
        let mut all: Vec<Self> = Vec::new();
        for (url, ca_file) in instances.chain(portal) {
            if all.iter().any(|wanted| wanted.url == *url) {
                continue;
            }
            let way = (ca_file, &config.upstream);
            all.push(Self {
                url: url.clone(),
                ca_file: ca_file.clone(),
                identity: format!("{url} {way:?}"),
            });
        }
        all
    }
}

/// A client that trusts the source's own authority beside those of all outgoing calls.
pub(super) fn client(
    config: &Config,
    ca_file: Option<&PathBuf>,
) -> Result<reqwest::Client, AccessError> {
    let mut files = config.upstream.ca_files.clone();
    files.extend(ca_file.cloned());
    let settings = ClientSettings {
        user_agent: concat!("duogate/", env!("CARGO_PKG_VERSION")).to_owned(),
        timeout: FETCH_TIME,
        connect_timeout: CONNECT_TIME,
    };
    let roots = TrustRoots::load(&files)?;
    Ok(outgoing_client(&roots, &config.upstream.proxies, settings)?)
}

/// Half of a fetch's time, so that a server that is down is told from one that is slow.
const CONNECT_TIME: Duration = Duration::from_secs(5);
