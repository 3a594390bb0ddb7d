//! What servers say in the place of an answer.

use http::StatusCode;
use serde_json::Value;

/// Why an answer is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DecodeError {
    /// It is none of this wire, or holds nothing that an answer holds.
    Malformed(String),
    /// A piece of it is larger than any.
    TooLarge(String),
    /// The server tells an error in it; its words are for the log.
    Told(Refusal),
}

impl DecodeError {
    /// What is no JSON, or other JSON than expected. What serde says may repeat what the model said,
    /// so only the place is told.
    pub(super) fn of_json(error: &serde_json::Error) -> Self {
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        Self::Malformed(format!(
            "no answer in JSON ({kind:?}, line {line}, column {column})"
        ))
    }
}

/// What a server says in the place of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The status that it names within its words.
    pub(super) status: Option<StatusCode>,
    /// Its message; of it a few words go to the log, once they are free of secrets.
    pub(super) words: String,
    /// Whether the prompt is longer than the model's window.
    pub(super) is_too_long: bool,
    /// The parameter of ours that it does not take.
    pub(super) parameter: Option<&'static str>,
}

impl Refusal {
    /// Reads a refusal's body: the message where there is one, never the rest, which may repeat
    /// the prompt.
    pub(super) fn read(body: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return Self {
                words: "its body is no JSON".to_owned(),
                ..Self::default()
            };
        };
        Self::of(body.get("error").unwrap_or(&body))
    }

    /// Reads what stands in the place of an error.
    pub(super) fn of(error: &Value) -> Self {
        let member = |name: &str| error.get(name).filter(|value| !value.is_null());
        let message = ["message", "detail", "msg"].into_iter().find_map(member);
        let text = message.unwrap_or(error).as_str().unwrap_or_default();
        let code = member("code").or_else(|| member("status_code"));
        let number = code.and_then(|code| match code {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64().and_then(|code| u16::try_from(code).ok()),
        });
        let status = number.and_then(|code| StatusCode::from_u16(code).ok());
        let lower = text.to_ascii_lowercase();
        let named = |word: &str| code.and_then(Value::as_str) == Some(word);
        let param = member("param").and_then(Value::as_str);
        let param = param
            .or_else(|| place(member("detail")?))
            .unwrap_or_default();
        let parameter = PARAMETERS
            .into_iter()
            .find(|name| *name == param || names(&lower, name));
        Self {
            status: status.filter(|status| status.as_u16() >= 400),
            words: text.to_owned(),
            is_too_long: named("context_length_exceeded")
                || TOO_LONG.iter().any(|words| lower.contains(words)),
            parameter,
        }
    }
}

/// The last word of `detail[0].loc`: FastAPI names the parameter there, `["body", "temperature"]`.
fn place(detail: &Value) -> Option<&str> {
    detail.get(0)?.get("loc")?.as_array()?.last()?.as_str()
}

/// Whether a text speaks of a parameter: `max_tokens` is not meant by `max_tokens_to_sample`.
fn names(text: &str, parameter: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(parameter).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + parameter.len()..);
        let after = after.and_then(|text| text.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// Parameters that some models refuse and that can be left out or named otherwise
/// (models-and-prompts 1.9).
const PARAMETERS: [&str; 4] = ["max_tokens", "temperature", "stop", "stream_options"];

/// How servers say that a prompt is longer than the model's window: OpenAI and vLLM, Anthropic,
/// llama.cpp, text-generation-inference, SGLang.
const TOO_LONG: [&str; 5] = [
    "maximum context length",
    "prompt is too long",
    "exceeds the available context",
    "`max_new_tokens` must be <=",
    "longer than the model's context",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_give_their_message_and_nothing_else() {
        let words = |body: &str| Refusal::read(body.as_bytes()).words;
        assert_eq!(words("<html>"), "its body is no JSON");
        assert_eq!(words(r#"{"detail":"no\nkey"}"#), "no\nkey");
        assert_eq!(words(r#"{"error":{"message":"m"},"prompt":"secret"}"#), "m");
        assert_eq!(words(r#"{"detail":[{"input":"secret"}]}"#), "");
    }

    #[test]
    fn refusals_say_what_can_be_done_otherwise() {
        for (message, parameter, is_too_long) in [
            (
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                Some("max_tokens"),
                false,
            ),
            (
                "Unsupported value: 'temperature' does not support 0.0 with this model.",
                Some("temperature"),
                false,
            ),
            ("`stop` is not supported", Some("stop"), false),
            (
                "This model's maximum context length is 8192 tokens. However, you requested 9000.",
                None,
                true,
            ),
            ("max_tokens_to_sample: unknown; nonstop", None, false),
            ("the request exceeds the available context size", None, true),
        ] {
            let body = serde_json::json!({"error": {"message": message}}).to_string();
            let refusal = Refusal::read(body.as_bytes());
            assert_eq!(
                (refusal.parameter, refusal.is_too_long),
                (parameter, is_too_long),
                "{message}"
            );
        }
        let named = Refusal::read(br#"{"error":{"message":"no","param":"temperature"}}"#);
        assert_eq!(named.parameter, Some("temperature"));
        let body = br#"{"detail":[{"type":"extra","loc":["body","stop"],"msg":"Extra inputs"}]}"#;
        assert_eq!(Refusal::read(body).parameter, Some("stop"));
    }
}
