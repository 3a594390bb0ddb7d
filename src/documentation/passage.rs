//! A piece of the documentation as an answer holds it.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::{Map, Value};

/// One result of a search (http-api 2.8).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Passage {
    /// Small letters and digits: the chat names its sources by it and Rails finds nothing else in
    /// the answer of a model (models-and-prompts 4.5).
    pub id: String,
    /// Markdown.
    pub content: String,
    /// What the index tells of it: `title`, `source_url`, `filename` among others.
    pub metadata: Map<String, Value>,
}

impl Passage {
    /// Reads a row. The id is `filename` where that can be one, else it is made of both.
    pub(super) fn read(content: String, metadata: &str) -> Self {
        let metadata: Map<String, Value> = serde_json::from_str(metadata).unwrap_or_default();
        let filename = metadata.get("filename").and_then(Value::as_str);
        let id = match filename {
            Some(name) if is_identifier(name) => name.to_owned(),
            name => identifier(name.unwrap_or_default(), &content),
        };
        Self {
            id,
            content,
            metadata,
        }
    }

    /// Roughly how many tokens it has, as the reference reckons.
    fn tokens(&self) -> usize {
        self.content.split_whitespace().count() * 14 / 10
    }
}

/// What of some passages fits into the prompt of a model.
pub(super) fn fitting(passages: Vec<Passage>) -> Vec<Passage> {
    let mut sum = 0;
    let mut fitting = Vec::new();
    for passage in passages {
        sum += passage.tokens();
        if sum > MOST_TOKENS {
            break;
        }
        fitting.push(passage);
    }
    fitting
}

/// An id for a passage, the same each time.
pub(super) fn identifier(place: &str, content: &str) -> String {
    let whole = [place.as_bytes(), b"\0", content.as_bytes()].concat();
    let hash = digest(&SHA256, &whole);
    let short = hash.as_ref().get(..IDENTIFIER_BYTES).unwrap_or_default();
    HEXLOWER.encode(short)
}

fn is_identifier(name: &str) -> bool {
    let small = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !name.is_empty() && name.len() <= LONGEST_IDENTIFIER && name.bytes().all(small)
}

/// http-api 2.8
const MOST_TOKENS: usize = 8000;

/// No two of a million passages share so much of a hash.
const IDENTIFIER_BYTES: usize = 16;

/// Models repeat shorter ones without a slip.
const LONGEST_IDENTIFIER: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_rails_finds_again() {
        let passage = |metadata: &str| Passage::read("text".to_owned(), metadata);
        assert_eq!(passage(r#"{"filename":"a52b"}"#).id, "a52b");
        for metadata in [
            r#"{"filename":"user/project"}"#,
            r#"{"filename":7}"#,
            "{}",
            "[1]",
            "no JSON",
            "",
        ] {
            let id = passage(metadata).id;
            assert!(is_identifier(&id) && id.len() == 32, "{metadata}: {id}");
            assert_eq!(id, passage(metadata).id);
        }
    }

    #[test]
    fn passages_are_cut_where_the_next_would_be_too_much() {
        let passage = |words: usize| Passage::read("word ".repeat(words), "{}");
        let whole = vec![passage(3000), passage(2000), passage(1000), passage(1)];
        // 4200 + 2800 + 1400 is above 8000
        assert_eq!(fitting(whole).len(), 2);
        assert_eq!(fitting(vec![passage(9000)]), []);
    }
}
