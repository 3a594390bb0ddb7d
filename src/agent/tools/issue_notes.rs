//! What people say about issues.

use super::{
    Arguments, Definition, Kind, ToolError, Workplace,
    definition::{READING_GITLAB, WRITING_GITLAB},
    identification::{PROJECT_ID, URL},
    issues::{ISSUE_IID, issue, which},
    pages::{MOST, Pages},
    parameter::{optional, required},
};

pub(super) const LIST: Definition = Definition {
    name: "list_issue_notes",
    description: "Reads all that was commented on an issue, and what GitLab noted of its changes, \
                  oldest first.",
    parameters: &[PROJECT_ID, ISSUE_IID, URL],
    display: |arguments| format!("Read comments on issue {}", which(arguments)),
    call: |workplace, arguments| Box::pin(list(workplace, arguments)),
    ..READING_GITLAB
};

pub(super) const GET: Definition = Definition {
    name: "get_issue_note",
    description: "Fetches one comment on an issue by its number.",
    parameters: &[
        PROJECT_ID,
        ISSUE_IID,
        URL,
        required(
            "note_id",
            Kind::Number,
            "The comment's number, as in #note_123.",
        ),
    ],
    display: |arguments| format!("Read a comment on issue {}", which(arguments)),
    call: |workplace, arguments| Box::pin(get(workplace, arguments)),
    ..READING_GITLAB
};

pub(super) const CREATE: Definition = Definition {
    name: "create_issue_note",
    description: "Comments on an issue in the user's name. Lines that begin with / are quick actions \
                  and are carried out.",
    parameters: &[
        PROJECT_ID,
        ISSUE_IID,
        URL,
        required("body", Kind::Text, "What is said, in Markdown."),
        optional(
            "internal",
            Kind::Flag,
            "Whether only members of the project see it.",
        ),
    ],
    display: |arguments| format!("Comment on issue {}", which(arguments)),
    call: |workplace, arguments| Box::pin(create(workplace, arguments)),
    ..WRITING_GITLAB
};

async fn list(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let notes = issue(workplace, arguments)?
        .then("notes")
        .query("sort", Some("asc"));
    Ok(Pages::read(workplace, &notes, MOST).await?.text())
}

async fn get(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let number = arguments.number("note_id").unwrap_or_default();
    let note = issue(workplace, arguments)?.then("notes").segment(number);
    Ok(workplace.get_json(&note).await?.to_string())
}

async fn create(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let notes = issue(workplace, arguments)?.then("notes");
    let body = arguments.body(&["body", "internal"]);
    workplace.send_json("POST", &notes, body).await
}
