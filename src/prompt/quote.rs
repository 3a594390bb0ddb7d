//! Texts from outside inside messages, as the reference's clients are used to read them.

/// A list of words as Python prints it: `['1.0.0', '1.1.0']`.
pub(super) fn list(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    format!("[{}]", words.join(", "))
}

/// A text from outside on one line and of bounded length.
pub(super) fn shown(text: &str) -> String {
    let visible = |character: char| {
        if character.is_control() {
            '?'
        } else {
            character
        }
    };
    text.chars().map(visible).take(SHOWN_CHARACTERS).collect()
}

/// As long as an id or a version may be; whoever sends more knows what it was.
const SHOWN_CHARACTERS: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_look_as_python_prints_them_and_texts_are_bounded() {
        assert_eq!(list(&[]), "[]");
        assert_eq!(list(&["1.0.0".into(), "2.0".into()]), "['1.0.0', '2.0']");
        assert_eq!(shown("a\r\nb"), "a??b");
        assert_eq!(shown(&"ä".repeat(9000)).chars().count(), 255);
    }
}
