//! What there is in the project's folder, and where something stands in it.

use super::{
    Arguments, Definition, Kind, ToolError, Workplace,
    definition::READING_FILES,
    parameter::{optional, required},
    path_guard::{Access, PathGuard},
    result::quoted,
};
use crate::agent::{
    executor::ExecutorError,
    hidden_text,
    proto::{FindFiles, Grep, ListDirectory, action::Action},
};

pub(super) static TOOLS: &[Definition] = &[
    Definition {
        name: "list_dir",
        description: "Lists what is in a folder of the project.",
        parameters: &[required(
            "directory",
            Kind::Text,
            "Path of the folder, from the project's folder, which is itself `.`.",
        )],
        display: |arguments| format!("List folder {}", shown(arguments, "directory")),
        call: |workplace, arguments| Box::pin(list(workplace, arguments)),
        ..READING_FILES
    },
    Definition {
        name: "find_files",
        description: "Finds files of the project by their names.",
        parameters: &[required(
            "name_pattern",
            Kind::Text,
            "What the name looks like, with wildcards: `*.rs`.",
        )],
        display: |arguments| format!("Find files {}", shown(arguments, "name_pattern")),
        call: |workplace, arguments| Box::pin(find(workplace, arguments)),
        ..READING_FILES
    },
    Definition {
        name: "grep",
        description: "Searches the text of the project's files, whatever the case of its letters. \
                      Answers with the lines that hold one of the keywords.",
        parameters: &[
            required(
                "keywords",
                Kind::Text,
                "What to search for; several are separated by commas.",
            ),
            optional(
                "search_directory",
                Kind::Text,
                "The folder to search in, from the project's folder. Left out: all of it.",
            ),
        ],
        display: |arguments| format!("Search files for {}", shown(arguments, "keywords")),
        call: |workplace, arguments| Box::pin(search(workplace, arguments)),
        ..READING_FILES
    },
];

async fn list(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let directory = said(arguments, "directory")?;
    let folder = format!("{}/", directory.trim_end_matches('/'));
    let guard = PathGuard::new(&workplace.facts);
    let whole = if directory == "/" { directory } else { &folder };
    guard.check("directory", whole, Access::Read)?;
    let action = Action::ListDirectory(ListDirectory {
        directory: directory.to_owned(),
    });
    let text = workplace.act(action).await?;
    // clients name what they find from here or from the project's folder
    let kept = lines(&text, |line| {
        guard.hides(line) || guard.hides(&format!("{folder}{line}"))
    });
    if kept.trim().is_empty() {
        return Ok(format!("Nothing is in {}.", quoted(directory)));
    }
    Ok(kept)
}

async fn find(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let pattern = said(arguments, "name_pattern")?;
    let guard = PathGuard::new(&workplace.facts);
    PathGuard::check_place("name_pattern", pattern, Access::Read)?;
    let action = Action::FindFiles(FindFiles {
        name_pattern: pattern.to_owned(),
    });
    let text = workplace.act(action).await?;
    let kept = lines(&text, |line| guard.hides(line));
    if kept.trim().is_empty() {
        return Ok(nothing(pattern));
    }
    Ok(kept)
}

async fn search(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let keywords = said(arguments, "keywords")?;
    let directory = arguments.words("search_directory").unwrap_or(".");
    let guard = PathGuard::new(&workplace.facts);
    guard.check("search_directory", directory, Access::Read)?;
    let action = Action::Grep(Grep {
        pattern: keywords.to_owned(),
        search_directory: directory.to_owned(),
        case_insensitive: true,
    });
    let text = match workplace.act(action).await {
        Ok(text) => text,
        Err(ToolError::Executor(ExecutorError::Action { said, .. })) if says_nothing(&said) => {
            return Ok(nothing(keywords));
        }
        Err(error) => return Err(error),
    };
    let kept = lines(&text, |line| {
        let path = path(line);
        guard.hides(path) || guard.hides(&format!("{directory}/{path}"))
    });
    if kept.trim().is_empty() || (kept.lines().count() == 1 && says_nothing(&kept)) {
        return Ok(nothing(keywords));
    }
    // a comment that one line opens would take all that follow with it
    let kept = kept.lines().map(hidden_text::cleaned);
    Ok(kept.collect::<Vec<_>>().join("\n"))
}

fn said<'c>(arguments: Arguments<'c>, name: &str) -> Result<&'c str, ToolError> {
    arguments
        .words(name)
        .ok_or_else(|| ToolError::Argument(format!("{name} is empty; say what to look for")))
}

/// Those lines that agents may see.
fn lines(text: &str, hides: impl Fn(&str) -> bool) -> String {
    let kept = text.lines().filter(|line| !hides(line.trim()));
    kept.collect::<Vec<_>>().join("\n")
}

/// The file that a line of grep's is of: `src/main.rs:7:fn main()`, with or without the number.
fn path(line: &str) -> &str {
    let mut places = line.match_indices(':').map(|(place, _)| place);
    let is_before_number = |place: &usize| {
        let rest = line.get(place + 1..).unwrap_or_default();
        let number = rest.split_once(':').map_or("", |(number, _)| number);
        !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
    };
    let place = places.clone().find(is_before_number).or(places.next());
    place.and_then(|place| line.get(..place)).unwrap_or(line)
}

/// How programs that search say that there is nothing (agent-platform 6.2).
fn says_nothing(text: &str) -> bool {
    let exits = text.match_indices(NO_MATCH).any(|(place, _)| {
        let next = text.get(place + NO_MATCH.len()..).unwrap_or_default();
        !next.starts_with(|letter: char| letter.is_ascii_digit())
    });
    exits || text.contains("No such file or directory")
}

fn nothing(pattern: &str) -> String {
    format!("No matches found for pattern '{pattern}'.")
}

/// For people.
fn shown(arguments: Arguments<'_>, name: &str) -> String {
    quoted(arguments.words(name).unwrap_or_default())
}

const NO_MATCH: &str = "exit status 1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_grep_begin_with_a_path() {
        for (line, expected) in [
            ("src/main.rs:7:fn main() {", "src/main.rs"),
            ("src/main.rs:fn main() {", "src/main.rs"),
            ("a:b/.env:7:x", "a:b/.env"),
            ("Binary file", "Binary file"),
            (":", ""),
        ] {
            assert_eq!(path(line), expected, "{line}");
        }
    }

    #[test]
    fn a_search_without_a_match_is_no_failure() {
        assert!(says_nothing("grep: exit status 1"));
        assert!(says_nothing("exit status 1: exit status 12"));
        assert!(says_nothing("grep: x: No such file or directory"));
        assert!(!says_nothing("exit status 128"));
        assert!(!says_nothing(""));
    }
}
