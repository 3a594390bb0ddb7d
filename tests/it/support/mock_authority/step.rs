//! What a request asks for.

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Directory,
    NewNonce,
    NewAccount,
    Account,
    NewOrder,
    Order,
    Authorization,
    Challenge,
    Finalize,
    Certificate,
    RenewalInfo,
}

/// A kind of request and what it is about.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) step: Step,
    /// The number of the order, the authorization and so on.
    pub(crate) number: usize,
    /// The kind of challenge, the number of the alternate chain, or the certificate's identifier.
    pub(crate) detail: String,
}

impl Asked {
    /// What a path asks for; none if there is no such path.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let words: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (step, number, detail) = match words.as_slice() {
            ["directory"] => (Step::Directory, "0", ""),
            ["new-nonce"] => (Step::NewNonce, "0", ""),
            ["new-account"] => (Step::NewAccount, "0", ""),
            ["new-order"] => (Step::NewOrder, "0", ""),
            ["renewal-info", identifier] => (Step::RenewalInfo, "0", *identifier),
            ["account", number] => (Step::Account, *number, ""),
            ["order", number] => (Step::Order, *number, ""),
            ["order", number, "finalize"] => (Step::Finalize, *number, ""),
            ["authorization", number] => (Step::Authorization, *number, ""),
            ["challenge", number, kind] => (Step::Challenge, *number, *kind),
            ["certificate", number, chain] => (Step::Certificate, *number, *chain),
            _ => return None,
        };
        Some(Self {
            step,
            number: number.parse().ok()?,
            detail: detail.to_owned(),
        })
    }
}
