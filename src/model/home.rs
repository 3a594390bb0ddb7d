//! Where a vendor's own servers are, and the operator's key for them.

use reqwest::Url;

use super::{endpoint::typed, exchange::Outgoing};
use crate::{config::Account, foundation::Secret};

/// A vendor, as far as calls need its account.
#[derive(Debug)]
pub(super) struct Home {
    account: Account,
    url: &'static str,
}

impl Home {
    /// The account, and the vendor's URL where the operator names no other.
    pub(super) fn new(account: &Account, url: &'static str) -> Self {
        Self {
            account: account.clone(),
            url,
        }
    }

    /// What was typed, else the vendor's.
    pub(super) fn endpoint(&self, given: Option<Url>) -> Result<Url, String> {
        given.map_or_else(|| typed(self.base()), Ok)
    }

    /// The key of a call: its own, else the operator's where that is meant to go. A request may
    /// name any host, and whoever runs it would read the key.
    pub(super) fn key<'a>(&'a self, outgoing: &'a Outgoing<'_>) -> Option<&'a Secret> {
        self.key_if(outgoing, self.is_meant(outgoing))
    }

    /// The same where somebody else knows whether the operator's is meant to go there.
    pub(super) fn key_if<'a>(
        &'a self,
        outgoing: &'a Outgoing<'_>,
        is_meant: bool,
    ) -> Option<&'a Secret> {
        let own = outgoing.target.api_key.as_ref();
        own.or_else(|| self.account.key.as_ref().filter(|_| is_meant))
    }

    /// Whether the operator names the host of a call, or it is the vendor's.
    pub(super) fn is_meant(&self, outgoing: &Outgoing<'_>) -> bool {
        let is_home = typed(self.base()).is_ok_and(|base| base.origin() == outgoing.url.origin());
        is_home || outgoing.target.is_trusted
    }

    fn base(&self) -> &str {
        self.account.base.as_deref().unwrap_or(self.url)
    }
}
