//! What a completion repeats of the code around the cursor.

/// A whole completion without what stands below the cursor already; empty if only white space is
/// left. `above` and `below` are the code around the cursor.
pub(super) fn trim_repeated<'t>(completion: &'t str, above: &str, below: &str) -> &'t str {
    let mut text = completion;
    let repeated = overlap_of_texts(text, below);
    let counted = text.get(text.len() - repeated..).unwrap_or_default();
    let written = counted
        .chars()
        .filter(|character| !character.is_whitespace());
    if written.count() >= SURE_REPETITION || closes_twice(text, above, below) {
        let cut = if counted.trim().is_empty() {
            rest_of_line(below).trim_end().len()
        } else {
            repeated
        };
        text = text
            .get(..text.len().saturating_sub(cut))
            .unwrap_or_default();
    }
    if text.trim().is_empty() { "" } else { text }
}

/// The longest end of one text that begins the other, in bytes.
fn overlap_of_texts(text: &str, below: &str) -> usize {
    let longest = text.len().min(below.len()).min(LONGEST_REPETITION);
    let lengths = (1..=longest).rev();
    let mut lengths = lengths.filter(|length| below.is_char_boundary(*length));
    lengths
        .find(|length| {
            below
                .get(..*length)
                .is_some_and(|start| text.ends_with(start))
        })
        .unwrap_or(0)
}

/// Whether a completion within a line ends with the rest of that line, and the brackets of the
/// line would then be closed once too often: `f(|)` and `x)`, but not `f(g(|)` and `x)`.
fn closes_twice(completion: &str, above: &str, below: &str) -> bool {
    let rest = rest_of_line(below).trim_end();
    if rest.is_empty() || completion.contains('\n') || !completion.ends_with(rest) {
        return false;
    }
    let line = above.rsplit('\n').next().unwrap_or_default();
    let brackets = |text: &str| -> i64 {
        text.chars()
            .map(|character| match character {
                '(' | '[' | '{' => 1,
                ')' | ']' | '}' => -1,
                _ => 0,
            })
            .sum()
    };
    brackets(line) + brackets(completion) + brackets(rest) < 0
}

fn rest_of_line(below: &str) -> &str {
    below.split('\n').next().unwrap_or_default()
}

/// Fewer equal characters may be chance: two closing braces below each other are no repetition.
const SURE_REPETITION: usize = 8;

/// A completion is no longer; it bounds the comparison.
const LONGEST_REPETITION: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_below_the_cursor_is_not_repeated() {
        for (completion, above, below, expected) in [
            ("x)", "f(", ")", "x"),
            ("x)", "f(g(", ")", "x)"),
            ("  x\n  }\n", "if a {\n if b {\n", "}\n", "  x\n  }\n"),
            ("a + b\n\nreturn total\n", "", "\nreturn total\n", "a + b\n"),
            ("  \n ", "", "x", ""),
            ("x", "", "", "x"),
            ("ä", "", "ä", "ä"),
        ] {
            assert_eq!(
                trim_repeated(completion, above, below),
                expected,
                "{completion:?}"
            );
        }
    }
}
