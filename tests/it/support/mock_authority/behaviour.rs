//! How the authority works as a whole.

use std::{net::SocketAddr, time::Duration};

/// What a test may change at any time.
#[derive(Clone, Debug)]
pub(crate) struct Behaviour {
    /// How long certificates live.
    pub(crate) life: Duration,
    pub(crate) validation: Validation,
    /// Challenges of each authorization.
    pub(crate) offers: Vec<Offer>,
    /// How many looks at a finalized order say "processing".
    pub(crate) processing_looks: u32,
    pub(crate) replaces: Replaces,
    pub(crate) renewal_info: RenewalInfo,
    /// Profiles of the directory; the first is the default.
    pub(crate) profiles: Vec<&'static str>,
    /// Names that are refused with `rejectedIdentifier`.
    pub(crate) rejected: Vec<&'static str>,
    /// Whether a valid authorization counts for later orders.
    pub(crate) reuse: bool,
    /// Every so many signed requests one has its nonce refused; 0 for none.
    pub(crate) refused_nonce_every: usize,
    /// How many chains there are beside the first.
    pub(crate) alternates: usize,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            life: Duration::from_secs(90 * 86_400),
            validation: Validation::Believed,
            offers: vec![Offer::Http01, Offer::TlsAlpn01, Offer::Dns01],
            processing_looks: 0,
            replaces: Replaces::Echoed,
            renewal_info: RenewalInfo::default(),
            profiles: Vec::new(),
            rejected: Vec::new(),
            reuse: false,
            refused_nonce_every: 0,
            alternates: 0,
        }
    }
}

/// How names are validated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Validation {
    /// Every challenge is taken for met.
    Believed,
    /// Every challenge fails.
    Refused,
    /// http-01 and tls-alpn-01 at these addresses, whatever the name.
    Real { http: SocketAddr, https: SocketAddr },
}

/// A challenge that is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    Http01,
    TlsAlpn01,
    Dns01,
    /// A kind without a token.
    DnsPersist01,
    /// A kind nobody knows, with a shape of its own.
    Unheard,
}

impl Offer {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Http01 => "http-01",
            Self::TlsAlpn01 => "tls-alpn-01",
            Self::Dns01 => "dns-01",
            Self::DnsPersist01 => "dns-persist-01",
            Self::Unheard => "carrier-pigeon-07",
        }
    }
}

/// What becomes of `replaces` in a new order (RFC 9773 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replaces {
    /// Checked and repeated in the order, as the RFC demands.
    Echoed,
    /// Taken, but not repeated.
    Silent,
    /// 409 `alreadyReplaced`.
    AlreadyReplaced,
    /// 400 `malformed`.
    Malformed,
}

/// What renewal information looks like.
#[derive(Clone, Debug)]
pub(crate) struct RenewalInfo {
    /// Whether the directory names it.
    pub(crate) offered: bool,
    pub(crate) retry_after: Option<String>,
    pub(crate) explanation: Option<String>,
}

impl Default for RenewalInfo {
    fn default() -> Self {
        Self {
            offered: true,
            retry_after: Some("21600".to_owned()),
            explanation: None,
        }
    }
}
