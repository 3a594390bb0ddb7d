//! Gemini by Google's own API for developers, with a key (models-and-prompts 1.6).

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use super::{
    ModelError, ModelRequest, Target,
    cloud::GoogleAccount,
    endpoint::{below, typed},
    error::ErrorKind,
    exchange::Outgoing,
    gemini_decode::{GeminiPieces, refusal},
    gemini_encode,
    identifier::Identifier,
    provider::{Authorizing, Provider, Refused, RefusedCall, StreamDecoder},
    refusal::{DecodeError, Refusal},
    sse_pieces::SsePieces,
    target::place_of,
    told::Told,
};

/// Models that a key of the request's or the operator's opens.
#[derive(Debug)]
pub(super) struct Gemini(Arc<GoogleAccount>);

impl Gemini {
    /// With the operator's account.
    pub(super) fn new(account: Arc<GoogleAccount>) -> Self {
        Self(account)
    }
}

impl Provider for Gemini {
    /// Google's own, where nothing was typed.
    fn endpoint(&self, typed_in: Option<Url>, _: &Identifier) -> Result<Url, String> {
        typed_in.map_or_else(|| typed(GOOGLE), Ok)
    }

    fn url(&self, target: &Target, endpoint: &Url, stream: bool) -> Url {
        let path = endpoint.path().trim_end_matches('/');
        // the same host speaks OpenAI's API below
        let path = path.trim_end_matches("/openai").trim_end_matches("/models");
        let path = if path.is_empty() { "/v1beta" } else { path }.to_owned();
        let mut base = endpoint.clone();
        base.set_path(&path);
        // one segment, whatever somebody typed
        let model = utf8_percent_encode(&target.identifier.model, SEGMENT);
        method(&base, &format!("/models/{model}"), stream)
    }

    fn body(&self, target: &Target, request: &ModelRequest, refused: &Refused) -> Vec<u8> {
        gemini_encode::body(target, request, refused)
    }

    fn authorize<'a>(
        &'a self,
        outgoing: &'a Outgoing<'a>,
        headers: &'a mut HeaderMap,
    ) -> Authorizing<'a> {
        // the operator's key is for Google alone, not for whoever a request names
        let is_google = outgoing.url.scheme() == "https" && outgoing.url.domain() == Some(HOST);
        let is_meant = is_google || outgoing.target.is_trusted;
        let operators = self.0.settings().gemini_key.as_ref().filter(|_| is_meant);
        let key = outgoing.target.api_key.as_ref().or(operators);
        let key = key.and_then(|key| HeaderValue::from_str(key.expose()).ok());
        let authorized = match key {
            Some(mut key) => {
                key.set_sensitive(true);
                headers.entry(KEY).or_insert(key);
                Ok(())
            }
            None if headers.contains_key(KEY) => Ok(()),
            None => {
                let place = place_of(outgoing.url);
                Err(ModelError::new(ErrorKind::Credentials(NO_KEY), place, ""))
            }
        };
        Box::pin(std::future::ready(authorized))
    }

    fn whole(&self, json: &[u8], told: &mut Told) -> Result<(), DecodeError> {
        GeminiPieces::whole(json, told)
    }

    fn stream(&self) -> Box<dyn StreamDecoder> {
        Box::new(SsePieces::new(GeminiPieces::default()))
    }

    fn refusal(&self, _: &RefusedCall<'_>, body: &[u8]) -> Refusal {
        refusal(body)
    }
}

/// The URL of a model's method, whole or as server-sent events.
pub(super) fn method(base: &Url, model: &str, stream: bool) -> Url {
    if !stream {
        return below(base, &format!("{model}:generateContent"));
    }
    let mut url = below(base, &format!("{model}:streamGenerateContent"));
    url.query_pairs_mut().append_pair("alt", "sse");
    url
}

/// What a model's name is written with in a path.
pub(super) const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@');

const NO_KEY: &str = "there is no key for Gemini; enter one as the API key of the model in GitLab";

const KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

const HOST: &str = "generativelanguage.googleapis.com";
const GOOGLE: &str = "https://generativelanguage.googleapis.com/v1beta";
