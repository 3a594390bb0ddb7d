//! Issues of projects, over the REST API.

use serde_json::Value;

use super::{
    Arguments, Definition, Endpoint, Kind, Parameter, ToolError, Workplace,
    definition::{READING_GITLAB, WRITING_GITLAB},
    identification::{self, PROJECT_ID, URL, numbered},
    issue_notes,
    parameter::{optional, required},
    result::quoted,
};

pub(super) static TOOLS: &[Definition] = &[
    Definition {
        name: "get_issue",
        description: "Fetches one issue of a project: its title, description, state, labels, \
                      assignees, milestone and dates.",
        parameters: &[PROJECT_ID, ISSUE_IID, URL],
        display: |arguments| format!("Read issue {}", which(arguments)),
        call: |workplace, arguments| Box::pin(get(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "list_issues",
        description: "Lists a project's issues, newest first, filtered by state, labels, people, \
                      milestone, dates or words. Gives one page.",
        parameters: LIST,
        display: |arguments| match identification::named(arguments) {
            Some(name) => format!("List issues of {}", quoted(&name)),
            None => "List issues".to_owned(),
        },
        call: |workplace, arguments| Box::pin(list(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "create_issue",
        description: "Creates an issue in a project and gives it back as GitLab stored it, with its \
                      number and address.",
        parameters: &[
            PROJECT_ID,
            URL,
            required("title", Kind::Text, "The title."),
            DESCRIPTION,
            LABELS,
            ASSIGNEES,
            MILESTONE,
            DUE_DATE,
            CONFIDENTIAL,
        ],
        display: |arguments| {
            let title = arguments.required_text("title");
            format!("Create issue {}", quoted(title))
        },
        call: |workplace, arguments| Box::pin(create(workplace, arguments)),
        ..WRITING_GITLAB
    },
    Definition {
        name: "update_issue",
        description: "Changes an issue: what is given is set, what is left out stays. Closes or \
                      reopens it, too.",
        parameters: &[
            PROJECT_ID,
            ISSUE_IID,
            URL,
            optional("title", Kind::Text, "The new title."),
            DESCRIPTION,
            LABELS,
            optional(
                "add_labels",
                Kind::Texts,
                "Labels that come to those it has.",
            ),
            optional("remove_labels", Kind::Texts, "Labels that it loses."),
            ASSIGNEES,
            MILESTONE,
            DUE_DATE,
            CONFIDENTIAL,
            optional(
                "state_event",
                Kind::Word(&["close", "reopen"]),
                "Closes or reopens it.",
            ),
            optional(
                "discussion_locked",
                Kind::Flag,
                "Whether only members of the project may comment.",
            ),
        ],
        display: |arguments| format!("Update issue {}", which(arguments)),
        call: |workplace, arguments| Box::pin(update(workplace, arguments)),
        ..WRITING_GITLAB
    },
    issue_notes::LIST,
    issue_notes::GET,
    issue_notes::CREATE,
];

async fn get(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let issue = issue(workplace, arguments)?;
    Ok(workplace.get_json(&issue).await?.to_string())
}

async fn list(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let project = identification::project(workplace, arguments)?;
    let names = LIST.iter().map(|parameter| parameter.name);
    let names: Vec<_> = names
        .filter(|name| ![PROJECT_ID.name, URL.name].contains(name))
        .collect();
    let issues = Endpoint::project(&project)
        .then("issues")
        .queries(arguments, &names);
    Ok(workplace.get_json(&issues).await?.to_string())
}

async fn create(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let project = identification::project(workplace, arguments)?;
    let body = arguments.body(&[
        "title",
        "description",
        "labels",
        "assignee_ids",
        "milestone_id",
        "due_date",
        "confidential",
    ]);
    let issues = Endpoint::project(&project).then("issues");
    workplace.send_json("POST", &issues, body).await
}

async fn update(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let issue = issue(workplace, arguments)?;
    let body = arguments.body(&[
        "title",
        "description",
        "labels",
        "add_labels",
        "remove_labels",
        "assignee_ids",
        "milestone_id",
        "due_date",
        "confidential",
        "state_event",
        "discussion_locked",
    ]);
    if body.is_empty() {
        return Err(ToolError::Argument(
            "nothing is said that would change the issue; give title, description, labels, \
             state_event or another field"
                .to_owned(),
        ));
    }
    workplace.send_json("PUT", &issue, body).await
}

/// The issue that a call is about.
pub(super) fn issue(
    workplace: &Workplace,
    arguments: Arguments<'_>,
) -> Result<Endpoint, ToolError> {
    // newer addresses of issues are those of work items
    let is_work_item = arguments
        .words(URL.name)
        .is_some_and(|url| url.contains("/-/work_items/"));
    let kind = if is_work_item { "work_items" } else { "issues" };
    let (project, iid) = numbered(workplace, arguments, kind, ISSUE_IID.name)?;
    Ok(Endpoint::project(&project).then("issues").segment(iid))
}

/// For people: `#5 in group/project`, or the address.
pub(super) fn which(arguments: Arguments<'_>) -> String {
    if let Some(url) = arguments.words(URL.name) {
        return quoted(url);
    }
    let Some(iid) = arguments.value(ISSUE_IID.name).map(Value::to_string) else {
        return String::new();
    };
    let iid = iid.trim_matches('"');
    match identification::named(arguments) {
        Some(project) => quoted(&format!("#{iid} in {project}")),
        None => quoted(&format!("#{iid}")),
    }
}

pub(super) const ISSUE_IID: Parameter = optional(
    "issue_iid",
    Kind::Number,
    "The issue's number in its project, as in #12.",
);

const DESCRIPTION: Parameter =
    optional("description", Kind::Text, "What it is about, in Markdown.");
const LABELS: Parameter = optional(
    "labels",
    Kind::Texts,
    "All labels that it is to have; new ones are created.",
);
const ASSIGNEES: Parameter = optional(
    "assignee_ids",
    Kind::Numbers,
    "User numbers of those who are to do it; an empty list for nobody.",
);
const MILESTONE: Parameter = optional(
    "milestone_id",
    Kind::Number,
    "The milestone's number over all of GitLab, not the one in its project; 0 for none.",
);
const DUE_DATE: Parameter = optional("due_date", Kind::Text, "When it is due: 2026-12-31.");
const CONFIDENTIAL: Parameter = optional(
    "confidential",
    Kind::Flag,
    "Whether only members of the project see it.",
);

/// All but the first two are filters, under GitLab's own names.
const LIST: &[Parameter] = &[
    PROJECT_ID,
    URL,
    optional(
        "state",
        Kind::Word(&["opened", "closed", "all"]),
        "Which; all if left out.",
    ),
    optional(
        "labels",
        Kind::Texts,
        "Only those with all of these labels.",
    ),
    optional(
        "milestone",
        Kind::Text,
        "Only those of this milestone's title.",
    ),
    optional(
        "scope",
        Kind::Word(&["created_by_me", "assigned_to_me", "all"]),
        "Whose; all if left out.",
    ),
    optional(
        "author_username",
        Kind::Text,
        "Only those that this user opened.",
    ),
    optional(
        "assignee_username",
        Kind::Text,
        "Only those that this user is to do.",
    ),
    optional("search", Kind::Text, "Words in title or description."),
    optional(
        "issue_type",
        Kind::Word(&["issue", "incident", "test_case", "task"]),
        "Only those of this type.",
    ),
    optional(
        "confidential",
        Kind::Flag,
        "Only confidential ones, or only others.",
    ),
    optional("created_after", Kind::Text, "A time in ISO 8601."),
    optional("created_before", Kind::Text, "A time in ISO 8601."),
    optional("updated_after", Kind::Text, "A time in ISO 8601."),
    optional("updated_before", Kind::Text, "A time in ISO 8601."),
    optional(
        "order_by",
        Kind::Word(&[
            "created_at",
            "updated_at",
            "due_date",
            "priority",
            "label_priority",
            "milestone_due",
            "popularity",
            "relative_position",
            "title",
            "weight",
        ]),
        "By what they are ordered; by when they were created if left out.",
    ),
    optional(
        "sort",
        Kind::Word(&["asc", "desc"]),
        "The direction; desc if left out.",
    ),
    optional("page", Kind::Number, "The page, from 1."),
    optional(
        "per_page",
        Kind::Number,
        "Elements of a page, up to 100; 20 if left out.",
    ),
];
