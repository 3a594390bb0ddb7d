//! Work items that are made, changed and commented on.

use serde_json::{Map, Value, json};

use super::{
    Arguments, Definition, Kind, Parameter, ToolError, Workplace,
    definition::WRITING_GITLAB,
    identification::{PROJECT_ID, URL},
    parameter::{number, optional, required},
    result::quoted,
    work_item_place::{GROUP_ID, Owner, WORK_ITEM_IID, at, found, variables, which},
};

pub(super) static TOOLS: &[Definition] = &[
    Definition {
        name: "create_work_item",
        description: "Makes a work item (an issue, task, epic, incident or the like) in a project \
                      or a group. Epics live in groups alone.",
        parameters: NEW,
        display: |arguments| {
            let title = arguments.words("title").unwrap_or_default();
            format!("Create work item {}", quoted(title))
        },
        call: |workplace, arguments| Box::pin(create(workplace, arguments)),
        ..WRITING_GITLAB
    },
    Definition {
        name: "update_work_item",
        description: "Changes a work item: its title, description, people, labels, dates, weight, \
                      parent or milestone, or closes or reopens it. What is left out stays.",
        parameters: CHANGES,
        display: |arguments| format!("Update work item{}", which(arguments)),
        call: |workplace, arguments| Box::pin(update(workplace, arguments)),
        ..WRITING_GITLAB
    },
    Definition {
        name: "create_work_item_note",
        description: "Comments on a work item, or answers in one of its threads with \
                      discussion_id.",
        parameters: &[
            PROJECT_ID,
            GROUP_ID,
            WORK_ITEM_IID,
            URL,
            required("body", Kind::Text, "What to say, in Markdown."),
            optional(
                "internal",
                Kind::Flag,
                "Whether the team alone sees it. Left out: everybody does who sees the work item.",
            ),
            optional(
                "discussion_id",
                Kind::Text,
                "The id of the thread to answer in, as get_work_item_notes gives it.",
            ),
        ],
        display: |arguments| format!("Comment on work item{}", which(arguments)),
        call: |workplace, arguments| Box::pin(create_note(workplace, arguments)),
        ..WRITING_GITLAB
    },
];

async fn create(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let fields = fields(arguments, NEW);
    let owner = Owner::of(workplace, arguments).await?;
    let kind = arguments.words("type_name").unwrap_or("Issue");
    let mut input = Map::new();
    input.insert(
        "workItemTypeId".to_owned(),
        type_id(workplace, &owner, kind).await?,
    );
    input.insert("namespacePath".to_owned(), owner.path.into());
    input.extend(fields);
    change(workplace, CREATE, input).await
}

async fn update(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let fields = fields(arguments, CHANGES);
    if fields.is_empty() {
        let names = CHANGES.iter().skip(IDENTIFYING).map(|it| it.name);
        return Err(ToolError::Argument(format!(
            "nothing to change is given; give one of {}",
            names.collect::<Vec<_>>().join(", ")
        )));
    }
    let mut input = Map::new();
    input.insert("id".to_owned(), id(workplace, arguments).await?);
    input.extend(fields);
    change(workplace, UPDATE, input).await
}

async fn create_note(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let mut input = Map::new();
    input.insert("noteableId".to_owned(), id(workplace, arguments).await?);
    input.insert("body".to_owned(), arguments.required_text("body").into());
    let internal = arguments.flag("internal").map(Value::from);
    input.extend(internal.map(|it| ("internal".to_owned(), it)));
    let thread = arguments.words("discussion_id").map(Value::from);
    input.extend(thread.map(|it| ("discussionId".to_owned(), it)));
    change(workplace, CREATE_NOTE, input).await
}

/// Has GitLab do it. It says what it refuses in its answer, which is no error of GraphQL's.
async fn change(
    workplace: &Workplace,
    mutation: &str,
    input: Map<String, Value>,
) -> Result<String, ToolError> {
    let data = workplace
        .graphql(mutation, json!({ "input": input }))
        .await?;
    let made = at(&data, "/change/made");
    let errors = at(&data, "/change/errors").as_array().map(Vec::as_slice);
    match errors {
        Some([]) if made.is_object() => Ok(made.to_string()),
        Some(errors) if !errors.is_empty() => {
            let errors = errors.iter().filter_map(Value::as_str);
            let errors = errors.collect::<Vec<_>>().join("; ");
            Err(ToolError::Denied(format!("GitLab refused: {errors}")))
        }
        _ => Err(ToolError::Denied(
            "GitLab does not say that it did it".to_owned(),
        )),
    }
}

/// What GraphQL calls the work item.
async fn id(workplace: &Workplace, arguments: Arguments<'_>) -> Result<Value, ToolError> {
    let variables = variables(workplace, arguments).await?;
    let data = workplace.graphql(ID, variables.clone()).await?;
    Ok(at(found(&data, &variables)?, "/id").clone())
}

/// What GraphQL calls a type of work items: its number differs between installations.
async fn type_id(workplace: &Workplace, owner: &Owner, kind: &str) -> Result<Value, ToolError> {
    let data = workplace
        .graphql(TYPES, json!({ "path": owner.path }))
        .await?;
    let types = at(&data, "/namespace/workItemTypes/nodes").as_array();
    let Some(types) = types else {
        return Err(ToolError::Denied(format!(
            "there is no project or group {}, or the user does not see it",
            owner.path
        )));
    };
    let plain = |name: &str| name.replace(['_', '-'], " ").to_lowercase();
    let names = types.iter().filter_map(|it| at(it, "/name").as_str());
    let fits = |it: &&Value| at(it, "/name").as_str().map(plain) == Some(plain(kind));
    match types.iter().find(fits) {
        Some(found) => Ok(at(found, "/id").clone()),
        None => Err(ToolError::Argument(format!(
            "type_name must be one of {}",
            names.collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// What is said of a work item as GraphQL has it: some of it in the widget that it belongs to.
fn fields(arguments: Arguments<'_>, parameters: &[Parameter]) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, place) in PLACES {
        if !parameters.iter().any(|parameter| parameter.name == *name) {
            continue;
        }
        let said = match (*name, arguments.value(name)) {
            (_, None) => continue,
            ("confidential", _) => arguments.flag(name).map(Value::from),
            ("weight", _) => arguments.number(name).map(Value::from),
            ("assignee_ids", Some(ids)) => Some(global_ids("User", ids)),
            ("label_ids" | "add_label_ids" | "remove_label_ids", Some(ids)) => {
                Some(global_ids("Label", ids))
            }
            ("parent_id", _) => arguments.number(name).map(|id| global_id("WorkItem", id)),
            ("milestone_id", _) => arguments.number(name).map(|id| match id {
                0 => Value::Null,
                id => global_id("Milestone", id),
            }),
            (_, Some(value)) => Some(value.clone()),
        };
        let Some(said) = said else { continue };
        match place.split_once('.') {
            Some((widget, field)) => {
                let widget = fields.entry(widget).or_insert_with(|| json!({}));
                if let Value::Object(widget) = widget {
                    widget.insert(field.to_owned(), said);
                }
            }
            None => {
                fields.insert((*place).to_owned(), said);
            }
        }
    }
    fields
}

fn global_id(kind: &str, id: u64) -> Value {
    format!("gid://gitlab/{kind}/{id}").into()
}

fn global_ids(kind: &str, ids: &Value) -> Value {
    let ids = ids.as_array().into_iter().flatten();
    let ids = ids.filter_map(number);
    ids.map(|id| global_id(kind, id)).collect()
}

/// Arguments, and where each stands in GraphQL's input.
const PLACES: &[(&str, &str)] = &[
    ("title", "title"),
    ("confidential", "confidential"),
    ("state_event", "stateEvent"),
    ("description", "descriptionWidget.description"),
    ("assignee_ids", "assigneesWidget.assigneeIds"),
    ("label_ids", "labelsWidget.labelIds"),
    ("add_label_ids", "labelsWidget.addLabelIds"),
    ("remove_label_ids", "labelsWidget.removeLabelIds"),
    ("start_date", "startAndDueDateWidget.startDate"),
    ("due_date", "startAndDueDateWidget.dueDate"),
    ("weight", "weightWidget.weight"),
    ("health_status", "healthStatusWidget.healthStatus"),
    ("parent_id", "hierarchyWidget.parentId"),
    ("milestone_id", "milestoneWidget.milestoneId"),
];

const TITLE: &str = "The title, in a line.";
const DESCRIPTION: Parameter =
    optional("description", Kind::Text, "What it is about, in Markdown.");
const ASSIGNEES: Parameter = optional(
    "assignee_ids",
    Kind::Numbers,
    "User numbers of the assignees.",
);
const CONFIDENTIAL: Parameter = optional(
    "confidential",
    Kind::Flag,
    "Whether the team alone sees it.",
);
const START_DATE: Parameter = optional(
    "start_date",
    Kind::Text,
    "The day it begins, as in 2026-12-01.",
);
const DUE_DATE: Parameter = optional(
    "due_date",
    Kind::Text,
    "The day it is due, as in 2026-12-31.",
);
const WEIGHT: Parameter = optional("weight", Kind::Number, "How much work it is, in points.");
const HEALTH_STATUS: Parameter = optional(
    "health_status",
    Kind::Word(&["onTrack", "needsAttention", "atRisk"]),
    "How it goes.",
);
const PARENT_ID: Parameter = optional(
    "parent_id",
    Kind::Number,
    "The number of the work item that it is a part of, the one at the end of its id.",
);
const MILESTONE_ID: Parameter = optional(
    "milestone_id",
    Kind::Number,
    "The milestone's number in all of GitLab; 0 for none.",
);

const NEW: &[Parameter] = &[
    PROJECT_ID,
    GROUP_ID,
    URL,
    required("title", Kind::Text, TITLE),
    optional(
        "type_name",
        Kind::Text,
        "Its type: Issue, Task, Epic, Incident, Objective, Key Result, Requirement, Test Case or \
         Ticket. Left out: Issue.",
    ),
    DESCRIPTION,
    ASSIGNEES,
    optional("label_ids", Kind::Numbers, "Numbers of its labels."),
    CONFIDENTIAL,
    START_DATE,
    DUE_DATE,
    WEIGHT,
    HEALTH_STATUS,
    PARENT_ID,
    MILESTONE_ID,
];

/// How many of [`CHANGES`] say which work item is meant.
const IDENTIFYING: usize = 4;

const CHANGES: &[Parameter] = &[
    PROJECT_ID,
    GROUP_ID,
    WORK_ITEM_IID,
    URL,
    optional("title", Kind::Text, TITLE),
    optional(
        "state_event",
        Kind::Word(&["CLOSE", "REOPEN"]),
        "Closes or reopens it.",
    ),
    DESCRIPTION,
    ASSIGNEES,
    optional("add_label_ids", Kind::Numbers, "Numbers of labels to add."),
    optional(
        "remove_label_ids",
        Kind::Numbers,
        "Numbers of labels to take away.",
    ),
    CONFIDENTIAL,
    START_DATE,
    DUE_DATE,
    WEIGHT,
    HEALTH_STATUS,
    PARENT_ID,
    MILESTONE_ID,
];

const CREATE: &str = include_str!("queries/create_work_item.graphql");
const UPDATE: &str = include_str!("queries/update_work_item.graphql");
const CREATE_NOTE: &str = include_str!("queries/create_work_item_note.graphql");
const ID: &str = include_str!("queries/work_item_id.graphql");
const TYPES: &str = include_str!("queries/work_item_types.graphql");
