//! Patterns of paths: `src/**/*.rs`.

use super::exclusions::matches;

/// A pattern. `*` and `?` stand for letters within one folder's name or file's name, `**` for any
/// number of folders; brackets and braces are letters, since names hold them.
#[derive(Debug)]
pub(super) struct Glob<'p> {
    parts: Vec<&'p str>,
}

impl<'p> Glob<'p> {
    /// The pattern of a text; none where the text is a plain path.
    pub(super) fn new(text: &'p str) -> Option<Self> {
        let parts = text.split('/').collect();
        is_pattern(text).then_some(Self { parts })
    }

    /// Whether a path is meant.
    pub(super) fn fits(&self, path: &str) -> bool {
        let path: Vec<_> = path.split('/').collect();
        matches(
            &self.parts,
            &path,
            |part| *part == "**",
            |part, name| fits_name(part, name),
        )
    }

    /// The folder that everything meant lies in; empty for the root.
    pub(super) fn folder(&self) -> String {
        let folders = self.parts.iter().take_while(|part| !is_pattern(part));
        folders.copied().collect::<Vec<_>>().join("/")
    }

    /// Whether what is meant may lie in folders below that one.
    pub(super) fn is_deep(&self) -> bool {
        let mut open = self.parts.iter().skip_while(|part| !is_pattern(part));
        open.next() == Some(&"**") || open.next().is_some()
    }
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

fn fits_name(part: &str, name: &str) -> bool {
    let part: Vec<_> = part.chars().collect();
    let name: Vec<_> = name.chars().collect();
    matches(
        &part,
        &name,
        |letter| *letter == '*',
        |one, other| *one == '?' || one == other,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_paths() {
        for (pattern, path, fits) in [
            ("*.rs", "main.rs", true),
            ("*.rs", "src/main.rs", false),
            ("**/*.rs", "main.rs", true),
            ("**/*.rs", "src/a/b/main.rs", true),
            ("src/**", "src/a/b", true),
            ("src/**", "other/a", false),
            ("src/**/test/*.r?", "src/a/test/b/test/x.rs", true),
            ("src/**/test/*.r?", "src/a/test/b/x.rs", false),
            ("app/[id]*.tsx", "app/[id].tsx", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("ü?", "üß", true),
        ] {
            let glob = Glob::new(pattern).unwrap();
            assert_eq!(glob.fits(path), fits, "{pattern} {path}");
        }
        assert!(Glob::new("src/main.rs").is_none());
    }

    #[test]
    fn no_more_than_a_patterns_folder_is_listed() {
        for (pattern, folder, is_deep) in [
            ("*.rs", "", false),
            ("src/agent/*.rs", "src/agent", false),
            ("src/*/mod.rs", "src", true),
            ("src/**", "src", true),
            ("**/x", "", true),
        ] {
            let glob = Glob::new(pattern).unwrap();
            assert_eq!((glob.folder().as_str(), glob.is_deep()), (folder, is_deep));
        }
    }

    #[test]
    fn a_pattern_of_many_stars_is_judged_at_once() {
        let pattern = "*a".repeat(2_000);
        let name = "a".repeat(1_999) + "b";
        assert!(!Glob::new(&pattern).unwrap().fits(&name));
    }
}
