//! Merge requests that are looked for.

use super::{
    Arguments, Definition, Endpoint, Kind, Parameter, ToolError, Workplace,
    definition::READING_GITLAB,
    identification::{self, PROJECT_ID, URL},
    merge_requests::names,
    parameter::optional,
    result::quoted,
};

pub(super) static TOOLS: &[Definition] = &[Definition {
    name: "gitlab_merge_request_search",
    description: "Finds merge requests of a project or a group by words in their titles and \
                      descriptions, by people, labels, branches, state or time. A page with as many \
                      merge requests as per_page may be followed by another.",
    parameters: FILTERS,
    display: |arguments| match arguments.words("search") {
        Some(words) => format!("Search merge requests for {}", quoted(words)),
        None => "Search merge requests".to_owned(),
    },
    call: |workplace, arguments| Box::pin(search(workplace, arguments)),
    ..READING_GITLAB
}];

async fn search(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let of = match arguments.value(GROUP_ID.name) {
        Some(group) => {
            let group = identification::identifier(group);
            let wrong = || ToolError::Argument("group_id is no number and no full path".into());
            Endpoint::group(&group.ok_or_else(wrong)?)
        }
        None => Endpoint::project(&identification::project(workplace, arguments)?),
    };
    let found = of
        .then("merge_requests")
        .queries(arguments, &names(FILTERS, &[GROUP_ID.name]));
    Ok(workplace.get_json(&found).await?.to_string())
}

const GROUP_ID: Parameter = optional(
    "group_id",
    Kind::Place,
    "The group, to search all its projects: its number, or its full path.",
);

const FILTERS: &[Parameter] = &[
    PROJECT_ID,
    GROUP_ID,
    URL,
    optional(
        "search",
        Kind::Text,
        "Words of the title or the description.",
    ),
    optional(
        "in",
        Kind::Word(&["title", "description", "title,description"]),
        "Where the words stand. Left out: in either.",
    ),
    optional(
        "state",
        Kind::Word(&["opened", "closed", "locked", "merged", "all"]),
        "Their state. Left out: all.",
    ),
    optional(
        "scope",
        Kind::Word(&["created_by_me", "assigned_to_me", "reviews_for_me", "all"]),
        "Those of the user who asks, or all.",
    ),
    optional("author_username", Kind::Text, "Who opened it."),
    optional("assignee_username", Kind::Text, "Who it is assigned to."),
    optional(
        "reviewer_username",
        Kind::Text,
        "Who is asked to review it.",
    ),
    optional(
        "labels",
        Kind::Texts,
        "Labels that it has, all of them; None or Any alone.",
    ),
    optional("milestone", Kind::Text, "The milestone's title."),
    optional("source_branch", Kind::Text, "The branch with the changes."),
    optional("target_branch", Kind::Text, "The branch that they go into."),
    optional("wip", Kind::Word(&["yes", "no"]), "Drafts alone, or none."),
    optional(
        "created_after",
        Kind::Text,
        "The earliest time of opening, such as 2026-01-31T00:00:00Z.",
    ),
    optional("created_before", Kind::Text, "The latest time of opening."),
    optional(
        "updated_after",
        Kind::Text,
        "The earliest time of the last change.",
    ),
    optional(
        "updated_before",
        Kind::Text,
        "The latest time of the last change.",
    ),
    optional(
        "order_by",
        Kind::Word(&["created_at", "updated_at", "merged_at", "title"]),
        "What they are ordered by.",
    ),
    optional(
        "sort",
        Kind::Word(&["asc", "desc"]),
        "The first or the last of it first.",
    ),
    optional("page", Kind::Number, "Which page, counted from 1."),
    optional(
        "per_page",
        Kind::Number,
        "How many a page has: 20 if left out, 100 at most.",
    ),
];
