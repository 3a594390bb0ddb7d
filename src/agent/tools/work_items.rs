//! Work items: issues, tasks, epics and their like, which share one API.

use serde_json::{Map, Value, json};

use super::{
    Arguments, Definition, Kind, Parameter, ToolError, Workplace,
    definition::READING_GITLAB,
    identification::{PROJECT_ID, URL},
    parameter::optional,
    work_item_place::{GROUP_ID, Owner, WORK_ITEM_IID, at, found, variables, which},
};

pub(super) static TOOLS: &[Definition] = &[
    Definition {
        name: "get_work_item",
        description: "Fetches one work item (an issue, task, epic, incident or the like): its \
                      title, description, state, people, labels, dates, parent, children and linked \
                      items. For what was said use get_work_item_notes.",
        parameters: &[PROJECT_ID, GROUP_ID, WORK_ITEM_IID, URL],
        display: |arguments| format!("Read work item{}", which(arguments)),
        call: |workplace, arguments| Box::pin(get(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "list_work_items",
        description: "Lists work items (issues, tasks, epics and the like) of a project or a group \
                      by type, state, words, labels, people or time. Where hasNextPage is true, the \
                      next page comes with after set to endCursor.",
        parameters: FILTERS,
        display: |arguments| format!("List work items{}", which(arguments)),
        call: |workplace, arguments| Box::pin(list(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "get_work_item_notes",
        description: "Lists the comments on a work item by thread, with what GitLab itself noted. \
                      Where hasNextPage is true, the next page comes with after set to endCursor.",
        parameters: &[PROJECT_ID, GROUP_ID, WORK_ITEM_IID, URL, AFTER],
        display: |arguments| format!("Read comments on work item{}", which(arguments)),
        call: |workplace, arguments| Box::pin(notes(workplace, arguments)),
        ..READING_GITLAB
    },
];

async fn get(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let variables = variables(workplace, arguments).await?;
    // one field that a GitLab does not know fails the whole query
    let knows_status = workplace.facts.is_at_least(18, 2);
    let newer = if knows_status { STATUS } else { "" };
    let query = WORK_ITEM.replace(NEWER_WIDGETS, newer);
    let data = workplace.graphql(&query, variables.clone()).await?;
    let mut item = found(&data, &variables)?.clone();
    if let Some(Value::Array(widgets)) = item.get_mut("widgets") {
        // of widgets that were not asked for an empty object comes
        widgets.retain(|widget| widget.as_object().is_some_and(|fields| !fields.is_empty()));
    }
    Ok(item.to_string())
}

async fn list(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let mut variables = Map::new();
    for (name, variable) in VARIABLES {
        let said = match *name {
            "types" | "label_names" | "assignee_usernames" => {
                let texts = arguments.texts(name);
                (!texts.is_empty()).then(|| json!(texts))
            }
            "first" => arguments.number(name).map(|first| json!(first.min(MOST))),
            _ => arguments.words(name).map(Value::from),
        };
        variables.extend(said.map(|said| ((*variable).to_owned(), said)));
    }
    let owner = Owner::of(workplace, arguments).await?;
    let query = WORK_ITEMS.replace(OWNER, if owner.is_group { "group" } else { "project" });
    variables.insert("path".to_owned(), owner.path.into());
    let data = workplace.graphql(&query, Value::Object(variables)).await?;
    match at(&data, "/namespace/workItems") {
        Value::Null => Err(ToolError::Denied(
            "there is no such project or group, or the user does not see it".to_owned(),
        )),
        items => Ok(items.to_string()),
    }
}

async fn notes(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let mut variables = variables(workplace, arguments).await?;
    let after = arguments.words(AFTER.name);
    if let (Some(after), Value::Object(variables)) = (after, &mut variables) {
        variables.insert("after".to_owned(), after.into());
    }
    let data = workplace
        .graphql(WORK_ITEM_NOTES, variables.clone())
        .await?;
    let widgets = at(found(&data, &variables)?, "/widgets").as_array();
    let mut widgets = widgets.into_iter().flatten();
    let discussions = widgets.find_map(|widget| widget.get("discussions"));
    match discussions {
        Some(discussions) => Ok(discussions.to_string()),
        None => Ok("Work items of this type have no comments.".to_owned()),
    }
}

const AFTER: Parameter = optional(
    "after",
    Kind::Text,
    "The endCursor of the page before, for the one after it.",
);

const FILTERS: &[Parameter] = &[
    PROJECT_ID,
    GROUP_ID,
    URL,
    optional("search", Kind::Text, "Words of the title or description."),
    optional(
        "state",
        Kind::Word(&["opened", "closed", "all"]),
        "Left out: all of them.",
    ),
    optional(
        "types",
        Kind::Texts,
        "Their types: ISSUE, TASK, EPIC, INCIDENT, OBJECTIVE, KEY_RESULT, REQUIREMENT, TEST_CASE, \
         TICKET.",
    ),
    optional(
        "label_names",
        Kind::Texts,
        "Those that have all of these labels.",
    ),
    optional(
        "author_username",
        Kind::Text,
        "The username of who opened them.",
    ),
    optional(
        "assignee_usernames",
        Kind::Texts,
        "The usernames of their assignees.",
    ),
    optional(
        "created_after",
        Kind::Text,
        "Opened after this time, in ISO 8601.",
    ),
    optional(
        "created_before",
        Kind::Text,
        "Opened before this time, in ISO 8601.",
    ),
    optional(
        "updated_after",
        Kind::Text,
        "Changed after this time, in ISO 8601.",
    ),
    optional(
        "updated_before",
        Kind::Text,
        "Changed before this time, in ISO 8601.",
    ),
    optional("due_after", Kind::Text, "Due after this time, in ISO 8601."),
    optional(
        "due_before",
        Kind::Text,
        "Due before this time, in ISO 8601.",
    ),
    optional(
        "sort",
        Kind::Word(&[
            "CREATED_ASC",
            "CREATED_DESC",
            "UPDATED_ASC",
            "UPDATED_DESC",
            "TITLE_ASC",
            "TITLE_DESC",
        ]),
        "What they are ordered by. Left out: the newest first.",
    ),
    optional(
        "first",
        Kind::Number,
        "How many there are on a page, at most 100.",
    ),
    AFTER,
];

/// Arguments and the variables that they become; what is not said is not sent.
const VARIABLES: &[(&str, &str)] = &[
    ("search", "search"),
    ("state", "state"),
    ("types", "types"),
    ("label_names", "labels"),
    ("author_username", "author"),
    ("assignee_usernames", "assignees"),
    ("created_after", "createdAfter"),
    ("created_before", "createdBefore"),
    ("updated_after", "updatedAfter"),
    ("updated_before", "updatedBefore"),
    ("due_after", "dueAfter"),
    ("due_before", "dueBefore"),
    ("sort", "sort"),
    ("first", "first"),
    ("after", "after"),
];

/// The most that GitLab gives on a page.
const MOST: u64 = 100;

const WORK_ITEM: &str = include_str!("queries/work_item.graphql");
const WORK_ITEMS: &str = include_str!("queries/work_items.graphql");
const WORK_ITEM_NOTES: &str = include_str!("queries/work_item_notes.graphql");

/// Where widgets stand that not every GitLab knows.
const NEWER_WIDGETS: &str = "# newer widgets";

/// Where the query says whose they are: a project's or a group's.
const OWNER: &str = "OWNER";

/// The status beside the state, which came with GitLab 18.2.
const STATUS: &str = "... on WorkItemWidgetStatus { type status { name } }";
