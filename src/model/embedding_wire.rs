//! `POST .../embeddings` of servers of OpenAI's kind.

use std::sync::Arc;

use http::HeaderMap;
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    EmbeddingRequest, Event, ModelRequest, Target, Usage,
    endpoint::below,
    exchange::Outgoing,
    openai::base,
    provider::{Authorizing, Provider, Refused, RefusedCall, StreamDecoder},
    refusal::{DecodeError, Refusal},
    told::Told,
};

/// One call for vectors. It brings its texts, for a conversation has no place for them, and tells the
/// vectors as the text of an answer: JSON, ready for GitLab.
#[derive(Debug)]
pub(super) struct EmbeddingWire {
    /// Who knows how the server is told who asks.
    server: Arc<dyn Provider>,
    request: EmbeddingRequest,
}

impl EmbeddingWire {
    pub(super) fn new(server: Arc<dyn Provider>, request: EmbeddingRequest) -> Self {
        Self { server, request }
    }
}

impl Provider for EmbeddingWire {
    fn url(&self, target: &Target, endpoint: &Url, _: bool) -> Url {
        let mut endpoint = endpoint.clone();
        let typed = endpoint.path().trim_end_matches('/');
        if let Some(path) = typed.strip_suffix(ROUTE).map(ToOwned::to_owned) {
            endpoint.set_path(&path);
        }
        below(&base(&endpoint, target.identifier.is_ollama), ROUTE)
    }

    fn body(&self, target: &Target, _: &ModelRequest, refused: &Refused) -> Vec<u8> {
        let mut body = Map::new();
        let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
        set("model", target.identifier.model.clone().into());
        set("input", self.request.texts.clone().into());
        // some servers would choose base64
        set("encoding_format", "float".into());
        if let (Some(dimensions), false) = (self.request.dimensions, refused.has(DIMENSIONS)) {
            set(DIMENSIONS, dimensions.into());
        }
        Value::Object(body).to_string().into_bytes()
    }

    fn authorize<'a>(
        &'a self,
        outgoing: &'a Outgoing<'a>,
        headers: &'a mut HeaderMap,
    ) -> Authorizing<'a> {
        self.server.authorize(outgoing, headers)
    }

    fn whole(&self, json: &[u8], told: &mut Told) -> Result<(), DecodeError> {
        decode(json, self.request.texts.len(), told)
    }

    fn stream(&self) -> Box<dyn StreamDecoder> {
        // never asked for: vectors come whole
        self.server.stream()
    }

    fn refusal(&self, _: &RefusedCall<'_>, body: &[u8]) -> Refusal {
        let mut refusal = Refusal::read(body);
        let words = refusal.words.to_ascii_lowercase();
        let named = self.request.drop_unknown && UNKNOWN.iter().any(|word| words.contains(word));
        refusal.parameter = named.then_some(DIMENSIONS);
        refusal
    }
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    data: Option<Vec<Vector>>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Vector {
    embedding: Vec<f64>,
    #[serde(default)]
    index: Option<usize>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: Option<u64>,
}

/// One vector for each text, whatever order the server gives them in.
fn decode(json: &[u8], texts: usize, told: &mut Told) -> Result<(), DecodeError> {
    let malformed = |reason: String| DecodeError::Malformed(reason);
    let body: Body = serde_json::from_slice(json)
        // where it goes wrong, never what stands there
        .map_err(|error| malformed(format!("line {} column {}", error.line(), error.column())))?;
    if let Some(error) = body.error.filter(|error| !error.is_null()) {
        return Err(DecodeError::Told(Refusal::of(&error)));
    }
    let data = body.data.unwrap_or_default();
    if data.len() != texts {
        let reason = format!("{} vectors for {texts} texts", data.len());
        return Err(malformed(reason));
    }
    let mut vectors: Vec<Option<Vec<f64>>> = vec![None; texts];
    for (position, vector) in data.into_iter().enumerate() {
        match vectors.get_mut(vector.index.unwrap_or(position)) {
            Some(place @ None) if !vector.embedding.is_empty() => *place = Some(vector.embedding),
            _ => {
                return Err(malformed(
                    "a vector is empty, twice there or of no text".to_owned(),
                ));
            }
        }
    }
    let predictions = vectors.into_iter().enumerate();
    let predictions: Vec<Value> = predictions
        .map(|(index, embedding)| json!({"embedding": embedding, "index": index}))
        .collect();
    told.say(Value::Array(predictions).to_string());
    if let Some(input_tokens) = body.usage.and_then(|usage| usage.prompt_tokens) {
        told.events.push_back(Event::Usage(Usage {
            input_tokens,
            output_tokens: 0,
        }));
    }
    told.is_finished = true;
    Ok(())
}

const ROUTE: &str = "/embeddings";

const DIMENSIONS: &str = "dimensions";

/// How servers say that a model has vectors of one length: OpenAI, vLLM and others, llama.cpp.
const UNKNOWN: [&str; 2] = [DIMENSIONS, "matryoshka"];

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(body: &str, texts: usize) -> Result<String, DecodeError> {
        let mut told = Told::default();
        decode(body.as_bytes(), texts, &mut told)?;
        match told.events.pop_front() {
            Some(Event::Text(text)) => Ok(text),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn vectors_are_put_in_the_order_of_their_texts() {
        let body = r#"{"data":[{"embedding":[0.5,-1e-3],"index":1},{"embedding":[1],"index":0}],
            "usage":{"prompt_tokens":7,"total_tokens":7},"model":"m"}"#;
        assert_eq!(
            decoded(body, 2).unwrap(),
            r#"[{"embedding":[1.0],"index":0},{"embedding":[0.5,-0.001],"index":1}]"#
        );
        assert!(decoded(r#"{"data":[{"embedding":[1]}]}"#, 1).is_ok());
    }

    #[test]
    fn what_is_no_list_of_vectors_is_none() {
        for body in [
            "{}",
            "[]",
            "nothing",
            r#"{"data":[]}"#,
            r#"{"data":[{"embedding":[]}]}"#,
            r#"{"data":[{"embedding":["a"]}]}"#,
            r#"{"data":[{"embedding":"AAAA"}]}"#,
            r#"{"data":[{"embedding":[1],"index":1}]}"#,
            r#"{"data":[{"embedding":[1]},{"embedding":[1]}]}"#,
        ] {
            let error = decoded(body, 1).unwrap_err();
            assert!(matches!(error, DecodeError::Malformed(_)), "{body}");
        }
        let told = decoded(r#"{"error":{"message":"no","code":404}}"#, 1).unwrap_err();
        assert!(matches!(told, DecodeError::Told(_)));
        let twice = r#"{"data":[{"embedding":[1],"index":0},{"embedding":[1],"index":0}]}"#;
        assert!(decoded(twice, 2).is_err());
    }
}
