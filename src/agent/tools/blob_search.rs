//! Code that is found by words of it.

use serde_json::Value;

use super::{
    Arguments, Definition, Endpoint, Kind, SessionFacts, ToolError, Workplace,
    definition::READING_GITLAB,
    exclusions::Exclusions,
    identification,
    parameter::optional,
    search::{self, ID, PAGE, PER_PAGE, PLACE, REF, SEARCH},
    workplace::not_json,
};

/// One tool in two forms: not every GitLab has an index of its code.
pub(super) static TOOLS: &[Definition] = &[
    Definition {
        description: "Finds code by words of it in a project, a group or all of GitLab, with the \
                      lines around them. The search knows \"exact phrases\", | for or, - for not, * \
                      at the end of a word, and the filters filename:, path: and extension:.",
        parameters: &[
            ID,
            SEARCH,
            PLACE,
            optional(
                "api_url",
                Kind::Text,
                "In the place of id and search_type the path of a search in GitLab's API: \
                 /api/v4/search for all of GitLab, /api/v4/groups/ID/search, or \
                 /api/v4/projects/ID/search.",
            ),
            REF,
            PAGE,
            PER_PAGE,
        ],
        is_offered: is_advanced,
        call: |workplace, arguments| Box::pin(advanced(workplace, arguments)),
        ..BLOBS
    },
    Definition {
        is_listed: false,
        is_offered: |facts| !is_advanced(facts),
        ..BLOBS
    },
];

const BLOBS: Definition = Definition {
    name: "gitlab_blob_search",
    description: "Finds code by words of it in a project, with the lines around them. The search \
                  knows the filters filename:, path: and extension:, as in \"retry extension:rs\". \
                  Groups can be searched only where GitLab indexes code.",
    parameters: &[ID, SEARCH, PLACE, REF, PAGE, PER_PAGE],
    display: |arguments| search::about("code", arguments),
    call: |workplace, arguments| Box::pin(basic(workplace, arguments)),
    ..READING_GITLAB
};

fn is_advanced(facts: &SessionFacts) -> bool {
    facts.is_able("advanced_search")
}

async fn basic(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let place = search::place(workplace, arguments)?;
    blobs(workplace, search::of(place, arguments, SCOPE)).await
}

async fn advanced(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let place = match arguments.words("api_url") {
        Some(path) => place(&workplace.facts.gitlab_url, path)?,
        None => search::place(workplace, arguments)?,
    };
    blobs(workplace, search::of(place, arguments, SCOPE)).await
}

/// What is found, without what the project's owners keep from agents.
async fn blobs(workplace: &Workplace, found: Endpoint) -> Result<String, ToolError> {
    let Value::Array(blobs) = workplace.get_json(&found).await? else {
        return Err(not_json());
    };
    let exclusions = Exclusions::of(&workplace.facts.exclusion_rules);
    let permitted = blobs.into_iter().filter(|blob| {
        let paths = ["path", "filename"].map(|name| blob[name].as_str());
        let mut paths = paths.into_iter().flatten();
        !paths.any(|path| exclusions.excludes(path))
    });
    Ok(Value::Array(permitted.collect()).to_string())
}

/// The search that a path names: of all of GitLab, a group or a project.
fn place(gitlab_url: &str, path: &str) -> Result<Endpoint, ToolError> {
    let wrong = || {
        let fault = "api_url is none of /api/v4/search, /api/v4/groups/ID/search and \
                     /api/v4/projects/ID/search";
        ToolError::Argument(fault.to_owned())
    };
    let path = path.strip_prefix(gitlab_url).unwrap_or(path);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.trim_start_matches('/').trim_end_matches('/');
    let path = path.strip_prefix("api/v4/").unwrap_or(path);
    if path == "search" {
        return Ok(Endpoint::new("search"));
    }
    let id = path.strip_suffix("/search").ok_or_else(wrong)?;
    let (kind, id) = id.split_once('/').ok_or_else(wrong)?;
    let id = identification::identifier(&Value::from(id)).ok_or_else(wrong)?;
    match kind {
        "projects" => Ok(Endpoint::project(&id).then("search")),
        "groups" => Ok(Endpoint::group(&id).then("search")),
        _ => Err(wrong()),
    }
}

const SCOPE: &str = "blobs";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_searches_and_nothing_else_are_taken() {
        for (path, taken) in [
            ("/api/v4/search", Some("/api/v4/search")),
            ("search?scope=users", Some("/api/v4/search")),
            (
                "https://gitlab.test/api/v4/projects/7/search",
                Some("/api/v4/projects/7/search"),
            ),
            (
                "/api/v4/groups/team%2Fa/search/",
                Some("/api/v4/groups/team%2Fa/search"),
            ),
            ("https://other.test/api/v4/search", None),
            ("/api/v4/projects/../search", None),
            ("/api/v4/projects/%2e%2e/search", None),
            ("/api/v4/users/7/search", None),
            ("/api/v4/user", None),
            ("", None),
        ] {
            let found = place("https://gitlab.test", path).ok();
            let found = found.as_ref().map(Endpoint::as_str);
            assert_eq!(found, taken, "{path}");
        }
    }
}
