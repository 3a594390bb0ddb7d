//! Whether the addresses accept connections.

use std::net::SocketAddr;

use futures_util::future::join_all;

use super::Finding;
use crate::upstream::{Probe, ProbeError};

/// Dials every address at once; those that accept come back in their order.
pub(super) async fn reach(
    probe: &Probe,
    addresses: &[SocketAddr],
    subject: &'static str,
) -> (Vec<SocketAddr>, Vec<Finding>) {
    let dialled = join_all(addresses.iter().map(|address| probe.connect(*address))).await;
    let (mut reached, mut failed) = (Vec::new(), Vec::new());
    for (address, outcome) in addresses.iter().zip(dialled) {
        match outcome {
            Ok(_) => reached.push(*address),
            Err(error) => failed.push(error),
        }
    }
    let mut findings = Vec::new();
    if !reached.is_empty() {
        let words: Vec<String> = reached.iter().map(ToString::to_string).collect();
        let verb = if words.len() == 1 {
            "accepts"
        } else {
            "accept"
        };
        findings.push(Finding::ok(
            subject,
            format!("{} {verb} connections", words.join(", ")),
        ));
    }
    findings.extend(failed.iter().map(|error| {
        if reached.is_empty() {
            Finding::problem(subject, error.to_string(), remedy(error))
        } else {
            let remedy = format!(
                "clients that try this address wait or fail: make Duogate reachable there or \
                 remove the DNS record; {}",
                remedy(error)
            );
            Finding::warning(subject, error.to_string(), remedy)
        }
    }));
    (reached, findings)
}

/// What to do about a connection that did not come about.
pub(super) fn remedy(error: &ProbeError) -> String {
    match error {
        ProbeError::Refused { address, .. } => format!(
            "is Duogate running there (systemctl status duogate, docker compose ps), does it \
             listen on port {port} (its log names every address), and does the name point to the \
             right host?",
            port = address.port()
        ),
        ProbeError::Unanswered { address, .. } => format!(
            "a firewall or security group drops the packets, or the host is down: allow TCP port \
             {} to it from GitLab and from the editors",
            address.port()
        ),
        _ => "see the line above".to_owned(),
    }
}
