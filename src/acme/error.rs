//! What can go wrong between us and an ACME server.

use std::{path::PathBuf, time::Duration};

use crate::{config::ChallengeKind, foundation::Blame, tls::TlsError, upstream::UpstreamError};

/// A failure of this room. Never carries tokens or keys.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    /// The state folder cannot be used, or a certificate could not be made.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A state file is not what we wrote.
    #[error("tls.state: {} is damaged: {reason}; remove it to start over", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Trusted roots or the HTTP client.
    #[error("tls.acme: {0}")]
    Upstream(#[from] UpstreamError),
    /// The directory is no HTTPS URL.
    #[error(
        "tls.acme.directory: {0:?} is no https:// URL; give the directory URL of the ACME server"
    )]
    Directory(String),
    /// A kind of challenge is configured that nobody here can answer.
    #[error(
        "tls.acme.challenges: none of the configured challenges can be answered; open listen.https for tls-alpn-01 or listen.http for http-01"
    )]
    NoResponder,
    /// The ACME server refused a request with a problem document.
    #[error("the ACME server refused ({step}): {detail} [{kind}]")]
    Refused {
        /// What we asked for.
        step: &'static str,
        /// The type of the problem, without its prefix.
        kind: String,
        /// The server's explanation.
        detail: String,
    },
    /// The ACME server could not be reached or did not speak ACME.
    #[error("no usable answer from the ACME server ({step}): {reason}")]
    Unusable {
        /// What we asked for.
        step: &'static str,
        /// What was seen.
        reason: String,
    },
    /// The ACME server looked for the proof of a name and did not find it.
    #[error("{identifier}: the {challenge} challenge failed: {detail}")]
    Unproved {
        /// The name or address.
        identifier: String,
        /// The kind of challenge.
        challenge: &'static str,
        /// The server's explanation.
        detail: String,
    },
    /// The ACME server offers no challenge that we can answer.
    #[error(
        "{identifier}: the ACME server offers {offered} and we can answer {answerable}; change tls.acme.challenges or open the port"
    )]
    NoCommonChallenge {
        /// The name or address.
        identifier: String,
        /// Kinds offered.
        offered: String,
        /// Kinds configured and answerable.
        answerable: String,
    },
    /// The ACME server took longer than we wait within one attempt.
    #[error("the ACME server did not finish {step} within {} s; the order is kept and followed up", waited.as_secs())]
    TooSlow {
        /// What we waited for.
        step: &'static str,
        /// How long.
        waited: Duration,
    },
    /// The ACME server does not offer the kind of certificate that was asked for.
    #[error("tls.acme.profile: {wanted:?} is not offered by {directory}; it offers {offered}")]
    Profile {
        /// The kind asked for.
        wanted: String,
        /// The directory of the server.
        directory: String,
        /// The kinds it offers, or that there are none.
        offered: String,
    },
    /// The trial before another attempt failed.
    #[error("the trial at tls.acme.staging_directory failed, so nothing was ordered: {0}")]
    Rehearsal(Box<AcmeError>),
    /// Every server asked to be left alone for a while.
    #[error("every ACME server asked to be left alone for now")]
    Resting,
    /// The state folder goes away with the container.
    #[error(
        "tls.state: {} is on the container's own layer and lost with it, and {directory} limits how often a certificate is issued; mount a volume there, or set tls.acme.allow_ephemeral_state", path.display()
    )]
    Ephemeral {
        /// The state folder.
        path: PathBuf,
        /// The directory of a public server.
        directory: String,
    },
    /// What was issued is not what was ordered.
    #[error("the ACME server issued a certificate that cannot be used: {0}")]
    WrongCertificate(String),
}

impl AcmeError {
    /// Whose fault this is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Tls(error) => error.blame(),
            Self::Refused { .. }
            | Self::Unusable { .. }
            | Self::Unproved { .. }
            | Self::NoCommonChallenge { .. }
            | Self::TooSlow { .. }
            | Self::Resting
            | Self::WrongCertificate(_) => Blame::Upstream,
            Self::Rehearsal(error) => error.blame(),
            Self::Damaged { .. }
            | Self::Upstream(_)
            | Self::Directory(_)
            | Self::Profile { .. }
            | Self::Ephemeral { .. }
            | Self::NoResponder => Blame::Us,
        }
    }

    /// True when the ACME server says that our account is gone.
    pub(super) fn account_is_gone(&self) -> bool {
        self.is_refusal("accountDoesNotExist")
    }

    /// True when the same order can never succeed (RFC 8555 6.7): only another configuration, or an
    /// operator who did something at the ACME server, helps. `caa` is none of these, since a change
    /// in the DNS cures it and nobody would tell us.
    pub(super) fn is_permanent(&self) -> bool {
        match self {
            Self::Refused { kind, .. } => PERMANENT.contains(&kind.as_str()),
            Self::Profile { .. } => true,
            Self::Rehearsal(error) => error.is_permanent(),
            _ => false,
        }
    }

    /// True for refusals that say nothing about the thing that was asked for.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Refused { kind, .. } => {
                matches!(kind.as_str(), "rateLimited" | "serverInternal" | "badNonce")
            }
            Self::Unusable { .. } | Self::TooSlow { .. } | Self::Resting => true,
            Self::Rehearsal(error) => error.is_passing(),
            _ => false,
        }
    }

    /// True when the refusal may be about what the order replaces: without it the order may pass.
    pub(super) fn may_be_about_replacing(&self) -> bool {
        matches!(self, Self::Refused { .. })
            && !self.is_passing()
            && !self.is_permanent()
            && !self.account_is_gone()
    }

    /// True when a proof of a name failed, which counts against the server's limits.
    pub(super) fn is_failed_proof(&self) -> bool {
        matches!(self, Self::Unproved { .. })
    }

    /// True when another server might do what this one did not.
    pub(super) fn is_the_servers(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. }
                | Self::Unusable { .. }
                | Self::TooSlow { .. }
                | Self::WrongCertificate(_)
        )
    }

    /// Makes an error out of what the protocol library says.
    pub(super) fn at(step: &'static str) -> impl Fn(instant_acme::Error) -> Self {
        move |error| match error {
            instant_acme::Error::Api(problem) => Self::Refused {
                step,
                kind: short_kind(&problem).to_owned(),
                detail: explanation(&problem),
            },
            other => Self::Unusable {
                step,
                reason: other.to_string(),
            },
        }
    }

    fn is_refusal(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { kind, .. } if kind == wanted)
    }
}

/// The kind of a problem out of a closed set, for metrics: the names of RFC 8555 6.7 and those of
/// its extensions.
pub(super) fn closed_kind(problem: &instant_acme::Problem) -> &'static str {
    let kind = short_kind(problem);
    KINDS
        .iter()
        .find(|known| **known == kind)
        .copied()
        .unwrap_or("other")
}

/// The last part of a problem's type, as people say it.
pub(super) fn short_kind(problem: &instant_acme::Problem) -> &str {
    let kind = problem.r#type.as_deref().unwrap_or("unknown");
    kind.strip_prefix("urn:ietf:params:acme:error:")
        .unwrap_or(kind)
}

/// The server's explanation with those of the single names, in one bounded line.
pub(super) fn explanation(problem: &instant_acme::Problem) -> String {
    let mut text = problem
        .detail
        .clone()
        .unwrap_or_else(|| "no explanation given".to_owned());
    for part in &problem.subproblems {
        text.push_str("; ");
        text.push_str(&part.to_string());
    }
    let visible: String = text
        .chars()
        .filter(|character| !character.is_control())
        .collect();
    visible.chars().take(EXPLANATION_CHARACTERS).collect()
}

/// The word for a kind of challenge, as the protocol writes it.
pub(super) fn challenge_word(kind: ChallengeKind) -> &'static str {
    match kind {
        ChallengeKind::TlsAlpn01 => "tls-alpn-01",
        ChallengeKind::Http01 => "http-01",
    }
}

/// Enough for every explanation Boulder gives; the text comes from outside and goes to the log.
const EXPLANATION_CHARACTERS: usize = 600;

/// Refusals that the same order meets again, whenever it is made.
const PERMANENT: [&str; 8] = [
    "rejectedIdentifier",
    "unsupportedIdentifier",
    "externalAccountRequired",
    "invalidContact",
    "unsupportedContact",
    "userActionRequired",
    "invalidProfile",
    "badCSR",
];

/// Every type of problem that ACME servers send.
const KINDS: [&str; 25] = [
    "accountDoesNotExist",
    "alreadyReplaced",
    "alreadyRevoked",
    "badCSR",
    "badNonce",
    "badPublicKey",
    "badSignatureAlgorithm",
    "caa",
    "compound",
    "connection",
    "conflict",
    "dns",
    "externalAccountRequired",
    "incorrectResponse",
    "invalidContact",
    "invalidProfile",
    "malformed",
    "orderNotReady",
    "rateLimited",
    "rejectedIdentifier",
    "serverInternal",
    "tls",
    "unauthorized",
    "unsupportedIdentifier",
    "userActionRequired",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_that_time_cannot_cure_are_permanent() {
        let refused = |kind: &str| AcmeError::Refused {
            step: "new order",
            kind: kind.to_owned(),
            detail: String::new(),
        };
        for kind in ["rejectedIdentifier", "externalAccountRequired"] {
            assert!(refused(kind).is_permanent(), "{kind}");
            assert!(!refused(kind).is_passing(), "{kind}");
        }
        for kind in ["rateLimited", "caa", "dns", "serverInternal", "unheardOf"] {
            assert!(!refused(kind).is_permanent(), "{kind}");
        }
    }
}
