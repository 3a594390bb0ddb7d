//! Slash commands of a chat (agent-platform 3.15).

/// What a user's words ask for.
#[derive(PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(super) enum Command<'a> {
    /// Nothing special.
    None,
    /// A task that the prompt spells out, and the words behind it.
    Task(&'static str, &'a str),
    /// The conversation is to be summarized, with these words in mind.
    Compact(&'a str),
    /// There is none of this name.
    Unknown(&'a str),
}

impl<'a> Command<'a> {
    /// Reads a message. A first word with more than one slash is a path.
    pub(super) fn read(text: &'a str) -> Self {
        let text = text.trim();
        let Some(rest) = text.strip_prefix('/') else {
            return Self::None;
        };
        let (name, words) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if name.is_empty() || name.contains('/') {
            return Self::None;
        }
        match TASKS.iter().find(|task| **task == name) {
            None if name == COMPACT => Self::Compact(words.trim()),
            Some(task) => Self::Task(task, words.trim()),
            None => Self::Unknown(name),
        }
    }
}

/// Those that the prompt `chat/agent` spells out.
const TASKS: [&str; 4] = ["explain", "refactor", "tests", "fix"];

/// Summarizes a conversation (agent-platform 8.6).
const COMPACT: &str = "compact";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_paths_and_words() {
        for (text, command) in [
            ("explain", Command::None),
            ("/", Command::None),
            ("/ explain", Command::None),
            ("/etc/hosts is empty", Command::None),
            ("//comment", Command::None),
            ("see /explain", Command::None),
            ("/explain", Command::Task("explain", "")),
            (
                " /fix\tthis\n please ",
                Command::Task("fix", "this\n please"),
            ),
            ("/compact", Command::Compact("")),
            ("/compact keep names", Command::Compact("keep names")),
            ("/Explain", Command::Unknown("Explain")),
            ("/größe x", Command::Unknown("größe")),
        ] {
            assert_eq!(Command::read(text), command, "{text}");
        }
    }
}
