//! What to type into GitLab.

use super::Place;

/// The values of GitLab's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitlabSettings {
    /// "Local AI Gateway URL".
    pub gateway_url: String,
    /// "Local URL for the GitLab Duo Agent Platform service".
    pub agent_platform: String,
    /// "Use TLS for the GitLab Duo Agent Platform service"; up to 18.9 the variable
    /// `DUO_AGENT_PLATFORM_SERVICE_SECURE`.
    pub secure: bool,
    /// True when GitLab has to be given the authority first.
    pub private_authority: bool,
}

impl GitlabSettings {
    /// Everything on one port, in TLS; or gRPC on a port of its own.
    pub(super) fn new(url: &Place, own_port: Option<&Place>) -> Self {
        Self {
            gateway_url: url.url(),
            agent_platform: own_port.unwrap_or(url).target().to_owned(),
            secure: true,
            private_authority: false,
        }
    }
}
