//! What stands above a page between two lines of dashes.

/// What is read of it; a page without one has none of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FrontMatter {
    /// `title`, or nothing.
    pub(super) title: String,
    /// Whether the page only says that it has moved.
    pub(super) is_redirect: bool,
}

/// Takes it off a page, and gives what is left.
pub(super) fn split(page: &str) -> (FrontMatter, &str) {
    let page = page.strip_prefix('\u{feff}').unwrap_or(page);
    let mut lines = page.split_inclusive('\n');
    let mut taken = match lines.next() {
        Some(first) if first.trim_end() == FENCE => first.len(),
        _ => return (FrontMatter::default(), page),
    };
    let mut found = FrontMatter::default();
    for line in lines {
        taken += line.len();
        let line = line.trim_end();
        if line == FENCE {
            return (found, page.get(taken..).unwrap_or_default());
        }
        if let Some(title) = line.strip_prefix("title:") {
            let title = title.trim().trim_matches(['"', '\'']);
            title.clone_into(&mut found.title);
        }
        found.is_redirect |= line.starts_with("redirect_to:");
    }
    // one that never ends is a rule across the page
    (FrontMatter::default(), page)
}

const FENCE: &str = "---";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_goes_and_its_title_stays() {
        let (found, rest) = split("---\nstage: x\ntitle: \"A: b\"\r\n---\ntext\n---\n");
        assert_eq!((found.title.as_str(), rest), ("A: b", "text\n---\n"));
        let (found, _) = split("---\nredirect_to: 'x'\n---\nmoved");
        assert!(found.is_redirect);
        for page in ["", "text", "---\ntitle: a\n", "# A\n---\n"] {
            assert_eq!(split(page), (FrontMatter::default(), page));
        }
    }
}
