//! A file of a repository, as GitLab keeps it.

use data_encoding::BASE64;
use serde_json::Value;

use super::{Endpoint, SessionFacts, ToolError, Workplace, exclusions::Exclusions};

/// A file that holds text.
pub(super) struct RepositoryFile {
    /// What it holds.
    pub(super) text: String,
    /// The commit that changed it last.
    pub(super) last_commit_id: Option<String>,
}

impl RepositoryFile {
    /// Reads a file at a branch, tag or commit. Files that the project's owners keep from agents
    /// are not asked for.
    pub(super) async fn read(
        workplace: &Workplace,
        project: &str,
        path: &str,
        reference: &str,
    ) -> Result<Self, ToolError> {
        let path = plain_path("file_path", path)?;
        permitted(&workplace.facts, path)?;
        let file = Endpoint::project(project)
            .then("repository/files")
            .segment(path)
            .query("ref", Some(reference));
        let file = workplace.get_json(&file).await?;
        Ok(Self {
            text: text(&file, path)?,
            last_commit_id: file
                .get("last_commit_id")
                .and_then(Value::as_str)
                .map(ToOwned::to_owned),
        })
    }
}

/// Nothing, if agents may see a file of the project and change it.
pub(super) fn permitted(facts: &SessionFacts, path: &str) -> Result<(), ToolError> {
    if Exclusions::of(&facts.exclusion_rules).excludes(path) {
        return Err(ToolError::Denied(format!("{path} is excluded: {EXCLUDED}")));
    }
    Ok(())
}

/// A path within a repository, whose root it may name. One that climbs names none.
pub(super) fn plain_path<'p>(name: &str, said: &'p str) -> Result<&'p str, ToolError> {
    let path = said.trim().trim_start_matches("./").trim_matches('/');
    let is_plain = path
        .split(['/', '\\'])
        .all(|part| !matches!(part, "" | "." | ".."));
    if is_plain {
        return Ok(path);
    }
    Err(ToolError::Argument(format!(
        "{name} must be a path from the repository's root, such as src/main.rs, without . and .."
    )))
}

/// Lines of a text, with a line before them that says which; the whole text where neither bound
/// is given.
pub(super) fn lines(
    text: &str,
    offset: Option<u64>,
    limit: Option<u64>,
) -> Result<String, ToolError> {
    if offset.is_none() && limit.is_none() {
        return Ok(text.to_owned());
    }
    let count = text.lines().count();
    let bound = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let first = offset.map_or(0, bound);
    let most = limit.map_or(usize::MAX, bound);
    if first >= count {
        return Err(ToolError::Argument(format!(
            "offset must be below {count}, the number of the file's lines"
        )));
    }
    let last = first.saturating_add(most).min(count);
    let lines = text.split_inclusive('\n').skip(first).take(last - first);
    let lines: String = lines.collect();
    Ok(format!(
        "Lines {} to {last} of {count}:\n{lines}",
        first + 1
    ))
}

/// The content, of which models can read no other than text.
fn text(file: &Value, path: &str) -> Result<String, ToolError> {
    let content = file.get("content").and_then(Value::as_str);
    let content = content.ok_or_else(|| {
        ToolError::Denied(format!(
            "GitLab gives no content of {path}; is it a folder?"
        ))
    })?;
    if file.get("encoding").and_then(Value::as_str) != Some("base64") {
        return Ok(content.to_owned());
    }
    let encoded: Vec<u8> = content
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let bytes = BASE64.decode(&encoded).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.filter(|text| !text.contains('\0')).ok_or_else(|| {
        ToolError::Denied(format!(
            "{path} is no text in UTF-8; binary files cannot be read"
        ))
    })
}

/// Why nothing of a file is shown.
pub(super) const EXCLUDED: &str = "the project's owners keep this file from agents";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_do_not_climb() {
        for (said, path) in [
            ("src/main.rs", Some("src/main.rs")),
            ("./a", Some("a")),
            ("/a/b/", Some("a/b")),
            ("a..b/..c", Some("a..b/..c")),
            ("../a", None),
            ("a/../b", None),
            ("a\\..\\b", None),
            ("a//b", None),
            ("a/./b", None),
            ("", None),
        ] {
            let found = plain_path("file_path", said);
            assert_eq!(found.ok(), path, "{said}");
        }
    }

    #[test]
    fn lines_are_those_asked_for() {
        let text = "one\r\ntwo\nthree";
        let read = |offset, limit| lines(text, offset, limit).ok();
        assert_eq!(read(None, None).as_deref(), Some(text));
        assert_eq!(
            read(Some(1), Some(1)).as_deref(),
            Some("Lines 2 to 2 of 3:\ntwo\n")
        );
        assert_eq!(
            read(Some(1), None).as_deref(),
            Some("Lines 2 to 3 of 3:\ntwo\nthree")
        );
        assert_eq!(
            read(None, Some(u64::MAX)).as_deref(),
            Some("Lines 1 to 3 of 3:\none\r\ntwo\nthree")
        );
        assert_eq!(read(Some(3), None), None);
        assert_eq!(lines("", Some(0), None).ok(), None);
    }

    #[test]
    fn content_is_text() {
        let file = |content: &str, encoding| {
            text(&json!({"content": content, "encoding": encoding}), "a").ok()
        };
        assert_eq!(file("w7w=\n", "base64").as_deref(), Some("ü"));
        assert_eq!(file("plain", "text").as_deref(), Some("plain"));
        assert_eq!(file("/w==", "base64"), None);
        assert_eq!(file("AA==", "base64"), None);
        assert_eq!(file("***", "base64"), None);
        assert_eq!(text(&json!([]), "a").ok(), None);
    }
}
