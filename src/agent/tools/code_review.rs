//! Reviews of merge requests by an agent: what it reads, and where its comments go.

use serde_json::{Map, Value, json};

use super::{
    Arguments, Definition, Endpoint, Kind, ToolError, Workplace,
    definition::{READING_GITLAB, WRITING_GITLAB},
    identification::{PROJECT_ID, URL, numbered},
    merge_requests::{MERGE_REQUEST_IID, which},
    parameter::{optional, required},
    result::SAID,
    review_context,
};

pub(super) static TOOLS: &[Definition] = &[
    Definition {
        name: "build_review_merge_request_context",
        description: "Gathers what a review of a merge request needs in one text: its title and \
                      description, what it changes with the number of each line, the changed files as \
                      they are afterwards, and the project's own instructions for reviews.",
        parameters: &[
            PROJECT_ID,
            MERGE_REQUEST_IID,
            URL,
            optional(
                "only_diffs",
                Kind::Flag,
                "Whether the title and the changes are all that is wanted.",
            ),
            optional(
                "lightweight",
                Kind::Flag,
                "Whether the files themselves are left out.",
            ),
            optional(
                "include_diff_links",
                Kind::Flag,
                "Whether each change has the web address that shows it.",
            ),
        ],
        display: |arguments| format!("Prepare the review of merge request {}", which(arguments)),
        call: |workplace, arguments| Box::pin(review_context::build(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "post_duo_code_review",
        description: "Posts a finished review to a merge request as GitLab Duo's: each comment on \
                      its line, and the summary. For agents that GitLab itself started to review.",
        parameters: &[
            PROJECT_ID,
            MERGE_REQUEST_IID,
            URL,
            required(
                "review_output",
                Kind::Text,
                "The review in one block <review>…</review>; in it, each at the start of a line, \
                 <comment file=\"…\" old_line=\"…\" new_line=\"…\">…</comment>, and at most one \
                 <summary>…</summary>.",
            ),
        ],
        display: |arguments| format!("Post the review of merge request {}", which(arguments)),
        call: |workplace, arguments| Box::pin(post(workplace, arguments)),
        ..WRITING_GITLAB
    },
];

async fn post(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let name = MERGE_REQUEST_IID.name;
    let (project, iid) = numbered(workplace, arguments, "merge_requests", name)?;
    let review = arguments.required_text("review_output");
    // GitLab reads the last block
    let is_block = review.rfind("<review>").is_some_and(|start| {
        review
            .get(start..)
            .unwrap_or_default()
            .contains("</review>")
    });
    if !is_block {
        return Err(ToolError::Argument(
            "review_output holds no whole block <review>…</review>; write the review into one"
                .to_owned(),
        ));
    }
    let mut body = Map::new();
    body.insert("project_id".to_owned(), number_or_text(&project));
    body.insert("merge_request_iid".to_owned(), iid.into());
    body.insert("review_output".to_owned(), review.into());
    let session = number_or_text(&workplace.facts.workflow_id);
    body.insert("workflow_id".to_owned(), session);
    let endpoint = Endpoint::new("ai/duo_workflows/code_review/add_comments");
    let answer = workplace.send_json("POST", &endpoint, body).await?;
    let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
    let message = answer.get("message").and_then(Value::as_str);
    match message {
        Some(DONE) => Ok(DONE.to_owned()),
        Some(other) => {
            let said: String = other.chars().take(SAID).collect();
            let text = format!("GitLab posted no comments: {said}");
            Err(ToolError::Denied(text))
        }
        None => Err(ToolError::Denied(
            "GitLab does not say that it posted the comments".to_owned(),
        )),
    }
}

/// GitLab's own numbers are numbers in bodies.
fn number_or_text(said: &str) -> Value {
    match said.parse::<u64>() {
        Ok(number) => number.into(),
        Err(_) => json!(said),
    }
}

/// What GitLab says if it did it (agent-platform 6.3).
const DONE: &str = "Comments added successfully";
