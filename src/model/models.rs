//! The door's handle: made from a configuration, asked by every call.

use std::{sync::Arc, time::Duration};

use super::{
    Answer, Budget, Definitions, Metadata, ModelError, ModelRequest, SetupError, Target,
    TargetError, call::Caller, exchange::Exchange, family::Catalogue, measures::ModelMeasures,
    places::Servers, providers::Providers,
};
use crate::{
    config::{Config, Mode},
    foundation::{Randomness, Secret, Shutdown},
    telemetry::Metrics,
    upstream::{PoolMeasures, ServiceClient, ServiceClientSettings, ServiceIdentity, TrustRoots},
};

/// Asks models. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Models(Arc<Inner>);

/// What the room was told.
#[derive(Debug)]
pub(super) struct ModelSettings {
    /// Whether requests may name models.
    pub(super) custom_enabled: bool,
    /// For calls that name none.
    pub(super) default: Option<Metadata>,
    /// Whether calls without a model are answered by the echo.
    pub(super) echo: bool,
    /// Whom requests may name; empty: everybody.
    pub(super) allowed_hosts: Vec<String>,
    /// Whether servers are never asked for streams.
    pub(super) disable_streaming: bool,
    /// Sent with every call.
    pub(super) extra_headers: Vec<(String, Secret)>,
    /// Servers that stand for endpoints.
    pub(super) servers: Vec<Arc<Servers>>,
    /// Who speaks to them.
    pub(super) providers: Providers,
}

#[derive(Debug)]
struct Inner {
    settings: ModelSettings,
    catalogue: Catalogue,
    definitions: Definitions,
    caller: Caller,
}

impl Models {
    /// Prepares calls as the configuration says.
    pub fn new(
        config: &Config,
        randomness: Arc<dyn Randomness>,
        metrics: &Arc<Metrics>,
        shutdown: Shutdown,
    ) -> Result<Self, SetupError> {
        let endpoints = config.models.endpoints.iter();
        let servers = endpoints.map(|endpoint| Servers::of(endpoint, metrics));
        let settings = ModelSettings::of(config, servers.collect::<Result<_, _>>()?);
        let catalogue = Catalogue::builtin();
        if let Some(default) = &settings.default {
            Target::read(default, &catalogue, &settings)
                .map_err(|error| SetupError::Default(error.to_string()))?;
        }
        let servers = settings.servers.iter();
        metrics.expect_models(servers.flat_map(|servers| servers.names()));
        if !config.models.tls.verify {
            tracing::warn!(
                "models.tls.verify is off: whoever sits between here and a model server reads and \
                 changes what is said, keys included"
            );
        }
        if settings.leaks_headers() {
            tracing::warn!(
                "models.extra_headers are sent to whatever server a request names; name those that may \
                 have them in models.allowed_hosts"
            );
        }
        let caller = Caller {
            exchange: Exchange::new(client(config, metrics, shutdown)?, &settings.extra_headers)?,
            randomness,
            measures: ModelMeasures::new(metrics),
        };
        Ok(Self(Arc::new(Inner {
            definitions: Definitions::of(&catalogue),
            settings,
            catalogue,
            caller,
        })))
    }

    /// The model of a request, else the configured one, else the echo of local mode.
    pub fn target(&self, metadata: Option<&Metadata>) -> Result<Target, TargetError> {
        let (settings, catalogue) = (&self.0.settings, &self.0.catalogue);
        // a family alone, as a trial by hand sends it, names no server
        let named = metadata.filter(|metadata| {
            let is_alone = metadata.endpoint.is_empty() && metadata.identifier.is_empty();
            !(is_alone && settings.default.is_none() && settings.echo)
        });
        match named.or(settings.default.as_ref()) {
            Some(metadata) => Ok(Target::read(metadata, catalogue, settings)?),
            None if settings.echo => {
                let family = metadata.map_or("", |metadata| metadata.name.as_str());
                Ok(Target::echo(catalogue, family))
            }
            None => Err(TargetError::NoModel),
        }
    }

    /// Asks a model. Resolves once the first event is there, or the whole answer where no stream
    /// is wanted; until then a failure is an error and may be tried again within
    /// `budget.first_byte`. Dropping it, or the answer, ends the call at the server.
    pub async fn ask(
        &self,
        target: &Target,
        mut request: ModelRequest,
        budget: Budget,
    ) -> Result<Answer, ModelError> {
        request.stream &= !self.0.settings.disable_streaming;
        self.0.caller.ask(target, request, budget).await
    }

    /// The catalogue for GitLab (http-api 2.11).
    pub fn definitions(&self) -> &Definitions {
        &self.0.definitions
    }
}

impl ModelSettings {
    /// Whether a caller can have the operator's headers sent to a server of its own.
    fn leaks_headers(&self) -> bool {
        self.custom_enabled && self.allowed_hosts.is_empty() && !self.extra_headers.is_empty()
    }

    /// What the configuration says, with the servers made of it.
    pub(super) fn of(config: &Config, servers: Vec<Arc<Servers>>) -> Self {
        let models = &config.models;
        let default = models.default.as_ref().map(|default| {
            let key = default.api_key.as_deref();
            Metadata::configured(&default.name, &default.endpoint, key, &default.identifier)
        });
        let headers = models.extra_headers.iter();
        Self {
            custom_enabled: models.custom_enabled,
            default,
            echo: config.mode == Mode::Local,
            allowed_hosts: models.allowed_hosts.clone(),
            disable_streaming: models.disable_streaming,
            extra_headers: headers
                .map(|(name, value)| (name.clone(), Secret::new(value.clone())))
                .collect(),
            servers,
            providers: Providers::new(config),
        }
    }
}

/// The client for model servers.
pub(super) fn client(
    config: &Config,
    metrics: &Arc<Metrics>,
    shutdown: Shutdown,
) -> Result<ServiceClient, SetupError> {
    let tls = &config.models.tls;
    let roots = match &tls.ca_file {
        Some(file) => TrustRoots::only(file),
        None => TrustRoots::load(&config.upstream.ca_files),
    }?;
    let identity = tls.certificate.clone().map(|certificate| ServiceIdentity {
        // one file may hold both
        key: tls.key.clone().unwrap_or_else(|| certificate.clone()),
        certificate,
        password: tls.key_password.clone(),
    });
    let limits = &config.limits;
    let settings = ServiceClientSettings {
        user_agent: concat!("duogate/", env!("CARGO_PKG_VERSION")),
        connect_timeout: limits.upstream_connect,
        headers: limits.upstream_headers,
        keep_alive_idle: KEPT,
        connection_age: limits.upstream_connection_age,
        // each request in flight may have a call of its own at the same server
        connections: limits.requests_in_flight,
        identity,
        verify: tls.verify,
    };
    let measures = PoolMeasures::new(Arc::clone(metrics), "models");
    let proxies = &config.upstream.proxies;
    Ok(ServiceClient::new(
        &roots, proxies, &settings, measures, shutdown,
    )?)
}

/// Model servers close idle connections after five seconds (uvicorn) or more.
const KEPT: Duration = Duration::from_secs(4);
