//! Mistral's own way to fill in the middle of code (models-and-prompts 1.6).

use http::HeaderMap;
use reqwest::Url;
use serde::Serialize;

use super::{
    Message, ModelRequest, Target,
    exchange::Outgoing,
    home::Home,
    identifier::Identifier,
    openai::{OpenAi, bearer},
    provider::{Authorizing, Provider, Refused, StreamDecoder},
    refusal::DecodeError,
    told::Told,
    vendor::CODESTRAL,
};
use crate::config::Account;

/// Asks Codestral with the code above and the code below apart. What it answers is OpenAI's.
#[derive(Debug)]
pub(super) struct Fim(Home);

impl Fim {
    /// With the operator's account.
    pub(super) fn new(account: &Account) -> Self {
        Self(Home::new(account, CODESTRAL))
    }
}

impl Provider for Fim {
    fn endpoint(&self, given: Option<Url>, _: &Identifier) -> Result<Url, String> {
        self.0.endpoint(given)
    }

    fn url(&self, _: &Target, endpoint: &Url, _: bool) -> Url {
        let typed = endpoint.path().trim_end_matches('/');
        let path = match typed {
            "" => format!("/v1{ROUTE}"),
            base if base.ends_with("/v1") => format!("{base}{ROUTE}"),
            // asked as it stands, so that it may lie anywhere
            whole => whole.to_owned(),
        };
        let mut url = endpoint.clone();
        url.set_path(&path);
        url
    }

    fn body(&self, target: &Target, request: &ModelRequest, refused: &Refused) -> Vec<u8> {
        let texts: Vec<&str> = request.messages.iter().map(Message::text).collect();
        let layout = texts.join("\n\n");
        let (prompt, suffix) = apart(&layout);
        let temperature = request.temperature.or(target.family.temperature);
        let body = Body {
            model: &target.identifier.model,
            prompt,
            suffix,
            max_tokens: request.max_tokens.or(target.family.max_tokens),
            temperature: temperature.filter(|_| !refused.has("temperature")),
            // those of the layout's marks mean nothing where there is no layout
            stop: if refused.has("stop") {
                Vec::new()
            } else {
                request.stop.iter().filter(|word| !is_mark(word)).collect()
            },
            stream: request.stream,
        };
        serde_json::to_vec(&body).expect("strings and numbers are written to memory")
    }

    fn authorize<'a>(
        &'a self,
        outgoing: &'a Outgoing<'a>,
        headers: &'a mut HeaderMap,
    ) -> Authorizing<'a> {
        if let Some(key) = self.0.key(outgoing) {
            bearer(headers, key.expose());
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn whole(&self, json: &[u8], told: &mut Told) -> Result<(), DecodeError> {
        OpenAi.whole(json, told)
    }

    fn stream(&self) -> Box<dyn StreamDecoder> {
        OpenAi.stream()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    suffix: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop: Vec<&'a String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

/// The code above and the code below, taken out of the layout that bare text has for this model
/// (models-and-prompts 2.2); other text is code above.
fn apart(layout: &str) -> (&str, Option<&str>) {
    let rest = layout.strip_prefix("<s>").unwrap_or(layout);
    let parts = rest
        .strip_prefix(BELOW)
        .and_then(|rest| rest.split_once(ABOVE));
    match parts {
        Some((below, above)) => (above, Some(below)),
        None => (layout, None),
    }
}

fn is_mark(word: &str) -> bool {
    word.starts_with('[') && word.ends_with(']')
}

const ROUTE: &str = "/fim/completions";
const ABOVE: &str = "[PREFIX]";
const BELOW: &str = "[SUFFIX]";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::family::Catalogue;

    #[test]
    fn endpoints_are_asked_as_they_stand_where_they_name_a_route() {
        let target = Target::echo(&Catalogue::builtin(), "codestral");
        let fim = Fim::new(&Account::default());
        for (endpoint, expected) in [
            ("https://h", "https://h/v1/fim/completions"),
            ("https://h/v1/", "https://h/v1/fim/completions"),
            (
                "https://h/v1/fim/completions",
                "https://h/v1/fim/completions",
            ),
            ("https://h/team/fill?a=b", "https://h/team/fill?a=b"),
        ] {
            let url = fim.url(&target, &Url::parse(endpoint).unwrap(), false);
            assert_eq!(url.as_str(), expected);
        }
    }

    #[test]
    fn the_layout_is_taken_apart() {
        let target = Target::echo(&Catalogue::builtin(), "codestral");
        let fim = Fim::new(&Account::default());
        let body = |text: &str| {
            let request = ModelRequest {
                messages: vec![Message::User(text.to_owned())],
                max_tokens: Some(64),
                stop: ["[PREFIX]", "\n\n"].map(ToOwned::to_owned).to_vec(),
                stream: true,
                ..ModelRequest::default()
            };
            let body = fim.body(&target, &request, &Refused::default());
            String::from_utf8(body).unwrap()
        };
        let rest = r#""max_tokens":64,"temperature":0.0,"stop":["\n\n"],"stream":true}"#;
        assert_eq!(
            body("[SUFFIX]below[PREFIX]above [PREFIX]"),
            format!(r#"{{"model":"echo","prompt":"above [PREFIX]","suffix":"below",{rest}"#)
        );
        assert_eq!(
            body("above"),
            format!(r#"{{"model":"echo","prompt":"above",{rest}"#)
        );
    }
}
