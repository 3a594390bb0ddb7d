//! Texts of failures, before a client or a log reads them.

use serde_json::Value;

use crate::foundation::beginning;

/// Takes out of a text what differs from time to time, or is somebody's content
/// (agent-platform 3.12), and bounds it.
pub(super) fn clean(text: &str) -> String {
    let text = without_lists(text);
    let text = inner_message(&text).unwrap_or(text);
    let text = without_limit(text);
    beginning(&without_counts(&text), LONGEST).to_owned()
}

/// GraphQL repeats in its errors what it was asked.
fn without_lists(text: &str) -> String {
    match text.find(GRAPHQL) {
        Some(place) => text.get(..place + GRAPHQL.len()).unwrap_or(text).to_owned(),
        None => text.to_owned(),
    }
}

/// The message inside a provider's error in JSON, behind what stands in front of it.
fn inner_message(text: &str) -> Option<String> {
    let place = text.find('{')?;
    let (front, json) = text.split_at_checked(place)?;
    // what follows the object is no part of it
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<Value>();
    let value = values.next()?.ok()?;
    let inner = value.get("error").unwrap_or(&value);
    let message = inner.get("message").unwrap_or(inner).as_str()?;
    Some(format!("{front}{message}"))
}

/// What follows says how large.
fn without_limit(text: String) -> String {
    match text.split_once(LIMIT) {
        Some((front, _)) => format!("{front}{LIMIT} too large"),
        None => text,
    }
}

/// `1234 tokens` becomes `<N> tokens`.
fn without_counts(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find(TOKENS) {
        let (front, back) = rest.split_at(place);
        let kept = front.trim_end_matches(|letter: char| letter.is_ascii_digit());
        clean.push_str(kept);
        if kept.len() < front.len() {
            clean.push_str("<N>");
        }
        let (tokens, back) = back.split_at(TOKENS.len());
        clean.push_str(tokens);
        rest = back;
    }
    clean.push_str(rest);
    clean
}

const GRAPHQL: &str = "GraphQL errors";
const LIMIT: &str = "max_tokens:";
const TOKENS: &str = " tokens";

/// C core takes 8 KiB of metadata with a status, and percent-encoding triples a text that is not
/// ASCII; what stands in front of the text needs room too.
const LONGEST: usize = 900;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_taken_out() {
        for (text, cleaned) in [
            ("plain", "plain"),
            (
                "prompt has 9001 tokens of 4096 tokens",
                "prompt has <N> tokens of <N> tokens",
            ),
            ("no tokens", "no tokens"),
            ("max_tokens: 99999 > 4096", "max_tokens: too large"),
            (
                r#"HTTP 400: {"error": {"message": "no such model", "type": "x"}} and more"#,
                "HTTP 400: no such model",
            ),
            (r#"{"message": "short"}"#, "short"),
            ("{not json}", "{not json}"),
            (
                r#"GraphQL errors: [{"message": "secret goal"}]"#,
                "GraphQL errors",
            ),
            ("ü 12 tokens ü", "ü <N> tokens ü"),
        ] {
            assert_eq!(clean(text), cleaned);
        }
        let long = clean(&"ü".repeat(1000));
        assert!(long.len() <= LONGEST && long.chars().all(|letter| letter == 'ü'));
    }
}
