//! Which addresses to open, for which purpose.

use crate::{config::Config, foundation::ListenerKind, listener::BindRequest};

/// Every address of the configuration.
pub(super) fn bind_requests(config: &Config) -> Vec<BindRequest> {
    let listen = &config.listen;
    let named = [
        (ListenerKind::Https, listen.https),
        (ListenerKind::Http, listen.http),
        (ListenerKind::Gateway, listen.gateway),
        (ListenerKind::AgentPlatform, listen.agent_platform),
        (ListenerKind::Admin, listen.admin),
    ];
    let named = named
        .into_iter()
        .filter_map(|(kind, address)| Some((kind, address?)));
    let metrics = listen
        .metrics
        .iter()
        .map(|address| (ListenerKind::Metrics, *address));
    named
        .chain(metrics)
        .map(|(kind, address)| BindRequest { kind, address })
        .collect()
}
