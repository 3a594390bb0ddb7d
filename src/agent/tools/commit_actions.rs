//! What a commit does to files: read, judged, and edits made whole contents of.

use serde_json::{Map, Value, json};

use super::{
    ToolError, Workplace,
    repository_file::{RepositoryFile, permitted, plain_path},
};

/// Where a commit begins: files are edited as they are there.
pub(super) struct Origin<'c> {
    pub(super) project: &'c str,
    pub(super) reference: &'c str,
}

/// The schema of one action, for models.
pub(super) fn schema() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "type": "object",
        "properties": {
            "action": {
                "type": "string", "enum": KINDS,
                "description": "What is done: create a file that is not there, update one, delete, \
                                move from previous_path, or chmod.",
            },
            "file_path": text("The file's path from the repository's root."),
            "content": text("The whole new content, for create and update."),
            "old_str": text("For update without content: a part of the file, exactly as it stands \
                             there, and long enough to stand there once."),
            "new_str": text("What takes the place of old_str."),
            "previous_path": text("For move: where the file is now."),
            "encoding": {
                "type": "string", "enum": ["text", "base64"],
                "description": "How content is written; text if left out.",
            },
            "last_commit_id": text("The commit that changed the file last, as far as is known: if \
                                    another has changed it since, nothing is committed."),
            "execute_filemode": {
                "type": "boolean", "description": "For chmod: whether the file can be run.",
            },
        },
        "required": ["action", "file_path"],
        "additionalProperties": false,
    })
}

/// The actions for GitLab. Of an edit the file is read and changed here.
pub(super) async fn read(
    workplace: &Workplace,
    origin: &Origin<'_>,
    said: Vec<&Map<String, Value>>,
) -> Result<Vec<Map<String, Value>>, ToolError> {
    if said.is_empty() || said.len() > MOST {
        let text = format!("actions must hold 1 to {MOST} actions");
        return Err(ToolError::Argument(text));
    }
    let mut actions: Vec<Map<String, Value>> = Vec::with_capacity(said.len());
    for (index, said) in said.into_iter().enumerate() {
        let place = format!("actions[{index}]");
        let mut action = judged(workplace, &place, said)?;
        let Some((old, new)) = edit(&place, said)? else {
            actions.push(action);
            continue;
        };
        // what is made here is text
        action.remove("encoding");
        let path = action.get("file_path").cloned();
        // edits of one file build on each other
        let mut before = actions.iter_mut().rev();
        if let Some(before) = before.find(|it| it.get("file_path") == path.as_ref()) {
            let text = plain_content(before).ok_or_else(|| {
                let text = format!("{place}: an action before it leaves no text to edit");
                ToolError::Argument(text)
            })?;
            let text = edited(&place, text, old, new)?;
            before.insert("content".to_owned(), text.into());
            continue;
        }
        let path = path.as_ref().and_then(Value::as_str).unwrap_or_default();
        let file = RepositoryFile::read(workplace, origin.project, path, origin.reference).await?;
        let text = edited(&place, &file.text, old, new)?;
        action.insert("content".to_owned(), text.into());
        // whoever changed the file in the meantime keeps what they wrote
        if let Some(commit) = file.last_commit_id {
            action.insert("last_commit_id".to_owned(), commit.into());
        }
        actions.push(action);
    }
    Ok(actions)
}

/// An action as it is for GitLab, if there is nothing wrong with it.
fn judged(
    workplace: &Workplace,
    place: &str,
    said: &Map<String, Value>,
) -> Result<Map<String, Value>, ToolError> {
    let mut action = Map::new();
    for name in PASSED_ON {
        if let Some(value) = given(said, name) {
            let is_right = match name {
                "execute_filemode" => value.is_boolean(),
                _ => value.is_string(),
            };
            if !is_right {
                return Err(fault(place, name, "is of the wrong kind"));
            }
            action.insert(name.to_owned(), value.clone());
        }
    }
    for name in ["file_path", "previous_path"] {
        if let Some(path) = action.get(name).and_then(Value::as_str) {
            let path = plain_path(&format!("{place}.{name}"), path)?.to_owned();
            permitted(&workplace.facts, &path)?;
            action.insert(name.to_owned(), path.into());
        }
    }
    let kind = action.get("action").and_then(Value::as_str);
    let kind = kind.filter(|kind| KINDS.contains(kind));
    let needed = match kind {
        None => {
            let text = format!("must be one of {}", KINDS.join(", "));
            return Err(fault(place, "action", &text));
        }
        Some("create") => Some("content"),
        Some("update") if given(said, "old_str").is_none() => Some("content"),
        Some("move") => Some("previous_path"),
        Some("chmod") => Some("execute_filemode"),
        Some(_) => None,
    };
    for name in ["file_path"].into_iter().chain(needed) {
        if !action.contains_key(name) {
            return Err(fault(place, name, "is missing"));
        }
    }
    Ok(action)
}

/// What takes whose place, where an action is an edit.
fn edit<'c>(
    place: &str,
    said: &'c Map<String, Value>,
) -> Result<Option<(&'c str, &'c str)>, ToolError> {
    let Some(old) = given(said, "old_str") else {
        return Ok(None);
    };
    if said.get("action").is_none_or(|action| action != "update")
        || given(said, "content").is_some()
    {
        let text = "belongs to an update without content";
        return Err(fault(place, "old_str", text));
    }
    let old = old.as_str().filter(|old| !old.is_empty());
    let old = old.ok_or_else(|| fault(place, "old_str", "must be a text that says something"))?;
    let new = said.get("new_str").and_then(Value::as_str);
    let new = new.ok_or_else(|| fault(place, "new_str", "is missing"))?;
    Ok(Some((old, new)))
}

/// The text with the one place changed.
fn edited(place: &str, text: &str, old: &str, new: &str) -> Result<String, ToolError> {
    let mut places = text.match_indices(old);
    let fault = |text| Err(fault(place, "old_str", text));
    match (places.next(), places.next()) {
        (Some(_), None) => Ok(text.replacen(old, new, 1)),
        (None, _) => fault("is not in the file; read the file and write it exactly as it stands"),
        (Some(_), Some(_)) => {
            fault("is in the file more than once; write more of what is around it")
        }
    }
}

/// Null counts as not said.
fn given<'c>(said: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    said.get(name).filter(|value| !value.is_null())
}

fn plain_content(action: &Map<String, Value>) -> Option<&str> {
    let is_text = action.get("encoding").is_none_or(|it| it == "text");
    action.get("content")?.as_str().filter(|_| is_text)
}

fn fault(place: &str, name: &str, text: &str) -> ToolError {
    ToolError::Argument(format!("{place}.{name} {text}"))
}

const KINDS: [&str; 5] = ["create", "update", "delete", "move", "chmod"];

/// What GitLab reads of an action.
const PASSED_ON: [&str; 7] = [
    "action",
    "file_path",
    "previous_path",
    "content",
    "encoding",
    "last_commit_id",
    "execute_filemode",
];

/// Actions of a commit: each edit is a request of its own before it.
const MOST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_made_in_one_place() {
        let edit = |old: &str| match edited("actions[0]", "a b a", old, "c") {
            Ok(text) | Err(ToolError::Argument(text)) => text,
            Err(other) => format!("{other:?}"),
        };
        assert_eq!(edit("b"), "a c a");
        assert!(edit("a").contains("more than once"));
        assert!(edit("x").contains("not in the file"));
    }
}
