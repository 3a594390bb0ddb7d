//! Answers that are known whole.

use http::{HeaderValue, Response, header};
use serde::Serialize;

use super::{code_file::CodeFile, completing::ContextTokens};
use crate::http::{ResponseBody, full_body};

/// 200 with compact JSON.
pub(super) fn json(value: &impl Serialize) -> Response<ResponseBody> {
    let body = serde_json::to_vec(value).unwrap_or_default();
    bytes(body, "application/json")
}

/// 200 with a body of a content type.
pub(super) fn bytes(
    body: impl Into<bytes::Bytes>,
    content_type: &'static str,
) -> Response<ResponseBody> {
    let mut response = Response::new(full_body(body));
    let kind = HeaderValue::from_static(content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Code for an editor, ready for an answer.
#[derive(Debug)]
pub(super) struct Suggestion {
    /// Cleaned; may be empty.
    pub(super) text: String,
    /// Epoch seconds.
    pub(super) created: u64,
    /// As the server counts them, else estimated.
    pub(super) input_tokens: u64,
    /// As the server counts them, else estimated.
    pub(super) output_tokens: u64,
    /// Whether the model had to stop at its bound.
    pub(super) is_cut: bool,
    /// What became of the context.
    pub(super) context: ContextTokens,
}

impl Suggestion {
    /// One choice, or none for an empty text (http-api 2.1).
    pub(super) fn choices(&self) -> Vec<Choice<'_>> {
        let choice = Choice {
            text: &self.text,
            index: 0,
            finish_reason: "length",
        };
        let choice = (!self.text.is_empty()).then_some(choice);
        choice.into_iter().collect()
    }

    /// Puts generated code on a line of its own, where the cursor stands behind something
    /// (http-api 2.2).
    pub(super) fn begin_line(&mut self, file: &CodeFile<'_>) {
        let is_there = self.text.starts_with('\n') || file.above.ends_with('\n');
        if !self.text.is_empty() && !is_there && !file.above.is_empty() {
            self.text.insert(0, '\n');
        }
    }

    /// `tokens_consumption_metadata`
    pub(super) fn tokens(&self) -> TokenCounts {
        TokenCounts {
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            max_output_tokens_used: self.is_cut,
            context_tokens_sent: self.context.given,
            context_tokens_used: self.context.used,
        }
    }
}

/// One of `choices`.
#[derive(Debug, Serialize)]
pub(super) struct Choice<'a> {
    text: &'a str,
    index: u32,
    finish_reason: &'static str,
}

/// What a completion took (http-api 2.1).
#[derive(Debug, Serialize)]
pub(super) struct TokenCounts {
    input_tokens: u64,
    output_tokens: u64,
    max_output_tokens_used: bool,
    context_tokens_sent: usize,
    context_tokens_used: usize,
}

/// What the reference says where it does not know better.
pub(super) const REGION: &str = "us-central1";
