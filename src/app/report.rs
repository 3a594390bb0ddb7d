//! What the log says once everything is open.

use std::net::SocketAddr;

use super::{access::Accesses, base::Base, certificates::Certificates};
use crate::{config::Target, foundation::ListenerKind};

/// One line for each address, each certificate and each source of keys, then one that says "ready".
pub(super) fn started(
    base: &Base,
    addresses: &[(ListenerKind, SocketAddr)],
    certificates: &Certificates,
    access: &Accesses,
) {
    for (kind, address) in addresses {
        tracing::info!(listener = kind.as_str(), %address, "listening");
    }
    let now = base.services.clock.now();
    for entry in certificates.entries() {
        let left = entry
            .certificate()
            .not_after()
            .duration_since(now)
            .unwrap_or_default();
        tracing::info!(
            name = entry.name(),
            issuer = entry.certificate().issuer(),
            days_left = left.as_secs() / 86_400,
            origin = ?entry.certificate().origin(),
            "certificate"
        );
    }
    for source in access.sources() {
        let state = source.state.as_str();
        tracing::info!(url = source.url, state, "key source");
    }
    if let Some(root) = certificates.internal_root() {
        tracing::info!(root = %root.display(), "clients have to trust this root");
    }
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        gateway = describe(&base.config.gateway),
        agent_platform = describe(&base.config.agent_platform),
        "serving"
    );
}

fn describe(target: &Target) -> String {
    match target {
        Target::Builtin => "builtin".to_owned(),
        Target::Forward(uri) => uri.to_string(),
    }
}
