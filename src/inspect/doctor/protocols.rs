//! TLS version, key exchange and ALPN, as each kind of client needs them.

use std::net::SocketAddr;

use super::{Finding, reach};
use crate::upstream::{Probe, ProbeError, Shown};

/// What was negotiated by a client that offers what Duogate serves.
pub(super) fn version(shown: &Shown) -> Finding {
    Finding::ok(SUBJECT, format!("{} with {}", shown.version, shown.group))
}

/// How a handshake that failed is told.
pub(super) fn failed(error: &ProbeError, subject: &'static str) -> Finding {
    let (seen, remedy) = match error {
        ProbeError::Clear { .. } => (
            format!("{error}: it answers in clear"),
            "something else listens on this port, or a load balancer forwards it to a port in \
             clear: let Duogate terminate TLS here, and forward TCP unchanged"
                .to_owned(),
        ),
        ProbeError::Silent { .. } => (
            error.to_string(),
            "a firewall or load balancer accepts in place of a server that is down or that it \
             cannot reach: look behind it; a load balancer with PROXY headers needs \
             listen.proxy_protocol_from"
                .to_owned(),
        ),
        ProbeError::Refused { .. } | ProbeError::Unanswered { .. } => {
            (error.to_string(), reach::remedy(error))
        }
        ProbeError::NoProtocol { .. } => (
            error.to_string(),
            "whoever answers here serves no HTTP; is this Duogate's port?".to_owned(),
        ),
        ProbeError::Handshake { .. } => (
            error.to_string(),
            "Duogate's log at level debug tells why it refused; unrecognized_name means that the \
             name is not among its `domains`; a connection that is only closed is often a \
             firewall's"
                .to_owned(),
        ),
    };
    Finding::problem(subject, seen, remedy)
}

/// What ALPN offers. `first` is what a client that offers both was given; `by_us` whether it is
/// Duogate that answers behind this TLS.
pub(super) async fn offers(
    probe: &Probe,
    address: SocketAddr,
    first: &Shown,
    by_us: bool,
) -> (Vec<Finding>, bool) {
    let mut findings = Vec::new();
    let http2 = match first.protocol.as_deref() {
        Some(b"h2") => true,
        // it may prefer HTTP/1.1 and serve both
        _ => chooses(probe, address, b"h2").await,
    };
    if !http2 {
        findings.push(no_http2(by_us));
    }
    let http1 = match first.protocol.as_deref() {
        Some(b"http/1.1") => true,
        _ => chooses(probe, address, b"http/1.1").await,
    };
    if !http1 {
        findings.push(Finding::problem(
            ALPN,
            "HTTP/1.1 is not offered; many clients of the API speak nothing else",
            "offer h2 and http/1.1 both, as Duogate does; whoever terminates TLS here does not",
        ));
    }
    if http1 && http2 {
        findings.push(Finding::ok(ALPN, "h2 and http/1.1 are offered"));
    }
    (findings, http2)
}

fn no_http2(by_us: bool) -> Finding {
    const SEEN: &str =
        "HTTP/2 is not offered; gRPC needs it, so the Agent Platform cannot be reached";
    if by_us {
        return Finding::problem(
            ALPN,
            format!(
                "{SEEN}. Duogate answers and always offers it: something between terminates TLS"
            ),
            "a load balancer, proxy or TLS inspection takes HTTP/2 away: let it forward TCP 443 \
             unchanged (PROXY headers: listen.proxy_protocol_from), or exempt this name from inspection",
        );
    }
    Finding::problem(
        ALPN,
        SEEN,
        "let Duogate have port 443, or enable HTTP/2 in whatever answers here (nginx: listen 443 \
         ssl http2)",
    )
}

async fn chooses(probe: &Probe, address: SocketAddr, protocol: &[u8]) -> bool {
    match probe.shake(address, &[protocol]).await {
        Ok((shown, _)) => shown.protocol.as_deref() == Some(protocol),
        // a server that has no common protocol says so or hangs up; both mean that it is not there
        Err(_) => false,
    }
}

const SUBJECT: &str = "tls";

const ALPN: &str = "alpn";
