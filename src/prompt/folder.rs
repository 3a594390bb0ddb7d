//! The operator's folder of prompts.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::PromptError;

/// The files of a folder by their path below it, `/` between the parts.
pub(super) fn read(root: &Path) -> Result<BTreeMap<String, String>, PromptError> {
    let mut files = BTreeMap::new();
    let mut waiting = vec![(root.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = waiting.pop() {
        if depth > MAXIMUM_DEPTH {
            return Err(misplaced(
                folder,
                "lies too deep",
                "a prompt lies at ID/FOLDER/VERSION.yml",
            ));
        }
        for (name, path) in entries(&folder)? {
            let name = format!("{prefix}{name}");
            // through links: that is how volumes of a container show files
            let found = fs::metadata(&path).map_err(|error| unreadable(&path, &error))?;
            if found.is_dir() {
                waiting.push((path, format!("{name}/"), depth + 1));
            } else if let Some(text) = text(&path, &name, found.len())? {
                files.insert(name, text);
                if files.len() > MAXIMUM_FILES {
                    let message = format!("has more than {MAXIMUM_FILES} files");
                    return Err(misplaced(
                        root.to_owned(),
                        &message,
                        "name a folder of prompts alone",
                    ));
                }
            }
        }
    }
    Ok(files)
}

/// What stands in a folder, but for hidden entries: `..data` of a mounted volume is one.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, PromptError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        match name.map(str::to_owned) {
            Some(name) if name.starts_with('.') => {}
            Some(name) => found.push((name, path)),
            None => {
                return Err(misplaced(path, "has a name that is not UTF-8", "rename it"));
            }
        }
    }
    Ok(found)
}

/// The text of a prompt or a part of one; none of a page for people.
fn text(path: &Path, name: &str, bytes: u64) -> Result<Option<String>, PromptError> {
    match path.extension().and_then(|kind| kind.to_str()) {
        Some("md" | "txt") => return Ok(None),
        Some("jinja") => {}
        Some("yml" | "yaml") if name.matches('/').count() >= 2 => {}
        Some("yml" | "yaml") => {
            let remedy =
                "a prompt lies at ID/FOLDER/VERSION.yml, such as chat/explain_code/base/1.0.0.yml";
            return Err(misplaced(
                path.to_owned(),
                "is no place for a prompt",
                remedy,
            ));
        }
        _ => {
            let remedy = "keep .yml, .jinja and .md files there, or rename it with a dot in front";
            return Err(misplaced(
                path.to_owned(),
                "is neither a prompt nor a part of one",
                remedy,
            ));
        }
    }
    if bytes > MAXIMUM_FILE_BYTES {
        let message = format!("is larger than {MAXIMUM_FILE_BYTES} bytes");
        return Err(misplaced(path.to_owned(), &message, "shorten it"));
    }
    fs::read_to_string(path)
        .map(Some)
        .map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> PromptError {
    PromptError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

fn misplaced(path: PathBuf, message: &str, remedy: &'static str) -> PromptError {
    PromptError::Misplaced {
        path,
        message: message.to_owned(),
        remedy,
    }
}

/// Ids have two parts at most, then come a family and a file; partials may lie deeper.
const MAXIMUM_DEPTH: usize = 8;

/// Forty prompts in a dozen families and some versions each.
const MAXIMUM_FILES: usize = 4096;

/// The longest prompt of ours has a hundredth of it.
const MAXIMUM_FILE_BYTES: u64 = 1024 * 1024;
