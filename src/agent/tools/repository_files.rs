//! Several files of a repository at once.

use serde_json::{Map, Value, json};

use super::{
    Arguments, Definition, Endpoint, Kind, ToolError, Workplace,
    definition::READING_GITLAB,
    glob::Glob,
    identification::{PROJECT_ID, URL},
    pages::Pages,
    parameter::{optional, required},
    repository::{path_of, tree},
    repository_file::{RepositoryFile, plain_path},
    repository_place::{Place, REF},
    result::quoted,
};
use crate::foundation::beginning;

pub(super) static TOOLS: &[Definition] = &[Definition {
    name: "get_repository_files",
    description: "Reads several text files of a GitLab repository in one call, 50 at most. \
                      file_paths holds paths or patterns such as src/**/*.rs, where * stands for \
                      letters within a name and ** for any folders. Gives an object from each path \
                      to its content, or to the reason why it was not read.",
    parameters: &[
        PROJECT_ID,
        URL,
        required(
            "file_paths",
            Kind::Texts,
            "Paths or patterns, from the repository's root.",
        ),
        REF,
        optional(
            "per_page",
            Kind::Number,
            "How many files to read at most, up to 50.",
        ),
    ],
    display: |arguments| {
        let paths = arguments.texts("file_paths").join(", ");
        format!("Read files {}", quoted(&paths))
    },
    call: |workplace, arguments| Box::pin(get_files(workplace, arguments)),
    ..READING_GITLAB
}];

async fn get_files(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let place = Place::of(workplace, arguments, "")?;
    let most = arguments.number("per_page");
    let most = most.map_or(FILES, |most| usize::try_from(most).unwrap_or(FILES));
    let most = most.clamp(1, FILES);
    let mut files = Map::new();
    let mut bytes = 0;
    let meant = Meant::find(workplace, &place, arguments.texts("file_paths")).await?;
    for path in meant.paths {
        if files.len() >= most {
            let text = format!("not read: {most} files are read at most; ask for it by itself");
            files.insert(path, json!({ "error": text }));
            break;
        }
        if bytes >= FILES_BYTES {
            let text = "not read: those before it fill the answer; ask for it by itself";
            files.insert(path, json!({ "error": text }));
            continue;
        }
        let read = RepositoryFile::read(workplace, &place.project, &path, &place.reference);
        let said = match read.await {
            Ok(file) => {
                let said = shown(&file.text, FILES_BYTES - bytes);
                bytes += file.text.len();
                said
            }
            Err(ToolError::Executor(error)) => return Err(ToolError::Executor(error)),
            Err(error) => json!({"error": error.text("get_repository_files")}),
        };
        files.insert(path, said);
    }
    for pattern in meant.cut {
        let text = "more entries than were looked through; name a folder further down";
        files.insert(pattern, json!({ "error": text }));
    }
    Ok(Value::Object(files).to_string())
}

/// A text as far as there is room for it, which there is some of.
fn shown(text: &str, room: usize) -> Value {
    let begins = beginning(text, room);
    if begins.len() == text.len() {
        return json!({ "content": text });
    }
    json!({ "content": begins, "cut": CUT })
}

/// The files that a call means.
#[derive(Default)]
struct Meant {
    /// Each once, in the call's order.
    paths: Vec<String>,
    /// Patterns for which not all there is was looked through.
    cut: Vec<String>,
}

impl Meant {
    /// Takes paths as they are, and of patterns those of files that are there.
    async fn find(
        workplace: &Workplace,
        place: &Place,
        said: Vec<&str>,
    ) -> Result<Self, ToolError> {
        let mut meant = Self::default();
        for path in said {
            let path = plain_path("file_paths", path)?;
            match Glob::new(path) {
                None => meant.add(path),
                Some(glob) => {
                    let tree = tree_of(place, &glob);
                    let entries = Pages::read(workplace, &tree, TREE_PAGES).await?;
                    let files = entries.items.iter().filter(|entry| is_file(entry));
                    let files = files.map(path_of).filter(|path| glob.fits(path));
                    files.for_each(|path| meant.add(path));
                    if !entries.is_whole {
                        meant.cut.push(path.to_owned());
                    }
                }
            }
            if meant.paths.len() > FILES {
                break;
            }
        }
        if meant.paths.is_empty() && meant.cut.is_empty() {
            let text = "file_paths names no file that is there".to_owned();
            return Err(ToolError::Argument(text));
        }
        Ok(meant)
    }

    /// One more than is read at most is kept, so that the answer says that there are more.
    fn add(&mut self, path: &str) {
        let is_new = !self.paths.iter().any(|known| known == path);
        if is_new && self.paths.len() <= FILES {
            self.paths.push(path.to_owned());
        }
    }
}

/// What a pattern is looked for in.
fn tree_of(place: &Place, glob: &Glob<'_>) -> Endpoint {
    let folder = glob.folder();
    tree(&place.project)
        .query("path", Some(folder).filter(|folder| !folder.is_empty()))
        .query("ref", Some(&place.reference))
        .query("recursive", glob.is_deep().then_some(true))
}

fn is_file(entry: &Value) -> bool {
    entry.get("type").is_some_and(|kind| kind == "blob")
}

/// What is said of a file that is longer than what is left for it.
const CUT: &str = "only the beginning; read the rest with get_repository_file and offset";

/// Files that are read in one call (agent-platform 6.3).
const FILES: usize = 50;

/// Bytes of files after which no more are read: with what JSON adds they stay below what models are
/// given whole (`result.rs`).
const FILES_BYTES: usize = 100 * 1024;

/// Pages of a folder that a pattern is looked for in: 5000 entries; a request for each takes its
/// time in the client.
const TREE_PAGES: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_long_says_so() {
        assert_eq!(shown("ab", 2), json!({"content": "ab"}));
        assert_eq!(shown("aü", 2), json!({"content": "a", "cut": CUT}));
    }
}
