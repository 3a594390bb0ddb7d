//! What a path of GitLab's API asks for, without whose it is.

/// The path with every segment that names something left out: `/api/v4/projects/:id/issues`. None
/// for a path outside of the API or deeper than any of its routes.
pub(super) fn pattern(path: &str) -> Option<String> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if path == GRAPHQL {
        return Some(path.to_owned());
    }
    let rest = path.strip_prefix(REST)?;
    let mut pattern = REST.to_owned();
    for (depth, segment) in rest.split('/').enumerate() {
        if depth == DEEPEST {
            return None;
        }
        if depth > 0 {
            pattern.push('/');
        }
        let is_ours = WORDS.binary_search(&segment).is_ok();
        pattern.push_str(if is_ours { segment } else { ":id" });
    }
    Some(pattern)
}

const REST: &str = "/api/v4/";
const GRAPHQL: &str = "/api/graphql";

/// Segments of the longest route.
const DEEPEST: usize = 8;

/// Words of GitLab's routes, in order. Whatever else stands in a path may be somebody's.
const WORDS: &[&str] = &[
    "ai",
    "approvals",
    "audit_events",
    "award_emoji",
    "blame",
    "blobs",
    "branches",
    "bridges",
    "changes",
    "checkpoints",
    "ci",
    "comments",
    "commits",
    "compare",
    "dependencies",
    "deployments",
    "diff",
    "diffs",
    "discussions",
    "draft_notes",
    "duo_workflows",
    "environments",
    "epics",
    "events",
    "files",
    "groups",
    "issues",
    "jobs",
    "labels",
    "links",
    "lint",
    "members",
    "merge_requests",
    "milestones",
    "namespaces",
    "notes",
    "pipelines",
    "projects",
    "raw",
    "refs",
    "related_merge_requests",
    "releases",
    "repository",
    "resolve",
    "search",
    "snippets",
    "statuses",
    "subgroups",
    "tags",
    "trace",
    "tree",
    "user",
    "users",
    "variables",
    "versions",
    "vulnerabilities",
    "vulnerability_findings",
    "wikis",
    "work_items",
    "workflows",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_names_something_is_left() {
        for (path, expected) in [
            ("/api/v4/user", Some("/api/v4/user")),
            ("/api/graphql", Some("/api/graphql")),
            (
                "/api/v4/projects/team%2Fsecret/issues/7?search=secret",
                Some("/api/v4/projects/:id/issues/:id"),
            ),
            (
                "/api/v4/ai/duo_workflows/workflows/7/checkpoints?per_page=1",
                Some("/api/v4/ai/duo_workflows/workflows/:id/checkpoints"),
            ),
            (
                "/api/v4/projects/7/repository/files/src%2Fmain.rs/raw",
                Some("/api/v4/projects/:id/repository/files/:id/raw"),
            ),
            ("/secret/issues", None),
            ("/api/v4/a/b/c/d/e/f/g/h/i", None),
        ] {
            assert_eq!(pattern(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn words_are_in_order() {
        assert!(WORDS.is_sorted_by(|one, two| one < two));
    }
}
