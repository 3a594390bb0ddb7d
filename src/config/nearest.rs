//! What somebody probably meant.

/// The candidate most like a word, if one is like it at all and no other as much.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_lowercase();
    let mut alike: Vec<_> = candidates
        .into_iter()
        .map(|candidate| (likeness(&word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= ENOUGH)
        .collect();
    alike.sort_by(|left, right| right.0.total_cmp(&left.0));
    match alike.as_slice() {
        [first, second, ..] if first.0.total_cmp(&second.0).is_eq() => None,
        [first, ..] => Some(first.1),
        [] => None,
    }
}

/// From 0 to 1; a forgotten unit (`grace` for `grace_seconds`) is a small slip.
fn likeness(word: &str, candidate: &str) -> f64 {
    let candidate = candidate.to_lowercase();
    let spelled = strsim::normalized_damerau_levenshtein(word, &candidate);
    let unit_forgotten = candidate
        .strip_prefix(word)
        .is_some_and(|rest| rest.starts_with('_'));
    if unit_forgotten {
        spelled.max(0.9)
    } else {
        spelled
    }
}

/// Below this the suggestion would be a guess: `port` is not `http`.
const ENOUGH: f64 = 0.55;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_understood_and_guesses_avoided() {
        let words = [
            "connections",
            "connections_per_client",
            "request_head_seconds",
        ];
        assert_eq!(nearest("conections", words), Some("connections"));
        assert_eq!(nearest("request_head", words), Some("request_head_seconds"));
        assert_eq!(nearest("CONNECTIONS", words), Some("connections"));
        assert_eq!(nearest("port", words), None);
        assert_eq!(nearest("1.1", ["1.2", "1.3"]), None);
    }
}
