//! Authorizations and their challenges.

use serde_json::{Value, json};

use super::{behaviour::Offer, order::Identifier, reply::Reply};

/// One name to be proved by one account.
#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    pub(crate) number: usize,
    pub(crate) account: usize,
    pub(crate) identifier: Identifier,
    pub(crate) status: &'static str,
    pub(crate) token: String,
    pub(crate) offers: Vec<Offer>,
    /// The challenge that was answered, with its error if it failed.
    pub(crate) answered: Option<(Offer, Option<String>)>,
}

impl Authorization {
    pub(crate) fn json(&self, base: &str) -> Value {
        let challenges: Vec<_> = self
            .offers
            .iter()
            .map(|offer| self.challenge(*offer, base))
            .collect();
        json!({
            "identifier": self.identifier.json(),
            "status": self.status,
            "expires": "2099-01-01T00:00:00Z",
            "challenges": challenges,
        })
    }

    /// One challenge as it is now.
    pub(crate) fn challenge(&self, offer: Offer, base: &str) -> Value {
        let mut shown = json!({
            "type": offer.word(),
            "url": format!("{base}/challenge/{}/{}", self.number, offer.word()),
            "status": "pending",
        });
        match offer {
            Offer::DnsPersist01 => shown["issuer-domain-names"] = json!(["ca.test"]),
            Offer::Unheard => {
                shown["pigeons"] = json!({"count": 2, "token": ["not", "a", "text"]});
            }
            _ => shown["token"] = json!(self.token),
        }
        let Some((answered, error)) = &self.answered else {
            return shown;
        };
        if *answered == offer {
            shown["status"] = json!(match self.status {
                "pending" => "processing",
                status => status,
            });
            if let Some(error) = error {
                let problem = Reply::problem(403, "unauthorized", error);
                shown["error"] = serde_json::from_str(&problem.body).unwrap();
            }
        }
        shown
    }
}
