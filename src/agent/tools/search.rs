//! What is found by words in a project, a group or all of GitLab.

use super::{
    Arguments, Definition, Endpoint, Kind, Parameter, ToolError, Workplace,
    definition::READING_GITLAB,
    identification,
    parameter::{optional, required},
    result::quoted,
};

pub(super) static TOOLS: &[Definition] = &[
    Definition {
        name: "gitlab_issue_search",
        description: "Finds issues of a project or a group by words of their titles and \
                      descriptions. For lists by label, person or date use list_work_items or \
                      list_issues where they are offered.",
        parameters: &[
            ID,
            SEARCH,
            PLACE,
            STATE,
            CONFIDENTIAL,
            ORDER_BY,
            SORT,
            PAGE,
            PER_PAGE,
        ],
        display: |arguments| about("issues", arguments),
        call: |workplace, arguments| Box::pin(search(workplace, arguments, "issues")),
        ..READING_GITLAB
    },
    Definition {
        name: "gitlab_group_project_search",
        description: "Finds the projects of a group by words of their names, paths and \
                      descriptions.",
        parameters: &[
            required(
                "id",
                Kind::Place,
                "The group: its number, or its full path.",
            ),
            SEARCH,
            ORDER_BY,
            SORT,
            PAGE,
            PER_PAGE,
        ],
        display: |arguments| about("projects", arguments),
        call: |workplace, arguments| Box::pin(search_projects(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "gitlab_milestone_search",
        description: "Finds milestones of a project or a group by words of their titles and \
                      descriptions.",
        parameters: &[ID, SEARCH, PLACE, STATE, ORDER_BY, SORT, PAGE, PER_PAGE],
        display: |arguments| about("milestones", arguments),
        call: |workplace, arguments| Box::pin(search(workplace, arguments, "milestones")),
        ..READING_GITLAB
    },
    Definition {
        name: "gitlab__user_search",
        description: "Finds members of a project or a group by name, username or email: their \
                      user numbers are what assignees and reviewers are named by.",
        parameters: &[ID, SEARCH, PLACE, ORDER_BY, SORT, PAGE, PER_PAGE],
        display: |arguments| about("users", arguments),
        call: |workplace, arguments| Box::pin(search(workplace, arguments, "users")),
        ..READING_GITLAB
    },
    Definition {
        name: "gitlab_commit_search",
        description: "Finds commits of a project, or of a group where GitLab indexes commits, by \
                      words of their messages.",
        parameters: &[ID, SEARCH, PLACE, REF, ORDER_BY, SORT, PAGE, PER_PAGE],
        display: |arguments| about("commits", arguments),
        call: |workplace, arguments| Box::pin(search(workplace, arguments, "commits")),
        ..READING_GITLAB
    },
    Definition {
        name: "gitlab_note_search",
        description: "Finds comments of a project, on issues, merge requests and commits, by words \
                      of their text.",
        parameters: &[
            ID,
            SEARCH,
            PLACE,
            CONFIDENTIAL,
            ORDER_BY,
            SORT,
            PAGE,
            PER_PAGE,
        ],
        display: |arguments| about("comments", arguments),
        call: |workplace, arguments| Box::pin(search(workplace, arguments, "notes")),
        ..READING_GITLAB
    },
    Definition {
        name: "gitlab_wiki_blob_search",
        description: "Finds pages of a project's wiki, or of wikis in a group where GitLab indexes \
                      them, by words of their text. The whole page is read with get_wiki_page.",
        parameters: &[ID, SEARCH, PLACE, REF, ORDER_BY, SORT, PAGE, PER_PAGE],
        display: |arguments| about("wiki pages", arguments),
        call: |workplace, arguments| Box::pin(search(workplace, arguments, "wiki_blobs")),
        ..READING_GITLAB
    },
];

/// Looks in a project or a group for what is of a kind.
async fn search(
    workplace: &Workplace,
    arguments: Arguments<'_>,
    scope: &str,
) -> Result<String, ToolError> {
    let found = of(place(workplace, arguments)?, arguments, scope);
    Ok(workplace.get_json(&found).await?.to_string())
}

async fn search_projects(
    workplace: &Workplace,
    arguments: Arguments<'_>,
) -> Result<String, ToolError> {
    let group = arguments
        .value(ID.name)
        .and_then(identification::identifier);
    let group = Endpoint::group(&group.ok_or_else(wrong_id)?);
    let found = of(group.then("search"), arguments, "projects");
    Ok(workplace.get_json(&found).await?.to_string())
}

/// The search of a project or a group. Without an id the session's project is meant.
pub(super) fn place(
    workplace: &Workplace,
    arguments: Arguments<'_>,
) -> Result<Endpoint, ToolError> {
    let is_group = arguments.text(PLACE.name) == Some(GROUPS);
    let id = match (arguments.value(ID.name), &workplace.facts.project_id) {
        (Some(said), _) => identification::identifier(said).ok_or_else(wrong_id)?,
        (None, Some(project)) if !is_group => project.clone(),
        (None, _) => {
            let fault = "id is missing: the number or full path of the project or group";
            return Err(ToolError::Argument(fault.to_owned()));
        }
    };
    let place = if is_group {
        Endpoint::group(&id)
    } else {
        Endpoint::project(&id)
    };
    Ok(place.then("search"))
}

/// What of a kind is looked for there, with all that a call says of it.
pub(super) fn of(search: Endpoint, arguments: Arguments<'_>, scope: &str) -> Endpoint {
    let names = [
        SEARCH,
        REF,
        STATE,
        CONFIDENTIAL,
        ORDER_BY,
        SORT,
        PAGE,
        PER_PAGE,
    ];
    let names = names.map(|parameter| parameter.name);
    search
        .query("scope", Some(scope))
        .queries(arguments, &names)
}

/// For people: what is looked for, and by which words.
pub(super) fn about(kind: &str, arguments: Arguments<'_>) -> String {
    match arguments.words(SEARCH.name) {
        Some(words) => format!("Search {kind} for {}", quoted(words)),
        None => format!("Search {kind}"),
    }
}

fn wrong_id() -> ToolError {
    ToolError::Argument("id is no number and no full path".to_owned())
}

pub(super) const ID: Parameter = optional(
    "id",
    Kind::Place,
    "The project or group: its number, or its full path. Left out: the session's project.",
);

pub(super) const SEARCH: Parameter = required("search", Kind::Text, "The words to look for.");

pub(super) const PLACE: Parameter = optional(
    "search_type",
    Kind::Word(&["projects", GROUPS]),
    "Whether id is a project or a group. Left out: a project.",
);

const GROUPS: &str = "groups";

pub(super) const REF: Parameter = optional(
    "ref",
    Kind::Text,
    "The branch or tag to look in. Left out: the default branch.",
);

const STATE: Parameter = optional(
    "state",
    Kind::Text,
    "Only those of this state, such as opened.",
);

const CONFIDENTIAL: Parameter = optional(
    "confidential",
    Kind::Flag,
    "Only those that are confidential, or only those that are not.",
);

const ORDER_BY: Parameter = optional(
    "order_by",
    Kind::Word(&["created_at"]),
    "What they are ordered by. Left out: how well they fit.",
);

const SORT: Parameter = optional(
    "sort",
    Kind::Word(&["asc", "desc"]),
    "The oldest or the newest first.",
);

pub(super) const PAGE: Parameter = optional(
    "page",
    Kind::Number,
    "Which page of the list, from 1 on. A page that is full may be followed by another.",
);

pub(super) const PER_PAGE: Parameter = optional(
    "per_page",
    Kind::Number,
    "How many there are on a page, at most 100. Left out: 20.",
);
