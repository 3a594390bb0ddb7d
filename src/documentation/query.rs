//! From a question to what FTS5 is asked.

/// The words of a question. `OR`, `AND` and `NOT` in capitals between two words mean what they mean
/// to FTS5 (http-api 2.8); everything else that has a meaning there is taken for a space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    /// In FTS5's quotes.
    text: String,
    /// How it is joined to the one before.
    join: Join,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Join {
    And,
    Or,
    Not,
}

impl Query {
    /// Takes the first words of a text.
    pub(super) fn read(text: &str) -> Self {
        let mut terms: Vec<Term> = Vec::new();
        let mut join = Join::And;
        for word in text.split_whitespace() {
            match word {
                "AND" => join = Join::And,
                "OR" => join = Join::Or,
                "NOT" => join = Join::Not,
                word => {
                    let Some(text) = quoted(word) else { continue };
                    if terms.is_empty() {
                        join = Join::And;
                    }
                    terms.push(Term { text, join });
                    join = Join::And;
                }
            }
            if terms.len() == MAXIMUM_WORDS {
                break;
            }
        }
        Self { terms }
    }

    /// Whether there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// What holds all of it.
    pub(super) fn strict(&self) -> String {
        let mut whole = String::new();
        for term in &self.terms {
            if !whole.is_empty() {
                whole.push_str(match term.join {
                    Join::And => " AND ",
                    Join::Or => " OR ",
                    Join::Not => " NOT ",
                });
            }
            whole.push_str(&term.text);
        }
        whole
    }

    /// What holds some of it; rare words count more, which is what ranking is for. None where that
    /// would be the same.
    pub(super) fn loose(&self) -> Option<String> {
        let mut wanted: Vec<&str> = Vec::new();
        let mut unwanted = String::new();
        for term in &self.terms {
            if term.join == Join::Not {
                unwanted.push_str(" NOT ");
                unwanted.push_str(&term.text);
            } else if !wanted.contains(&term.text.as_str()) {
                wanted.push(&term.text);
            }
        }
        (wanted.len() > 1).then(|| format!("({}){unwanted}", wanted.join(" OR ")))
    }
}

/// A word in quotes. One of several parts, as `self-hosted`, stands in some indexes as a sequence
/// and in others as one word.
fn quoted(word: &str) -> Option<String> {
    let parts = word.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let parts = parts.filter(|part| !part.is_empty() && part.len() <= LONGEST_PART);
    let parts: Vec<&str> = parts.take(MAXIMUM_PARTS).collect();
    match parts.as_slice() {
        [] => None,
        [one] => Some(format!("\"{one}\"")),
        parts => Some(format!(
            "(\"{}\" OR \"{}\")",
            parts.join(" "),
            parts.concat()
        )),
    }
}

/// A question has fewer; each costs a look into the index.
const MAXIMUM_WORDS: usize = 32;

/// `docs.gitlab.com/user/project` has five.
const MAXIMUM_PARTS: usize = 8;

/// In bytes; no word of the documentation is longer.
const LONGEST_PART: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_and_joined() {
        for (text, strict, loose) in [
            ("", "", None),
            ("?! \" ' * ^ ( ) : \0", "", None),
            ("runner", "\"runner\"", None),
            (
                "how to RUN",
                "\"how\" AND \"to\" AND \"RUN\"",
                Some("(\"how\" OR \"to\" OR \"RUN\")"),
            ),
            (
                "a OR b NOT c",
                "\"a\" OR \"b\" NOT \"c\"",
                Some("(\"a\" OR \"b\") NOT \"c\""),
            ),
            ("OR a NOT", "\"a\"", None),
            (
                "NOT a OR AND b",
                "\"a\" AND \"b\"",
                Some("(\"a\" OR \"b\")"),
            ),
            ("a a", "\"a\" AND \"a\"", None),
            ("a\" NEAR(\"b", "\"a\" AND (\"NEAR b\" OR \"NEARb\")", None),
            ("self-hosted", "(\"self hosted\" OR \"selfhosted\")", None),
            ("snake_case é", "\"snake_case\" AND \"é\"", None),
        ] {
            let query = Query::read(text);
            assert_eq!(query.strict(), strict, "{text}");
            assert_eq!(query.is_empty(), strict.is_empty());
            if loose.is_some() {
                assert_eq!(query.loose().as_deref(), loose, "{text}");
            }
        }
        assert_eq!(Query::read("a a").loose(), None);
    }

    #[test]
    fn long_questions_are_bounded() {
        let query = Query::read(&"word-s ".repeat(60_000));
        assert_eq!(query.terms.len(), MAXIMUM_WORDS);
        let query = Query::read(&"x".repeat(400_000));
        assert!(query.is_empty());
        let query = Query::read(&"x-".repeat(200_000));
        assert!(query.strict().len() < 100);
    }
}
