//! Servers of OpenAI's kind: conversations, and the older completion of bare text.

use http::{HeaderMap, HeaderValue, header};
use reqwest::Url;

use super::{
    ModelRequest, Target,
    endpoint::below,
    exchange::Outgoing,
    identifier::Wire,
    openai_decode::{OpenAiPieces, decode},
    openai_encode,
    provider::{Authorizing, Provider, Refused, StreamDecoder},
    refusal::DecodeError,
    sse_pieces::SsePieces,
    told::Told,
};

/// Anything that speaks OpenAI's API: vLLM, Ollama, LiteLLM's proxy, OpenAI itself.
#[derive(Debug)]
pub(super) struct OpenAi;

impl Provider for OpenAi {
    fn url(&self, target: &Target, endpoint: &Url, _: bool) -> Url {
        let route = match target.identifier.wire {
            Wire::Text => "/completions",
            _ => "/chat/completions",
        };
        below(&base(endpoint, target.identifier.is_ollama), route)
    }

    fn body(&self, target: &Target, request: &ModelRequest, refused: &Refused) -> Vec<u8> {
        openai_encode::body(target, request, refused)
    }

    fn authorize<'a>(
        &'a self,
        outgoing: &'a Outgoing<'a>,
        headers: &'a mut HeaderMap,
    ) -> Authorizing<'a> {
        if let Some(key) = &outgoing.target.api_key {
            bearer(headers, key.expose());
        } else {
            let nobody = HeaderValue::from_static(NO_KEY);
            headers.entry(header::AUTHORIZATION).or_insert(nobody);
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn whole(&self, json: &[u8], told: &mut Told) -> Result<(), DecodeError> {
        decode(json, told)
    }

    fn stream(&self) -> Box<dyn StreamDecoder> {
        Box::new(SsePieces::new(OpenAiPieces::default()))
    }
}

/// The URL below which a server's routes lie. Accepted are the documented form, which ends in
/// `/v1`, and what people type instead: a bare host, a slash at the end, the whole path of a route
/// (models-and-prompts 10).
pub(super) fn base(endpoint: &Url, is_ollama: bool) -> Url {
    let typed = endpoint.path().trim_end_matches('/');
    let path = ROUTES
        .iter()
        .find_map(|route| typed.strip_suffix(route))
        .unwrap_or(typed);
    let path = match path {
        // every server of this kind that answers at its root answers below /v1 too
        "" => "/v1".to_owned(),
        path if is_ollama && !path.ends_with("/v1") => {
            format!("{}/v1", path.trim_end_matches("/api"))
        }
        path => path.to_owned(),
    };
    let mut base = endpoint.clone();
    base.set_path(&path);
    base
}

/// Adds a token, unless the operator's headers have one. Keys are known to fit in a header.
pub(super) fn bearer(headers: &mut HeaderMap, token: &str) {
    if let Ok(mut value) = HeaderValue::try_from(format!("Bearer {token}")) {
        value.set_sensitive(true);
        headers.entry(header::AUTHORIZATION).or_insert(value);
    }
}

/// Longest first, since one ends in the other.
const ROUTES: [&str; 2] = ["/chat/completions", "/completions"];

/// What the reference sends where there is no key (http-api 2.5).
const NO_KEY: &str = "Bearer dummy_key";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{endpoint::typed, family::Catalogue, identifier::Identifier};

    #[test]
    fn endpoints_lead_to_the_route_however_they_are_typed() {
        let catalogue = Catalogue::builtin();
        for (endpoint, identifier, expected) in [
            ("http://h:8000/v1", "m", "http://h:8000/v1/chat/completions"),
            (
                "http://h:8000/v1/",
                "m",
                "http://h:8000/v1/chat/completions",
            ),
            ("http://h:8000", "m", "http://h:8000/v1/chat/completions"),
            (
                "http://h:8000/",
                "text-completion-openai/m",
                "http://h:8000/v1/completions",
            ),
            (
                "https://h/v1/chat/completions",
                "m",
                "https://h/v1/chat/completions",
            ),
            (
                "https://h/v1/chat/completions/",
                "text-completion-openai/m",
                "https://h/v1/completions",
            ),
            (
                "https://h/llm/openai",
                "m",
                "https://h/llm/openai/chat/completions",
            ),
            (
                "https://h/v1?team=a",
                "m",
                "https://h/v1/chat/completions?team=a",
            ),
            (
                "http://h:11434",
                "ollama/m",
                "http://h:11434/v1/chat/completions",
            ),
            (
                "http://h:11434/api",
                "ollama_chat/m",
                "http://h:11434/v1/chat/completions",
            ),
            (
                "http://h:11434/v1",
                "ollama/m",
                "http://h:11434/v1/chat/completions",
            ),
        ] {
            let target = Target {
                identifier: Identifier::read(identifier, "general").unwrap(),
                ..Target::echo(&catalogue, "general")
            };
            let url = OpenAi.url(&target, &typed(endpoint).unwrap(), false);
            assert_eq!(url.as_str(), expected, "{endpoint}");
        }
    }
}
