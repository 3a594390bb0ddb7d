//! Which service tokens are judged for, who needs none there, and how much of one is believed.

use http::HeaderMap;

use super::headers;
use crate::config::{Config, Mode, SigningKeys};

/// A service of GitLab's that tokens name as their audience. Each has rules, keys and a name of
/// its own; the sources of keys are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The HTTP API (http-api 3).
    Gateway,
    /// The agent platform (agent-platform 2).
    AgentPlatform,
}

impl Audience {
    /// What its own tokens are signed with.
    pub(super) fn keys(self, config: &Config) -> &SigningKeys {
        match self {
            Self::Gateway => &config.keys.gateway,
            Self::AgentPlatform => &config.keys.agent_platform,
        }
    }
}

/// What is asked of requests to one service.
pub(super) struct Policy {
    pub(super) audience: Audience,
    pub(super) service_name: String,
    pub(super) required: bool,
    bypass_with_header: bool,
    bypass_signature: bool,
    mode: Mode,
}

impl Policy {
    /// What the configuration says of this service.
    pub(super) fn of(config: &Config, audience: Audience) -> Self {
        let auth = &config.auth;
        let mode = config.mode;
        match audience {
            Audience::Gateway => Self {
                audience,
                service_name: auth.service_name.clone(),
                required: auth.required,
                bypass_with_header: auth.bypass_with_header,
                bypass_signature: auth.bypass_signature,
                mode,
            },
            // its contract knows neither of the two bypasses
            Audience::AgentPlatform => Self {
                audience,
                service_name: auth.agent_platform.service_name.clone(),
                required: auth.agent_platform.required,
                bypass_with_header: false,
                bypass_signature: false,
                mode,
            },
        }
    }

    /// Whether a request needs no token.
    pub(super) fn lets_in(&self, headers: &HeaderMap) -> bool {
        if !self.required {
            // in local mode only this machine is served, and what a proxy passes on is not from here
            return !self.is_local() || !headers::is_forwarded(headers);
        }
        self.bypass_with_header && headers::asks_for_bypass(headers)
    }

    /// Whether the signatures of tokens are looked at.
    pub(super) fn believes_anybody(&self) -> bool {
        self.bypass_signature
    }

    fn is_local(&self) -> bool {
        self.mode == Mode::Local
    }

    /// Says loudly what nobody should find out by accident.
    pub(super) fn warn(&self, config: &Config) {
        match self.audience {
            Audience::Gateway => self.warn_of_gateway(config),
            Audience::AgentPlatform => self.warn_of_agent_platform(config),
        }
        if self.required && config.gitlab.is_empty() {
            tracing::warn!("gitlab: names no instance, so no GitLab's own tokens are accepted");
        }
        for instance in &config.gitlab {
            if instance.url.starts_with("http://") {
                let url = &instance.url;
                tracing::warn!(
                    url,
                    "keys are fetched in clear: whoever is on the way can forge them"
                );
            }
        }
    }

    fn warn_of_gateway(&self, config: &Config) {
        if !self.required && !self.is_local() {
            tracing::error!(
                "Auth is disabled, all users allowed: anybody who reaches this server may use it \
                 (auth.required, AIGW_AUTH__BYPASS_EXTERNAL)"
            );
        }
        if self.bypass_with_header {
            tracing::error!(
                "anybody who sends Bypass-Auth: true may use this server \
                 (auth.bypass_with_header, AIGW_AUTH__BYPASS_EXTERNAL_WITH_HEADER)"
            );
        }
        if self.bypass_signature {
            tracing::error!(
                "tokens are believed whoever signed them: anybody can make one \
                 (auth.bypass_signature, AIGW_AUTH__BYPASS_JWT_SIGNATURE)"
            );
        }
        if config.keys.gateway.signing.is_none() && !self.is_local() {
            tracing::warn!(
                "keys.gateway.signing is not given, so IDEs get no tokens to come here directly; \
                 duogate keys new makes one"
            );
        }
    }

    fn warn_of_agent_platform(&self, config: &Config) {
        if !self.required && !self.is_local() {
            tracing::error!(
                "Auth is disabled, all users allowed: anybody who reaches this server may use its \
                 agents (auth.agent_platform.required, DUO_WORKFLOW_AUTH__ENABLED)"
            );
        }
        if config.keys.agent_platform.signing.is_none() && !self.is_local() {
            tracing::warn!(
                "keys.agent_platform.signing is not given, so GitLab cannot start flows in CI \
                 jobs; duogate keys new makes one"
            );
        }
    }
}
