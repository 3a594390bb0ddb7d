//! Texts that are cut to size.

/// At most so many bytes of a text, in whole characters.
pub fn beginning(text: &str, bytes: usize) -> &str {
    let mut ends = (0..=bytes.min(text.len())).rev();
    let end = ends.find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_stay_whole() {
        for (text, bytes, expected) in [
            ("", 3, ""),
            ("ab", 3, "ab"),
            ("abcd", 3, "abc"),
            ("üü", 3, "ü"),
            ("ü", 1, ""),
        ] {
            assert_eq!(beginning(text, bytes), expected);
        }
    }
}
