//! Anthropic's own API, and servers that speak like it (models-and-prompts 1.7).

use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Url;

use super::{
    ModelRequest, Target,
    anthropic_decode::{AnthropicPieces, decode},
    anthropic_encode::{self, Edition},
    exchange::Outgoing,
    home::Home,
    identifier::Identifier,
    provider::{Authorizing, Provider, Refused, StreamDecoder},
    refusal::DecodeError,
    sse_pieces::SsePieces,
    told::Told,
};
use crate::{config::Account, foundation::Secret};

/// Asks for messages.
#[derive(Debug)]
pub(super) struct Anthropic(Home);

impl Anthropic {
    /// With the operator's account for calls that bring no key or no endpoint.
    pub(super) fn new(account: &Account) -> Self {
        Self(Home::new(account, HOME))
    }
}

impl Provider for Anthropic {
    fn endpoint(&self, given: Option<Url>, _: &Identifier) -> Result<Url, String> {
        self.0.endpoint(given)
    }

    fn url(&self, _: &Target, endpoint: &Url, _: bool) -> Url {
        messages_below(endpoint, "")
    }

    fn body(&self, target: &Target, request: &ModelRequest, refused: &Refused) -> Vec<u8> {
        anthropic_encode::body(target, request, refused, Edition::Own)
    }

    fn authorize<'a>(
        &'a self,
        outgoing: &'a Outgoing<'a>,
        headers: &'a mut HeaderMap,
    ) -> Authorizing<'a> {
        add_version(headers);
        if let Some(key) = self.0.key(outgoing) {
            add_secret(headers, API_KEY, key);
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn whole(&self, json: &[u8], told: &mut Told) -> Result<(), DecodeError> {
        decode(json, told)
    }

    fn stream(&self) -> Box<dyn StreamDecoder> {
        Box::new(SsePieces::new(AnthropicPieces::default()))
    }
}

/// The URL of messages at an endpoint that may be typed with the route, with the version before it,
/// or without either, and with or without a folder that they lie in.
pub(super) fn messages_below(endpoint: &Url, folder: &str) -> Url {
    let typed = endpoint.path().trim_end_matches('/');
    let base = ENDINGS.iter().find_map(|ending| typed.strip_suffix(ending));
    let base = base.unwrap_or(typed);
    let base = base.strip_suffix(folder).unwrap_or(base);
    let mut url = endpoint.clone();
    url.set_path(&format!("{base}{folder}/v1/messages"));
    url
}

/// The version of the API, unless the operator's headers name one.
pub(super) fn add_version(headers: &mut HeaderMap) {
    let version = HeaderValue::from_static(VERSION);
    let name = HeaderName::from_static("anthropic-version");
    headers.entry(name).or_insert(version);
}

/// Adds a key under a name of its own, unless the operator's headers have one. Keys are known to fit in
/// a header.
pub(super) fn add_secret(headers: &mut HeaderMap, name: HeaderName, key: &Secret) {
    if let Ok(mut value) = HeaderValue::try_from(key.expose()) {
        value.set_sensitive(true);
        headers.entry(name).or_insert(value);
    }
}

/// Where keys stand.
pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Longest first, since they end in one another.
const ENDINGS: [&str; 4] = [
    "/v1/messages",
    "/v1/chat/completions",
    "/v1/complete",
    "/v1",
];

const HOME: &str = "https://api.anthropic.com";

/// The only one that there is.
const VERSION: &str = "2023-06-01";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::endpoint::typed;

    #[test]
    fn endpoints_lead_to_the_messages_however_they_are_typed() {
        for (endpoint, folder, expected) in [
            ("https://h", "", "https://h/v1/messages"),
            ("https://h/", "", "https://h/v1/messages"),
            ("https://h/v1", "", "https://h/v1/messages"),
            ("https://h/v1/", "", "https://h/v1/messages"),
            ("https://h/v1/messages?a=b", "", "https://h/v1/messages?a=b"),
            ("https://h/llm/v1", "", "https://h/llm/v1/messages"),
            ("https://h", "/anthropic", "https://h/anthropic/v1/messages"),
            (
                "https://h/anthropic/",
                "/anthropic",
                "https://h/anthropic/v1/messages",
            ),
            (
                "https://h/anthropic/v1",
                "/anthropic",
                "https://h/anthropic/v1/messages",
            ),
        ] {
            let url = messages_below(&typed(endpoint).unwrap(), folder);
            assert_eq!(url.as_str(), expected, "{endpoint}");
        }
    }
}
