//! Merge requests.

use serde_json::Value;

use super::{
    Arguments, Definition, Endpoint, Kind, Parameter, ToolError, Workplace,
    definition::{READING_GITLAB, WRITING_GITLAB},
    diffs,
    identification::{self, PROJECT_ID, URL, numbered},
    pages::{self, Pages},
    parameter::{optional, required},
    result::quoted,
};

pub(super) static TOOLS: &[Definition] = &[
    Definition {
        name: "get_merge_request",
        description: "Fetches one merge request: its title, description, state, branches, author, \
                      reviewers and pipeline. For what it changes use list_merge_request_diffs, for \
                      what was said list_all_merge_request_notes.",
        parameters: &[PROJECT_ID, MERGE_REQUEST_IID, URL],
        display: |arguments| format!("Read merge request {}", which(arguments)),
        call: |workplace, arguments| Box::pin(get(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "list_merge_request_diffs",
        description: "Lists what a merge request changes: for each file its old and new path and \
                      the difference.",
        parameters: &[PROJECT_ID, MERGE_REQUEST_IID, URL],
        display: |arguments| format!("Read the changes of merge request {}", which(arguments)),
        call: |workplace, arguments| Box::pin(list_diffs(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "create_merge_request",
        description: "Opens a merge request from one branch into another. The source branch has to \
                      be there.",
        parameters: NEW,
        display: |arguments| {
            let title = arguments.words("title").unwrap_or_default();
            format!("Create merge request {}", quoted(title))
        },
        call: |workplace, arguments| Box::pin(create(workplace, arguments)),
        ..WRITING_GITLAB
    },
    Definition {
        name: "update_merge_request",
        description: "Changes a merge request: its title, description, target branch, people, \
                      labels or milestone, or closes or reopens it. What is left out stays.",
        parameters: CHANGES,
        display: |arguments| format!("Update merge request {}", which(arguments)),
        call: |workplace, arguments| Box::pin(update(workplace, arguments)),
        ..WRITING_GITLAB
    },
];

async fn get(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let endpoint = merge_request(workplace, arguments)?;
    Ok(workplace.get_json(&endpoint).await?.to_string())
}

async fn list_diffs(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let list = merge_request(workplace, arguments)?.then("diffs");
    let mut pages = Pages::read(workplace, &list, pages::MOST).await?;
    pages.items = diffs::permitted(&workplace.facts, pages.items);
    Ok(pages.text())
}

async fn create(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let project = identification::project(workplace, arguments)?;
    let endpoint = Endpoint::project(&project).then("merge_requests");
    let body = arguments.body(&names(NEW, &[]));
    workplace.send_json("POST", &endpoint, body).await
}

async fn update(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let endpoint = merge_request(workplace, arguments)?;
    let names = names(CHANGES, &[MERGE_REQUEST_IID.name]);
    let body = arguments.body(&names);
    if body.is_empty() {
        let text = format!(
            "nothing to change is given; give one of {}",
            names.join(", ")
        );
        return Err(ToolError::Argument(text));
    }
    workplace.send_json("PUT", &endpoint, body).await
}

/// What GitLab is told: all but what stands in the path.
pub(super) fn names(parameters: &'static [Parameter], in_path: &[&str]) -> Vec<&'static str> {
    let names = parameters.iter().map(|parameter| parameter.name);
    names
        .filter(|name| ![PROJECT_ID.name, URL.name].contains(name) && !in_path.contains(name))
        .collect()
}

/// The merge request that a call is about.
pub(super) fn merge_request(
    workplace: &Workplace,
    arguments: Arguments<'_>,
) -> Result<Endpoint, ToolError> {
    let name = MERGE_REQUEST_IID.name;
    let (project, iid) = numbered(workplace, arguments, "merge_requests", name)?;
    Ok(Endpoint::project(&project)
        .then("merge_requests")
        .segment(iid))
}

/// For people: `!5 in group/project`, or the address.
pub(super) fn which(arguments: Arguments<'_>) -> String {
    let iid = arguments
        .value(MERGE_REQUEST_IID.name)
        .map(Value::to_string);
    let iid = iid.map(|iid| format!("!{}", iid.trim_matches('"')));
    match (
        arguments.words("url"),
        iid,
        identification::named(arguments),
    ) {
        (Some(url), ..) => quoted(url),
        (None, Some(iid), Some(project)) => quoted(&format!("{iid} in {project}")),
        (None, Some(iid), None) => quoted(&iid),
        (None, None, _) => String::new(),
    }
}

pub(super) const MERGE_REQUEST_IID: Parameter = optional(
    "merge_request_iid",
    Kind::Number,
    "The merge request's number in its project, as in !12.",
);

const TITLE: &str = "The title. One that begins with Draft: cannot be merged yet.";
const DESCRIPTION: Parameter = optional(
    "description",
    Kind::Text,
    "What the changes do, in Markdown.",
);
const ASSIGNEES: Parameter = optional(
    "assignee_ids",
    Kind::Numbers,
    "User numbers of the assignees.",
);
const REVIEWERS: Parameter = optional(
    "reviewer_ids",
    Kind::Numbers,
    "User numbers of the reviewers.",
);
const LABELS: Parameter = optional("labels", Kind::Texts, "The labels, all of them.");
const MILESTONE_ID: Parameter = optional(
    "milestone_id",
    Kind::Number,
    "The milestone's number in all of GitLab; 0 for none.",
);
const REMOVE_SOURCE_BRANCH: Parameter = optional(
    "remove_source_branch",
    Kind::Flag,
    "Whether the source branch goes once the changes are merged.",
);
const SQUASH: Parameter = optional(
    "squash",
    Kind::Flag,
    "Whether the commits are merged as one.",
);
const ALLOW_COLLABORATION: Parameter = optional(
    "allow_collaboration",
    Kind::Flag,
    "Whether members of the target project may push to the source branch.",
);

const NEW: &[Parameter] = &[
    PROJECT_ID,
    URL,
    required("source_branch", Kind::Text, "The branch with the changes."),
    required("target_branch", Kind::Text, "The branch that they go into."),
    required("title", Kind::Text, TITLE),
    DESCRIPTION,
    optional(
        "target_project_id",
        Kind::Number,
        "The number of the project that the target branch is in, if the source is a fork.",
    ),
    ASSIGNEES,
    REVIEWERS,
    LABELS,
    MILESTONE_ID,
    REMOVE_SOURCE_BRANCH,
    SQUASH,
    ALLOW_COLLABORATION,
];

const CHANGES: &[Parameter] = &[
    PROJECT_ID,
    MERGE_REQUEST_IID,
    URL,
    optional("title", Kind::Text, TITLE),
    DESCRIPTION,
    optional(
        "target_branch",
        Kind::Text,
        "The branch that the changes go into.",
    ),
    optional(
        "state_event",
        Kind::Word(&["close", "reopen"]),
        "Closes or reopens it.",
    ),
    ASSIGNEES,
    REVIEWERS,
    LABELS,
    optional("add_labels", Kind::Texts, "Labels to add to those it has."),
    optional("remove_labels", Kind::Texts, "Labels to take away."),
    MILESTONE_ID,
    optional(
        "discussion_locked",
        Kind::Flag,
        "Whether only members may comment.",
    ),
    REMOVE_SOURCE_BRANCH,
    SQUASH,
    ALLOW_COLLABORATION,
];
