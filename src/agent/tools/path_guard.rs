//! Where on a user's machine agents may go.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::{SessionFacts, ToolError, exclusions::Exclusions, result::quoted};

/// Judges paths that models write for the client (agent-platform 6.2). It knows paths, not what they
/// lead to: links are the client's to judge.
#[derive(Debug)]
pub(super) struct PathGuard {
    project: Exclusions,
}

/// What is to be done there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Also skills of the user's, which lie outside of the project.
    Read,
    /// Nothing but the project.
    Write,
}

impl PathGuard {
    /// With the rules of the session's project.
    pub(super) fn new(facts: &SessionFacts) -> Self {
        Self {
            project: Exclusions::of(&facts.exclusion_rules),
        }
    }

    /// Says why the path in the argument `name` may not be touched. `/` at its end says that it is
    /// a folder.
    pub(super) fn check(&self, name: &str, path: &str, access: Access) -> Result<(), ToolError> {
        Self::check_place(name, path, access)?;
        if self.hides(path) {
            return Err(denied(name, path, "is kept from agents; do without it"));
        }
        Ok(())
    }

    /// The same, but for what is kept from agents: for patterns, whose results are judged.
    pub(super) fn check_place(name: &str, path: &str, access: Access) -> Result<(), ToolError> {
        if climbs(path) {
            let fault =
                "leads out of its folder, or may; write it without `..` and without encoding";
            return Err(denied(name, path, fault));
        }
        let is_allowed_outside = access == Access::Read && is_of_skills(path);
        if is_absolute(path) && !is_allowed_outside {
            return Err(denied(
                name,
                path,
                "is absolute; name it from the project's folder",
            ));
        }
        Ok(())
    }

    /// Whether agents do not get to see what is at this path, such as a line of a listing.
    pub(super) fn hides(&self, path: &str) -> bool {
        let folded = folded(path);
        [path, &folded]
            .iter()
            .any(|path| Exclusions::of_clients().excludes(path) || self.project.excludes(path))
    }
}

/// Whether a path leads out of where it begins, in whatever encoding: clients may decode what they
/// are given.
fn climbs(path: &str) -> bool {
    let mut path = Cow::Borrowed(path);
    for _ in 0..ENCODINGS {
        if path.contains("../") || path.contains("..\\") || path.contains('\0') {
            return true;
        }
        if path.split(['/', '\\']).any(|name| name.trim() == "..") {
            return true;
        }
        let lower = path.to_ascii_lowercase();
        if lower.contains("%2e%2e") {
            return true;
        }
        let decoded = percent_decode_str(&path).decode_utf8_lossy().into_owned();
        if decoded == path {
            return false;
        }
        path = Cow::Owned(decoded);
    }
    // nobody encodes a name that often who has nothing to hide
    true
}

/// Of any system: what is relative for one is absolute for another.
fn is_absolute(path: &str) -> bool {
    let path = path.trim_start();
    let mut letters = path.chars();
    let is_drive = letters
        .next()
        .is_some_and(|letter| letter.is_ascii_alphabetic())
        && letters.next() == Some(':');
    path.starts_with(['/', '\\']) || is_drive || path.starts_with('~') || path.contains("://")
}

fn is_of_skills(path: &str) -> bool {
    let names: Vec<_> = path.split(['/', '\\']).collect();
    SKILLS.iter().any(|folder| {
        let folder: Vec<_> = folder.split('/').collect();
        names.windows(folder.len()).any(|names| names == folder)
    })
}

/// As a file system may read it that sees less in a name: without encoding, and each name without
/// the dots and spaces at its end, and its streams, as Windows has it.
fn folded(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let names = decoded.split(['/', '\\']).map(|name| {
        let name = name.split("::").next().unwrap_or_default();
        name.trim_end_matches(['.', ' '])
    });
    names.collect::<Vec<_>>().join("/")
}

fn denied(name: &str, path: &str, fault: &str) -> ToolError {
    ToolError::Denied(format!("{name}: {} {fault}", quoted(path)))
}

/// Times that a path may be encoded.
const ENCODINGS: usize = 3;

/// Folders with skills and plugins of the user's (agent-platform 6.2).
const SKILLS: [&str; 5] = [
    ".agents/skills",
    ".gitlab/duo/skills",
    ".config/gitlab/duo/skills",
    ".gitlab/duo/plugins",
    ".config/gitlab/duo/plugins",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(path: &str, access: Access) -> Option<String> {
        let facts = SessionFacts {
            exclusion_rules: vec!["private/".to_owned(), "*.key".to_owned()],
            ..SessionFacts::default()
        };
        match PathGuard::new(&facts).check("file_path", path, access) {
            Err(ToolError::Denied(said)) => Some(said),
            _ => None,
        }
    }

    #[test]
    fn paths_that_lead_out_of_the_project_are_refused() {
        for path in [
            "../a",
            "a/../b",
            "a/..",
            "..",
            "a/.. /b",
            r"a\..\b",
            r"..\b",
            "%2e%2e/a",
            "a/%2E%2e%2fb",
            ".%2e/a",
            "%252e%252e/a",
            "a/.%252e%252fb",
            "%25252525252e",
            "a\0b",
            "a%00b",
            "/etc/passwd",
            r"\\server\share",
            r"C:\a",
            "c:a",
            "~/a",
            "file:///a",
        ] {
            assert!(judged(path, Access::Read).is_some(), "{path}");
            assert!(judged(path, Access::Write).is_some(), "{path}");
        }
        for path in [
            "a", "./a", "a..b/c", "...", "100%/a", "a%20b", ".hidden", "über/ä",
        ] {
            assert_eq!(judged(path, Access::Write), None, "{path}");
        }
    }

    #[test]
    fn skills_outside_of_the_project_are_read_only() {
        for path in [
            "/home/ada/.agents/skills/a/skill.txt",
            r"C:\Users\ada\.agents\skills\a.txt",
            "/home/ada/.config/gitlab/duo/plugins/a",
            "/home/ada/.gitlab/duo/skills/a",
        ] {
            assert_eq!(judged(path, Access::Read), None, "{path}");
            assert!(judged(path, Access::Write).is_some(), "{path}");
        }
        for path in [
            "/home/ada/x.agents/skills/a",
            "/home/ada/.agents/skills/../../a",
            "/home/ada/.agents/skills/.env",
        ] {
            assert!(judged(path, Access::Read).is_some(), "{path}");
        }
    }

    #[test]
    fn what_is_kept_from_agents_is_refused_in_any_spelling() {
        for path in [
            ".env",
            "sub/.GIT/config",
            ".git./config",
            ".env::$DATA",
            "%2eenv",
            "private/a",
            "private/",
            "a.key",
        ] {
            assert!(judged(path, Access::Read).is_some(), "{path}");
        }
        for path in [".env.example", "private", "a.keys", ".gitignore"] {
            assert_eq!(judged(path, Access::Read), None, "{path}");
        }
        let said = judged("a.key", Access::Read);
        let expected = "file_path: `a.key` is kept from agents; do without it";
        assert_eq!(said.as_deref(), Some(expected));
    }
}
