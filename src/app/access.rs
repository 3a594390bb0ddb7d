//! Who judges tokens, over reloads, and what is shown of the sources of keys.

use std::{
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;

use super::{ServeError, base::Base};
use crate::{
    access::{Access, Audience, SourceStatus, Surroundings},
    admin::Readiness,
    config::Target,
    telemetry::Metrics,
};

/// Access for the doors that answer here; none where another server judges tokens.
#[derive(Clone, Default)]
pub(super) struct Accesses {
    pub(super) gateway: Option<Access>,
    pub(super) agent_platform: Option<Access>,
}

impl Accesses {
    /// Starts what the configuration asks for. Both share their sources of keys, with each other
    /// and with those of `before`.
    pub(super) fn build(base: &Base, before: &Self) -> Result<Self, ServeError> {
        let around = Surroundings {
            clock: base.services.clock.clone(),
            randomness: base.services.randomness.clone(),
            metrics: base.metrics.clone(),
            tasks: base.tasks.clone(),
            shutdown: base.shutdown.clone(),
        };
        let mut built = Self::default();
        let config = &base.config;
        if config.gateway == Target::Builtin {
            let gateway = Access::start(config, Audience::Gateway, &around, before.any())?;
            built.gateway = Some(gateway);
        }
        if config.agent_platform == Target::Builtin {
            let known = built.any().or(before.any());
            let agent_platform = Access::start(config, Audience::AgentPlatform, &around, known)?;
            built.agent_platform = Some(agent_platform);
        }
        if built.any().is_some() {
            base.metrics.expect_tokens();
        }
        Ok(built)
    }

    /// How each source of keys does; every door asks the same ones.
    pub(super) fn sources(&self) -> Vec<SourceStatus> {
        self.any().map(Access::sources).unwrap_or_default()
    }

    /// Not ready while no token could be judged. A source that is down beside others that are not
    /// makes nobody unready.
    pub(super) fn readiness(&self, now: SystemTime) -> Option<Readiness> {
        self.any()?;
        let all = || self.gateway.iter().chain(&self.agent_platform);
        let described: Vec<_> = self
            .sources()
            .iter()
            .map(|source| source.describe(now))
            .collect();
        let mut detail = described.join("; ");
        if !all().any(Access::requires_tokens) {
            "no token is required".clone_into(&mut detail);
        } else if detail.is_empty() {
            "none is configured (gitlab, customers_portal)".clone_into(&mut detail);
        }
        Some(Readiness {
            part: "key_sources",
            ready: all().all(Access::is_ready),
            detail,
        })
    }

    fn any(&self) -> Option<&Access> {
        self.gateway.as_ref().or(self.agent_platform.as_ref())
    }
}

/// Shows the sources in the metrics, and forgets those that are asked no more.
#[derive(Default)]
pub(super) struct KeySourceMetrics {
    /// What is shown. Held while it is brought up to date, so that of two scrapes around a reload the
    /// later one has the last word.
    shown: Mutex<Vec<String>>,
}

impl KeySourceMetrics {
    /// Brings them up to date with what is in force.
    pub(super) fn update(&self, access: &ArcSwap<Accesses>, metrics: &Metrics) {
        // only whole lists are put in, so a panic elsewhere leaves nothing half done
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let sources = access.load().sources();
        for url in shown.iter() {
            if !sources.iter().any(|source| source.url == *url) {
                metrics.forget_key_source(url);
            }
        }
        for source in &sources {
            let fetched = source
                .fetched
                .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let fetched = fetched.map_or(0, |since| {
                i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
            });
            metrics.show_key_source(&source.url, source.state.as_str(), source.keys, fetched);
        }
        *shown = sources.into_iter().map(|source| source.url).collect();
    }
}
