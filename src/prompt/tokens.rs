//! A rough count of tokens, and texts cut to a budget of them.
//!
//! Which tokenizer a self-hosted model has is not known, and none is worth shipping: about 3.2 bytes
//! a token is on the safe side for code (models-and-prompts 2.3).

/// About how many tokens a text has; rather more than fewer.
pub fn estimate_tokens(text: &str) -> usize {
    text.len().saturating_mul(TOKENS).div_ceil(BYTES)
}

/// The longest end of a text within a number of tokens, cut between two characters.
pub fn keep_end(text: &str, tokens: usize) -> &str {
    let start = text.len().saturating_sub(bytes(tokens));
    let mut starts = start..=text.len();
    starts
        .find_map(|start| text.get(start..))
        .unwrap_or_default()
}

/// The longest beginning of a text within a number of tokens, cut between two characters.
pub fn keep_start(text: &str, tokens: usize) -> &str {
    let end = bytes(tokens).min(text.len());
    let mut ends = (0..=end).rev();
    ends.find_map(|end| text.get(..end)).unwrap_or_default()
}

fn bytes(tokens: usize) -> usize {
    tokens.saturating_mul(BYTES) / TOKENS
}

/// Tokens that a model's template puts around a message: its role and two or three marks, or the words that
/// stand in the place of what was cut out of it.
pub const AROUND_MESSAGE: usize = 16;

/// 16 bytes are five tokens: 3.2 bytes each without floating point.
const BYTES: usize = 16;

/// See [`BYTES`].
const TOKENS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_is_rounded_up_and_bounds_what_is_kept() {
        assert_eq!(estimate_tokens(""), 0);
        assert_eq!(estimate_tokens("a"), 1);
        assert_eq!(estimate_tokens(&"a".repeat(16)), 5);
        assert_eq!(estimate_tokens(&"a".repeat(17)), 6);
        for tokens in 0..20 {
            let text = "fn größe() -> usize { 日本語 }";
            assert!(estimate_tokens(keep_end(text, tokens)) <= tokens);
            assert!(estimate_tokens(keep_start(text, tokens)) <= tokens);
        }
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(keep_end("ab€", 1), "€");
        assert_eq!(keep_end("a€b", 1), "b");
        assert_eq!(keep_start("€ab", 1), "€");
        assert_eq!(keep_start("b€a", 1), "b");
        assert_eq!(keep_end("short", 100), "short");
        assert_eq!(keep_start("short", usize::MAX), "short");
        assert_eq!(keep_end("short", 0), "");
    }
}
