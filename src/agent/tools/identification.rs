//! Which project, and what in it, a call is about: an address of this GitLab, or a number or path.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{
    Arguments, Parameter, ToolError, Workplace,
    parameter::{Kind, optional},
};

/// The address of what a call is about.
pub(super) const URL: Parameter = optional(
    "url",
    Kind::Text,
    "The GitLab web address of the item or its project. Takes the place of the other identifiers.",
);

/// The project that a call is about.
pub(super) const PROJECT_ID: Parameter = optional(
    "project_id",
    Kind::Place,
    "The project's number, or its full path such as group/project. Left out: the session's project.",
);

/// The project that a call is about: of its `url`, else of its `project_id`, else the session's.
pub(super) fn project(
    workplace: &Workplace,
    arguments: Arguments<'_>,
) -> Result<String, ToolError> {
    if let Some(url) = arguments.words("url") {
        let (project, _) = address(&workplace.facts.gitlab_url, url)?;
        return Ok(project);
    }
    match arguments.value("project_id") {
        Some(value) => identifier(value).ok_or_else(|| wrong("project_id")),
        None => workplace.facts.project_id.clone().ok_or_else(|| {
            ToolError::Argument("project_id is missing, and this session has no project".into())
        }),
    }
}

/// A numbered part of a project: a merge request, an issue. `kind` is its word in addresses,
/// `name` that of its argument.
pub(super) fn numbered(
    workplace: &Workplace,
    arguments: Arguments<'_>,
    kind: &str,
    name: &str,
) -> Result<(String, u64), ToolError> {
    if let Some(url) = arguments.words("url") {
        let (project, rest) = address(&workplace.facts.gitlab_url, url)?;
        let mut words = rest.split('/');
        let number = words
            .by_ref()
            .find(|word| *word == kind)
            .and_then(|_| words.next())
            .and_then(|number| number.parse().ok());
        if let Some(number) = number.or_else(|| arguments.number(name)) {
            return Ok((project, number));
        }
        return Err(ToolError::Argument(format!(
            "url is no address of {}, and {name} is missing",
            kind.replace('_', " ")
        )));
    }
    let project = project(workplace, arguments)?;
    let number = arguments.number(name);
    let number = number.ok_or_else(|| ToolError::Argument(format!("{name} is missing")))?;
    Ok((project, number))
}

/// What a call says of its project, for people.
pub(super) fn named(arguments: Arguments<'_>) -> Option<String> {
    if let Some(url) = arguments.words("url") {
        return Some(url.to_owned());
    }
    arguments.value("project_id").and_then(identifier)
}

/// A number or a path; models write either, and numbers as texts.
pub(super) fn identifier(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        Value::String(text) => {
            let text = percent_decode_str(text.trim()).decode_utf8().ok()?;
            let text = text.trim_matches('/');
            is_path(text).then(|| text.to_owned())
        }
        _ => None,
    }
}

/// The full path of an address's project and what follows it: `group/project` and
/// `merge_requests/7/diffs`.
pub(super) fn address(gitlab_url: &str, url: &str) -> Result<(String, String), ToolError> {
    let foreign = || ToolError::Argument(format!("url is no address of this GitLab, {gitlab_url}"));
    let path = url.trim().strip_prefix(gitlab_url).ok_or_else(foreign)?;
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = percent_decode_str(path).decode_utf8();
    let path = path.map_err(|_| foreign())?;
    let path = path.strip_prefix('/').ok_or_else(foreign)?;
    let (project, rest) = path.split_once("/-/").unwrap_or((path, ""));
    let project = project.trim_end_matches('/').trim_end_matches(".git");
    let project = project.strip_prefix("groups/").unwrap_or(project);
    if !is_path(project) {
        return Err(wrong("url"));
    }
    Ok((project.to_owned(), rest.trim_end_matches('/').to_owned()))
}

fn is_path(text: &str) -> bool {
    let mut parts = text.split('/');
    !text.is_empty() && parts.all(|part| !matches!(part, "" | "." | ".."))
}

fn wrong(name: &str) -> ToolError {
    ToolError::Argument(format!("{name} is no number and no full path"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn projects_are_named_by_number_or_path() {
        for (value, id) in [
            (json!(7), Some("7")),
            (json!("7"), Some("7")),
            (json!("/group/project/"), Some("group/project")),
            (json!("group%2Fproject"), Some("group/project")),
            (json!("../user"), None),
            (json!("a/./b"), None),
            (json!("a%2F..%2Fb"), None),
            (json!(""), None),
            (json!(-1), None),
            (json!(1.5), None),
            (json!(null), None),
        ] {
            assert_eq!(identifier(&value).as_deref(), id, "{value}");
        }
    }

    #[test]
    fn addresses_are_this_gitlabs() {
        let gitlab = "https://gitlab.test";
        for (url, project, rest) in [
            ("https://gitlab.test/a/b", "a/b", ""),
            ("https://gitlab.test/a/b.git", "a/b", ""),
            (
                "https://gitlab.test/a/b/-/merge_requests/7/diffs?x#y",
                "a/b",
                "merge_requests/7/diffs",
            ),
            (
                "https://gitlab.test/groups/a/b/-/epics/3/",
                "a/b",
                "epics/3",
            ),
        ] {
            let found = address(gitlab, url).unwrap();
            assert_eq!(found, (project.to_owned(), rest.to_owned()), "{url}");
        }
        for url in [
            "https://gitlab.test.evil.test/a/b",
            "https://other.test/a/b",
            "https://gitlab.test",
            "https://gitlab.test/../a",
            "https://gitlab.test/a/%2e%2e/b",
            "a/b",
        ] {
            assert!(address(gitlab, url).is_err(), "{url}");
        }
    }
}
