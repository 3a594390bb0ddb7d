//! Vendors whose servers are of OpenAI's kind, with the operator's account at each.

use http::HeaderMap;
use reqwest::Url;

use super::{
    ModelRequest, Target,
    exchange::Outgoing,
    home::Home,
    identifier::Identifier,
    openai::{OpenAi, bearer},
    provider::{Authorizing, Provider, Refused, StreamDecoder},
    refusal::DecodeError,
    told::Told,
};
use crate::config::Account;

/// OpenAI itself, or Mistral.
#[derive(Debug)]
pub(super) struct Vendor(Home);

impl Vendor {
    /// The vendor at a URL.
    pub(super) fn new(account: &Account, url: &'static str) -> Self {
        Self(Home::new(account, url))
    }
}

impl Provider for Vendor {
    fn endpoint(&self, given: Option<Url>, _: &Identifier) -> Result<Url, String> {
        self.0.endpoint(given)
    }

    fn url(&self, target: &Target, endpoint: &Url, stream: bool) -> Url {
        OpenAi.url(target, endpoint, stream)
    }

    fn body(&self, target: &Target, request: &ModelRequest, refused: &Refused) -> Vec<u8> {
        OpenAi.body(target, request, refused)
    }

    fn authorize<'a>(
        &'a self,
        outgoing: &'a Outgoing<'a>,
        headers: &'a mut HeaderMap,
    ) -> Authorizing<'a> {
        if let Some(key) = self.0.key(outgoing) {
            bearer(headers, key.expose());
        }
        // adds the word for nobody where there is no key
        OpenAi.authorize(outgoing, headers)
    }

    fn whole(&self, json: &[u8], told: &mut Told) -> Result<(), DecodeError> {
        OpenAi.whole(json, told)
    }

    fn stream(&self) -> Box<dyn StreamDecoder> {
        OpenAi.stream()
    }
}

pub(super) const OPENAI: &str = "https://api.openai.com/v1";
pub(super) const MISTRAL: &str = "https://api.mistral.ai/v1";
pub(super) const CODESTRAL: &str = "https://codestral.mistral.ai/v1";
