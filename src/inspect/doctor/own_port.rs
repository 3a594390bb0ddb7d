//! gRPC on a port of its own, in TLS or in clear.

use std::net::{IpAddr, SocketAddr};

use super::{
    Finding,
    agent_platform::{Call, judge},
    api::Caller,
    certificate::Judge,
    names, protocols, reach,
};
use crate::upstream::{Probe, ProbeError, UpstreamError, UpstreamStream};

/// What was found at the port.
pub(super) struct OwnPort {
    pub(super) findings: Vec<Finding>,
    /// False when only clear text works there.
    pub(super) secure: bool,
}

/// Looks at a gRPC port: TLS first, for that is what GitLab expects unless told otherwise.
pub(super) async fn look(
    probe: &Probe,
    caller: &Caller<'_>,
    judge_of: &Judge<'_>,
    instead: Option<IpAddr>,
) -> OwnPort {
    let (addresses, mut findings) = names::look_up(caller.place, instead, caller.patience).await;
    let (reached, more) = reach::reach(probe, &addresses, SUBJECT).await;
    findings.extend(more);
    let Some(address) = reached.first().copied() else {
        return OwnPort {
            findings,
            secure: true,
        };
    };
    let secure = match probe.shake(address, &[b"h2"]).await {
        Ok((shown, _)) => {
            findings.push(judge_of.judge(&shown.chain).finding);
            if shown.protocol.as_deref() != Some(b"h2") {
                findings.push(Finding::problem(
                    SUBJECT,
                    "TLS without h2 in ALPN; gRPC libraries refuse that",
                    "let Duogate serve this port (listen.agent_platform); it offers h2",
                ));
            }
            true
        }
        Err(ProbeError::Clear { .. }) => {
            findings.push(Finding::warning(
                SUBJECT,
                "gRPC in clear: tokens and model keys travel unprotected",
                "use the TLS port of Duogate instead, where gRPC works too; otherwise turn TLS off in \
                 GitLab for all addresses of the Agent Platform, as shown below",
            ));
            false
        }
        Err(error) => {
            findings.push(protocols::failed(&error, SUBJECT));
            return OwnPort {
                findings,
                secure: true,
            };
        }
    };
    for call in Call::ALL {
        findings.push(ask(probe, caller, address, secure, call).await);
    }
    OwnPort { findings, secure }
}

/// One call over a fresh connection.
pub(super) async fn ask(
    probe: &Probe,
    caller: &Caller<'_>,
    address: SocketAddr,
    secure: bool,
    call: Call,
) -> Finding {
    match connect(probe, address, secure).await {
        Ok(stream) => {
            let outcome: Result<_, UpstreamError> = caller.ask(stream, call.request(caller)).await;
            judge(call, &outcome)
        }
        Err(error) => protocols::failed(&error, SUBJECT),
    }
}

async fn connect(
    probe: &Probe,
    address: SocketAddr,
    secure: bool,
) -> Result<UpstreamStream, ProbeError> {
    if secure {
        probe
            .shake(address, &[b"h2"])
            .await
            .map(|(_, stream)| stream)
    } else {
        probe.connect(address).await
    }
}

const SUBJECT: &str = "grpc port";
