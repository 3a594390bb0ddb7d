//! What an order must keep to, and which authorizations it gets.

use serde_json::json;

use super::{
    account::PublicKey,
    authorization::Authorization,
    behaviour::Replaces,
    ledger::Ledger,
    order::{Identifier, Order},
    reply::Reply,
};

impl Ledger {
    /// The number of the account with this key; a new one if there is none.
    pub(crate) fn account_of(&self, key: &PublicKey) -> usize {
        let place = self.accounts.iter().position(|account| account.key == *key);
        place.unwrap_or(self.accounts.len())
    }

    pub(crate) fn account_at(&self, base: &str, url: &str) -> Option<(usize, PublicKey)> {
        let number = url.strip_prefix(base)?.strip_prefix("/account/")?;
        let number: usize = number.parse().ok()?;
        let account = self.accounts.get(number).filter(|account| account.known)?;
        Some((number, account.key.clone()))
    }

    pub(crate) fn order(&self, account: usize, number: usize) -> Option<Order> {
        let order = self.orders.get(number)?;
        (order.account == account).then(|| order.clone())
    }

    pub(crate) fn refusal_of_names(&self, identifiers: &[Identifier]) -> Option<Reply> {
        let rejected = |identifier: &&Identifier| {
            let names = &self.behaviour.rejected;
            names.contains(&identifier.text().as_str())
        };
        let bad = identifiers.iter().find(rejected)?;
        let kind = "urn:ietf:params:acme:error:rejectedIdentifier";
        let problem = json!({
            "type": kind,
            "detail": "Cannot issue for some of the names",
            "status": 400,
            "subproblems": [{
                "type": kind, "detail": "forbidden by policy", "identifier": bad.json(),
            }],
        });
        let text = problem.to_string();
        Some(Reply::text(400, "application/problem+json", text))
    }

    /// RFC 9773 5.
    pub(crate) fn refusal_to_replace(
        &mut self,
        replaces: Option<&str>,
        identifiers: &[Identifier],
    ) -> Option<Reply> {
        let replaces = replaces?;
        let already = || Reply::problem(409, "alreadyReplaced", "it has a successor already");
        match self.behaviour.replaces {
            Replaces::AlreadyReplaced => return Some(already()),
            Replaces::Malformed => {
                return Some(Reply::problem(400, "malformed", "replaces: not understood"));
            }
            Replaces::Echoed | Replaces::Silent => {}
        }
        let issued = self
            .certificates
            .iter()
            .position(|issued| issued.identifier == replaces);
        let Some(place) = issued else {
            self.blame(format!("replaces {replaces}, which was never issued"));
            return Some(Reply::problem(404, "malformed", "no such certificate"));
        };
        if self.certificates[place].replaced {
            return Some(already());
        }
        let former = self
            .orders
            .iter()
            .find(|order| order.certificate == Some(place));
        let shared = former.is_some_and(|order| {
            let mut names = order.identifiers.iter();
            names.any(|name| identifiers.contains(name))
        });
        if !shared {
            self.blame(format!("replaces {replaces}, which has other names"));
            return Some(Reply::problem(403, "malformed", "no name in common"));
        }
        None
    }

    /// The number of a valid one where they are used again, else of a new one.
    pub(crate) fn authorization(&mut self, account: usize, identifier: &Identifier) -> usize {
        let usable = |known: &&Authorization| {
            known.account == account && known.identifier == *identifier && known.status == "valid"
        };
        if self.behaviour.reuse
            && let Some(known) = self.authorizations.iter().find(usable)
        {
            return known.number;
        }
        let number = self.authorizations.len();
        self.authorizations.push(Authorization {
            number,
            account,
            identifier: identifier.clone(),
            status: "pending",
            // 128 bits of anything: nobody guesses at a mock
            token: format!("mock-token-{number}-0123456789abcdef"),
            offers: self.behaviour.offers.clone(),
            answered: None,
        });
        number
    }
}
