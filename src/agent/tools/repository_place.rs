//! Where in a repository a call looks.

use super::{
    Arguments, Kind, Parameter, ToolError, Workplace,
    identification::{self, address},
    parameter::optional,
};

/// Where in which repository.
pub(super) struct Place {
    /// The project.
    pub(super) project: String,
    /// The file or folder, if one is named.
    pub(super) path: Option<String>,
    /// The branch, tag or commit.
    pub(super) reference: String,
    /// Whether somebody said the reference.
    pub(super) is_referred: bool,
}

impl Place {
    /// Of a call, whose path has this name. Addresses say `blob/main/src/main.rs`: a branch with
    /// slashes in its name has to be said as `ref` too.
    pub(super) fn of(
        workplace: &Workplace,
        arguments: Arguments<'_>,
        path: &str,
    ) -> Result<Self, ToolError> {
        let project = identification::project(workplace, arguments)?;
        let mut reference = arguments.words("ref").map(ToOwned::to_owned);
        let mut path = arguments.words(path).map(ToOwned::to_owned);
        if let Some(url) = arguments.words("url") {
            let (_, rest) = address(&workplace.facts.gitlab_url, url)?;
            if let Some((found, behind)) = shown(&rest, reference.as_deref()) {
                path = path.or(behind);
                reference = reference.or(Some(found));
            }
        }
        Ok(Self {
            project,
            path,
            is_referred: reference.is_some(),
            reference: reference.unwrap_or_else(|| DEFAULT_BRANCH.to_owned()),
        })
    }
}

/// The reference and the path of an address's end.
fn shown(rest: &str, reference: Option<&str>) -> Option<(String, Option<String>)> {
    let (kind, rest) = rest.split_once('/')?;
    if !matches!(kind, "blob" | "raw" | "tree" | "blame" | "edit") {
        return None;
    }
    let said = reference.and_then(|it| Some((it, rest.strip_prefix(it)?.strip_prefix('/')?)));
    let (reference, path) = said.or_else(|| rest.split_once('/')).unwrap_or((rest, ""));
    let path = Some(path.to_owned()).filter(|path| !path.is_empty());
    Some((reference.to_owned(), path))
}

/// The state of the repository that a call is about.
pub(super) const REF: Parameter = optional(
    "ref",
    Kind::Text,
    "The branch, tag or commit. Left out: that of the url, else the default branch.",
);

/// What Git calls the default branch.
const DEFAULT_BRANCH: &str = "HEAD";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_show_files() {
        let found = |rest, reference| {
            let (reference, path) = shown(rest, reference)?;
            Some((reference, path.unwrap_or_default()))
        };
        for (rest, said, expected) in [
            ("blob/main/src/a.rs", None, Some(("main", "src/a.rs"))),
            ("tree/main", None, Some(("main", ""))),
            ("blob/fix/a/b.rs", Some("fix/a"), Some(("fix/a", "b.rs"))),
            ("blob/main/b.rs", Some("other"), Some(("main", "b.rs"))),
            ("merge_requests/5", None, None),
            ("", None, None),
        ] {
            let expected = expected.map(|(one, two)| (one.to_owned(), two.to_owned()));
            assert_eq!(found(rest, said), expected, "{rest}");
        }
    }
}
