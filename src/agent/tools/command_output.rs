//! What a command printed, as people read it.

/// The output alone, where a client tells it in a sentence about the program's end
/// (agent-platform 4.9): `Error running tool: exit status 1. Result: not ok` is `not ok`.
pub(super) fn output(text: &str) -> &str {
    let told = text.strip_prefix("Error running tool: ").and_then(|rest| {
        after_status(rest, "Process exited with code ", ". Output: ")
            .or_else(|| after_status(rest, "exit status ", ". Result: "))
    });
    told.unwrap_or(text)
}

fn after_status<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (status, output) = text.strip_prefix(before)?.split_once(after)?;
    status.parse::<i64>().ok().map(|_| output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_about_the_end_are_taken_off() {
        for (text, expected) in [
            (
                "Error running tool: Process exited with code 2. Output: a\nb. Output: c",
                "a\nb. Output: c",
            ),
            ("Error running tool: exit status 1. Result: x", "x"),
            ("Error running tool: exit status 1. Result: ", ""),
            (
                "Error running tool: exit status x. Result: y",
                "Error running tool: exit status x. Result: y",
            ),
            ("exit status 1. Result: y", "exit status 1. Result: y"),
            ("plain", "plain"),
        ] {
            assert_eq!(output(text), expected, "{text}");
        }
    }
}
