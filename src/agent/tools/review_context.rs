//! What a review of a merge request is made from, as one text.

use std::fmt::Write as _;

use serde_json::Value;

use super::{
    Arguments, Endpoint, ToolError, Workplace,
    diffs::{self, paths},
    identification::numbered,
    merge_requests::{MERGE_REQUEST_IID, merge_request},
    numbered_diff::numbered_diff,
    pages::{self, Pages},
    repository_file::{EXCLUDED, RepositoryFile},
};
use crate::foundation::beginning;

/// Gathers the text (agent-platform 6.3): what it is about, the project's instructions, what
/// changes, and the files as they are afterwards.
pub(super) async fn build(
    workplace: &Workplace,
    arguments: Arguments<'_>,
) -> Result<String, ToolError> {
    let is_on = |name| arguments.flag(name).unwrap_or_default();
    let name = MERGE_REQUEST_IID.name;
    let (project, iid) = numbered(workplace, arguments, "merge_requests", name)?;
    let endpoint = merge_request(workplace, arguments)?;
    let found = workplace.get_json(&endpoint).await?;
    let list = endpoint.then("diffs");
    let mut changes = Pages::read(workplace, &list, pages::MOST).await?;
    changes.items = diffs::permitted(&workplace.facts, changes.items);
    let mut text = head(&found);
    if !is_on("only_diffs") {
        describe(&mut text, &found);
        instruct(&mut text, workplace, &project, iid).await?;
    }
    let link = said(&found, "/web_url");
    let link = Some(link).filter(|link| is_on("include_diff_links") && !link.is_empty());
    show_changes(&mut text, &changes, link);
    if !is_on("only_diffs") && !is_on("lightweight") {
        let reference = said(&found, "/diff_refs/head_sha");
        show_files(&mut text, workplace, &project, reference, &changes.items).await?;
    }
    Ok(text)
}

fn head(found: &Value) -> String {
    format!(
        "# Merge request !{}: {}\n\nFrom {} into {}, by {}.\n",
        found.get("iid").and_then(Value::as_u64).unwrap_or_default(),
        said(found, "/title"),
        said(found, "/source_branch"),
        said(found, "/target_branch"),
        said(found, "/author/username"),
    )
}

fn describe(text: &mut String, found: &Value) {
    let description = said(found, "/description");
    if !description.trim().is_empty() {
        let description = beginning(description, DESCRIPTION_BYTES);
        text.push_str("\n## Description\n\n");
        text.push_str(description);
        text.push('\n');
    }
}

async fn instruct(
    text: &mut String,
    workplace: &Workplace,
    project: &str,
    iid: u64,
) -> Result<(), ToolError> {
    let instructions = match of_gitlab(workplace, project, iid).await? {
        Some(instructions) => Some(instructions),
        None => of_file(workplace, project).await?,
    };
    if let Some(instructions) = instructions {
        text.push_str("\n## The project's instructions for reviews\n\n");
        text.push_str("Each counts for the files that its file filters fit.\n\n");
        text.push_str(beginning(instructions.trim(), INSTRUCTION_BYTES));
        text.push('\n');
    }
    Ok(())
}

/// Those of the project, its groups and the instance, of a GitLab that can tell them.
async fn of_gitlab(
    workplace: &Workplace,
    project: &str,
    iid: u64,
) -> Result<Option<String>, ToolError> {
    if !workplace.facts.is_at_least(19, 0) {
        return Ok(None);
    }
    let asked = Endpoint::new("ai/duo_workflows/code_review/custom_instructions")
        .query("project_id", Some(project))
        .query("merge_request_iid", Some(iid));
    match workplace.get_json(&asked).await {
        Ok(answer) => Ok(says_something(&answer).then(|| answer.to_string())),
        Err(ToolError::Executor(error)) => Err(ToolError::Executor(error)),
        // then the project's own are all there are
        Err(_) => Ok(None),
    }
}

/// The project's own, as its default branch has them: a merge request does not write the rules for
/// its own review.
async fn of_file(workplace: &Workplace, project: &str) -> Result<Option<String>, ToolError> {
    match RepositoryFile::read(workplace, project, INSTRUCTIONS, "HEAD").await {
        Ok(file) => Ok(Some(file.text)),
        Err(ToolError::Executor(error)) => Err(ToolError::Executor(error)),
        Err(_) => Ok(None),
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(list) => list.iter().any(says_something),
        Value::Object(fields) => fields.values().any(says_something),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn show_changes(text: &mut String, changes: &Pages, link: Option<&str>) {
    text.push_str("\n## Changes\n\nEach line has its number before and after the change.\n");
    for (shown, diff) in changes.items.iter().enumerate() {
        if text.len() > CHANGES_BYTES {
            let rest = changes.items.len() - shown;
            // writing to a string cannot fail
            let _ = write!(text, "\n{rest} more changed files are not shown.\n");
            break;
        }
        let (old, new) = paths(diff);
        let is = |name| diff.get(name).and_then(Value::as_bool).unwrap_or_default();
        let what = if is("new_file") {
            " (new)".to_owned()
        } else if is("deleted_file") {
            " (removed)".to_owned()
        } else if is("renamed_file") {
            format!(" (was {old})")
        } else {
            String::new()
        };
        let _ = write!(text, "\n### {new}{what}\n\n");
        if let Some(link) = link {
            let _ = write!(text, "{link}/diffs#{}\n\n", anchor(new));
        }
        let said = said(diff, "/diff");
        let shown = if diff.get("excluded").is_some() {
            format!("Not shown: {EXCLUDED}.\n")
        } else if said.is_empty() {
            "GitLab shows no difference: it is empty, too large, or of a binary file.\n".to_owned()
        } else {
            numbered_diff(said)
        };
        if text.len() + shown.len() > CHANGES_BYTES {
            text.push_str("Not shown: too long beside the others; read the file itself.\n");
        } else {
            text.push_str(&shown);
        }
    }
    if !changes.is_whole {
        text.push_str("\nThere are more changed files than these.\n");
    }
}

/// Files that are new or gone are whole in their differences.
async fn show_files(
    text: &mut String,
    workplace: &Workplace,
    project: &str,
    reference: &str,
    diffs: &[Value],
) -> Result<(), ToolError> {
    let is = |diff: &Value, name| diff.get(name).is_some_and(|value| value == true);
    let is_whole = |diff: &Value| is(diff, "new_file") || is(diff, "deleted_file");
    let is_left = |diff: &&Value| {
        !is_whole(diff) && !is(diff, "generated_file") && diff.get("excluded").is_none()
    };
    if reference.is_empty() {
        return Ok(());
    }
    let files: Vec<_> = diffs.iter().filter(is_left).collect();
    if files.is_empty() {
        return Ok(());
    }
    text.push_str("\n## Files after the change\n");
    for diff in files.iter().take(FILES) {
        let (_, path) = paths(diff);
        // writing to a string cannot fail
        let _ = write!(text, "\n### {path}\n\n");
        let shown = match RepositoryFile::read(workplace, project, path, reference).await {
            Ok(file) if text.len() + file.text.len() > WHOLE_BYTES => {
                "Not shown: too long beside the others; read the file itself.\n".to_owned()
            }
            Ok(file) => file.text,
            Err(ToolError::Executor(error)) => return Err(ToolError::Executor(error)),
            Err(_) => "It could not be read.\n".to_owned(),
        };
        text.push_str(&shown);
    }
    if files.len() > FILES {
        text.push_str("\nThere are more changed files than these; read them by themselves.\n");
    }
    Ok(())
}

/// What GitLab's page of changes calls the place of a file.
fn anchor(path: &str) -> String {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, path.as_bytes());
    data_encoding::HEXLOWER.encode(digest.as_ref())
}

fn said<'v>(value: &'v Value, place: &str) -> &'v str {
    let said = value.pointer(place).and_then(Value::as_str);
    said.unwrap_or_default()
}

/// Where a project keeps its instructions.
const INSTRUCTIONS: &str = ".gitlab/duo/mr-review-instructions.yaml";

/// Of a description: what is longer is no description of a change.
const DESCRIPTION_BYTES: usize = 16 * 1024;

/// Of instructions, which come before what they are about.
const INSTRUCTION_BYTES: usize = 32 * 1024;

/// Of the text when a further difference would make it longer: some room is left for files.
const CHANGES_BYTES: usize = 150 * 1024;

/// Of the whole text: models are given no more of a result whole (`result.rs`).
const WHOLE_BYTES: usize = 190 * 1024;

/// Files that are read: a request each, one after the other.
const FILES: usize = 30;
