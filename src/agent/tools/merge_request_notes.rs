//! What is said about merge requests: notes, and the discussions that they belong to.

use serde_json::{Map, Value, json};

use super::{
    Arguments, Definition, Endpoint, Kind, Parameter, ToolError, Workplace,
    definition::{READING_GITLAB, WRITING_GITLAB},
    identification::{PROJECT_ID, URL},
    merge_requests::{MERGE_REQUEST_IID, merge_request, which},
    pages::{self, Pages},
    parameter::{optional, required},
};

pub(super) static TOOLS: &[Definition] = &[
    Definition {
        name: "list_all_merge_request_notes",
        description: "Lists every comment on a merge request, the newest first, with what GitLab \
                      itself noted, such as changed labels. For comments by thread, and which are \
                      resolved, use list_mr_discussions where it is offered.",
        parameters: &[PROJECT_ID, MERGE_REQUEST_IID, URL],
        display: |arguments| format!("Read comments on merge request {}", which(arguments)),
        call: |workplace, arguments| Box::pin(list_notes(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "create_merge_request_note",
        description: "Comments on a merge request as a whole, or answers one of its comments with \
                      note_id.",
        parameters: &[
            PROJECT_ID,
            MERGE_REQUEST_IID,
            URL,
            BODY,
            optional(
                "note_id",
                Kind::Number,
                "The number of the comment to answer; the answer stands in its thread.",
            ),
            optional(
                "internal",
                Kind::Flag,
                "Whether the team alone sees a new comment. An answer is seen as its thread is.",
            ),
        ],
        display: |arguments| format!("Comment on merge request {}", which(arguments)),
        call: |workplace, arguments| Box::pin(create_note(workplace, arguments)),
        ..WRITING_GITLAB
    },
    Definition {
        name: "create_merge_request_diff_note",
        description: "Comments on a line that a merge request changes, and so begins a thread. Give \
                      new_line for an added line, old_line for a removed one, both for one that \
                      stayed as it was.",
        parameters: &[
            PROJECT_ID,
            MERGE_REQUEST_IID,
            URL,
            BODY,
            optional("old_path", Kind::Text, "The file's path before the change."),
            optional("new_path", Kind::Text, "The file's path after the change."),
            optional(
                "old_line",
                Kind::Number,
                "The line's number before the change.",
            ),
            optional(
                "new_line",
                Kind::Number,
                "The line's number after the change.",
            ),
        ],
        display: |arguments| format!("Comment on a line of merge request {}", which(arguments)),
        call: |workplace, arguments| Box::pin(create_diff_note(workplace, arguments)),
        ..WRITING_GITLAB
    },
    Definition {
        name: "list_mr_discussions",
        description: "Lists the threads of a merge request with their comments, the oldest first: \
                      the id that answers and resolving need, the file and line, and whether it is \
                      resolved.",
        parameters: &[PROJECT_ID, MERGE_REQUEST_IID, URL],
        display: |arguments| format!("Read threads of merge request {}", which(arguments)),
        call: |workplace, arguments| Box::pin(list_discussions(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "reply_to_discussion",
        description: "Answers in a thread of a merge request.",
        parameters: &[PROJECT_ID, MERGE_REQUEST_IID, URL, DISCUSSION_ID, BODY],
        display: |arguments| format!("Answer in a thread of merge request {}", which(arguments)),
        call: |workplace, arguments| Box::pin(reply(workplace, arguments)),
        ..WRITING_GITLAB
    },
    Definition {
        name: "set_discussion_resolved",
        description: "Marks a thread of a merge request as resolved, or as open again.",
        parameters: &[
            PROJECT_ID,
            MERGE_REQUEST_IID,
            URL,
            DISCUSSION_ID,
            required("resolved", Kind::Flag, "Whether it is resolved."),
        ],
        display: |arguments| match arguments.flag("resolved") {
            Some(false) => format!("Reopen a thread of merge request {}", which(arguments)),
            _ => format!("Resolve a thread of merge request {}", which(arguments)),
        },
        call: |workplace, arguments| Box::pin(set_resolved(workplace, arguments)),
        ..WRITING_GITLAB
    },
];

async fn list_notes(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let notes = merge_request(workplace, arguments)?.then("notes");
    let pages = Pages::read(workplace, &notes, pages::MOST).await?;
    Ok(pages.text())
}

async fn create_note(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let merge_request = merge_request(workplace, arguments)?;
    if let Some(note) = arguments.number("note_id") {
        let discussion = discussion_of(workplace, &merge_request, note).await?;
        return answer(workplace, merge_request, &discussion, arguments).await;
    }
    let body = arguments.body(&["body", "internal"]);
    let notes = merge_request.then("notes");
    workplace.send_json("POST", &notes, body).await
}

/// The discussion that a note stands in.
async fn discussion_of(
    workplace: &Workplace,
    merge_request: &Endpoint,
    note: u64,
) -> Result<String, ToolError> {
    let list = merge_request.clone().then("discussions");
    let pages = Pages::read(workplace, &list, pages::MOST).await?;
    let holds = |discussion: &&Value| {
        let notes = discussion.get("notes").and_then(Value::as_array);
        let mut notes = notes.into_iter().flatten();
        notes.any(|it| it.get("id").and_then(Value::as_u64) == Some(note))
    };
    let found = pages.items.iter().find(holds);
    let id = found.and_then(|it| it.get("id")).and_then(Value::as_str);
    id.map(ToOwned::to_owned).ok_or_else(|| {
        let place = if pages.is_whole {
            ""
        } else {
            " that were read"
        };
        ToolError::Argument(format!(
            "note_id {note} is in none of the merge request's threads{place}; \
             list_all_merge_request_notes tells the numbers"
        ))
    })
}

async fn create_diff_note(
    workplace: &Workplace,
    arguments: Arguments<'_>,
) -> Result<String, ToolError> {
    let merge_request = merge_request(workplace, arguments)?;
    let lines = arguments.body(&["old_line", "new_line"]);
    let (old, new) = (arguments.words("old_path"), arguments.words("new_path"));
    let (Some(old_path), Some(new_path)) = (old.or(new), new.or(old)) else {
        return Err(ToolError::Argument(
            "new_path is missing; old_path alone is enough for a file that was removed".into(),
        ));
    };
    if lines.is_empty() {
        let text = "new_line and old_line are missing; give the one of the line that is meant";
        return Err(ToolError::Argument(text.to_owned()));
    }
    let found = workplace.get_json(&merge_request).await?;
    let mut position = Map::new();
    position.insert("position_type".to_owned(), "text".into());
    for name in ["base_sha", "start_sha", "head_sha"] {
        let sha = found.get("diff_refs").and_then(|refs| refs.get(name));
        let sha = sha.and_then(Value::as_str).ok_or_else(|| {
            ToolError::Denied(
                "GitLab has not prepared the merge request's changes yet; try again later".into(),
            )
        })?;
        position.insert(name.to_owned(), sha.into());
    }
    position.insert("old_path".to_owned(), old_path.into());
    position.insert("new_path".to_owned(), new_path.into());
    position.extend(lines);
    let mut body = arguments.body(&["body"]);
    body.insert("position".to_owned(), json!(position));
    let discussions = merge_request.then("discussions");
    workplace.send_json("POST", &discussions, body).await
}

async fn list_discussions(
    workplace: &Workplace,
    arguments: Arguments<'_>,
) -> Result<String, ToolError> {
    let list = merge_request(workplace, arguments)?.then("discussions");
    let pages = Pages::read(workplace, &list, pages::MOST).await?;
    Ok(pages.text())
}

async fn reply(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let merge_request = merge_request(workplace, arguments)?;
    let discussion = said_discussion(arguments)?;
    answer(workplace, merge_request, discussion, arguments).await
}

async fn answer(
    workplace: &Workplace,
    merge_request: Endpoint,
    discussion: &str,
    arguments: Arguments<'_>,
) -> Result<String, ToolError> {
    let notes = merge_request
        .then("discussions")
        .segment(discussion)
        .then("notes");
    let body = arguments.body(&["body"]);
    workplace.send_json("POST", &notes, body).await
}

async fn set_resolved(
    workplace: &Workplace,
    arguments: Arguments<'_>,
) -> Result<String, ToolError> {
    let discussion = merge_request(workplace, arguments)?
        .then("discussions")
        .segment(said_discussion(arguments)?);
    let resolved = arguments.flag("resolved");
    let body = [("resolved".to_owned(), json!(resolved))];
    let body = body.into_iter().collect();
    workplace.send_json("PUT", &discussion, body).await
}

/// Identifiers of discussions are hexadecimal; a word such as `..` would be another path.
fn said_discussion(arguments: Arguments<'_>) -> Result<&str, ToolError> {
    let id = arguments.words(DISCUSSION_ID.name).unwrap_or_default();
    if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(id);
    }
    Err(ToolError::Argument(
        "discussion_id must be an id as list_mr_discussions tells it".to_owned(),
    ))
}

const BODY: Parameter = required("body", Kind::Text, "What is said, in Markdown.");

const DISCUSSION_ID: Parameter = required(
    "discussion_id",
    Kind::Text,
    "The thread's id, as list_mr_discussions tells it.",
);
