//! A command as one line.

/// The words of a line as a POSIX shell splits it, without what a shell does to them besides: quotes
/// of both kinds, and backslashes. None where a quote is not closed, or nothing follows a backslash.
pub(super) fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '\'' => break,
                        letter => word.push(letter),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '"' => break,
                        '\\' => match letters.next()? {
                            escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        letter => word.push(letter),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(letters.next()?),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Some(words)
}

/// Patterns of commands like this one that a user may agree to all at once (agent-platform 3.15):
/// all words but the last, and the first two. None of a short one, nor of a line that runs more than
/// one command: what follows the first one would be agreed to unseen.
pub(super) fn patterns(line: &str) -> Vec<String> {
    let words: Vec<_> = line.split_whitespace().collect();
    let runs_more = line.contains([';', '|', '&', '`', '\n', '>', '<']) || line.contains("$(");
    let (Some((_, front)), Some(two)) = (words.split_last(), words.get(..2)) else {
        return Vec::new();
    };
    if words.len() < SHORTEST || runs_more {
        return Vec::new();
    }
    let mut patterns = vec![format!("{} *", front.join(" "))];
    if front != two {
        patterns.push(format!("{} *", two.join(" ")));
    }
    patterns
}

/// Words of a command that stands for others.
const SHORTEST: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_as_shells_do() {
        for (line, expected) in [
            ("", Some(&[][..])),
            (" a  b\t", Some(&["a", "b"])),
            ("'a b' \"c 'd'\"", Some(&["a b", "c 'd'"])),
            (r#"a\ b "c\"d\n" 'e\f'"#, Some(&["a b", "c\"d\\n", "e\\f"])),
            ("a'b'\"c\"d ''", Some(&["abcd", ""])),
            ("a; b && $(c)", Some(&["a;", "b", "&&", "$(c)"])),
            ("'a", None),
            ("\"a", None),
            ("a\\", None),
        ] {
            let expected = expected.map(<[&str]>::to_vec);
            let found = words(line);
            let found: Option<Vec<_>> = found
                .as_ref()
                .map(|words| words.iter().map(String::as_str).collect());
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn long_commands_stand_for_others_like_them() {
        assert_eq!(patterns("git status"), Vec::<String>::new());
        assert_eq!(patterns("git add a"), ["git add *"]);
        assert_eq!(
            patterns("npm run test -- a"),
            ["npm run test -- *", "npm run *"]
        );
        for line in [
            "git add a; rm b",
            "cat a | sh",
            "echo a $(b)",
            "echo a `b`",
            "a b > c",
        ] {
            assert_eq!(patterns(line), Vec::<String>::new(), "{line}");
        }
    }
}
