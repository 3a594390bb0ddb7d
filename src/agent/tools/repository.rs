//! Files and folders of a repository.

use serde_json::{Value, json};

use super::{
    Arguments, Definition, Endpoint, Kind, ToolError, Workplace,
    definition::READING_GITLAB,
    exclusions::Exclusions,
    identification::{PROJECT_ID, URL, named},
    parameter::optional,
    repository_file::{EXCLUDED, RepositoryFile, lines, plain_path},
    repository_place::{Place, REF},
    result::quoted,
    workplace::not_json,
};

pub(super) static TOOLS: &[Definition] = &[
    Definition {
        name: "get_repository_file",
        description: "Reads one text file of a GitLab repository at a branch, tag or commit. Name \
                      the file by file_path, or give the web address of the file as url. Use offset \
                      and limit for a part of a long file. For files of the user's own working copy, \
                      which may differ, use read_file where it is offered.",
        parameters: &[
            PROJECT_ID,
            URL,
            REF,
            optional(
                "file_path",
                Kind::Text,
                "The file's path from the repository's root.",
            ),
            optional(
                "offset",
                Kind::Number,
                "How many lines to skip from the beginning.",
            ),
            optional("limit", Kind::Number, "How many lines to read at most."),
        ],
        is_verbatim: true,
        display: |arguments| {
            let path = arguments.words("file_path").map(ToOwned::to_owned);
            match path.or_else(|| named(arguments)) {
                Some(path) => format!("Read file {}", quoted(&path)),
                None => "Read a file of the repository".to_owned(),
            }
        },
        call: |workplace, arguments| Box::pin(get_file(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "list_repository_tree",
        description: "Lists the files (type blob) and folders (type tree) in one folder of a GitLab \
                      repository, or all below it with recursive. A page with as many entries as \
                      per_page may be followed by another.",
        parameters: &[
            PROJECT_ID,
            URL,
            optional(
                "path",
                Kind::Text,
                "The folder, from the repository's root. Left out: the root.",
            ),
            REF,
            optional(
                "recursive",
                Kind::Flag,
                "Whether folders below are listed too.",
            ),
            optional("page", Kind::Number, "Which page, counted from 1."),
            optional(
                "per_page",
                Kind::Number,
                "How many entries a page has: 20 if left out, 100 at most.",
            ),
        ],
        display: |arguments| match arguments.words("path") {
            Some(path) => format!("List folder {}", quoted(path)),
            None => "List the repository's files".to_owned(),
        },
        call: |workplace, arguments| Box::pin(list_tree(workplace, arguments)),
        ..READING_GITLAB
    },
];

async fn get_file(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let place = Place::of(workplace, arguments, "file_path")?;
    let path = place.path.ok_or_else(|| {
        ToolError::Argument("file_path is missing, and url names no file".to_owned())
    })?;
    let file = RepositoryFile::read(workplace, &place.project, &path, &place.reference).await?;
    let (offset, limit) = (arguments.number("offset"), arguments.number("limit"));
    lines(&file.text, offset, limit)
}

async fn list_tree(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let place = Place::of(workplace, arguments, "path")?;
    let path = place.path.as_deref().filter(|path| !is_root(path));
    let path = path.map(|path| plain_path("path", path)).transpose()?;
    let reference = place.is_referred.then_some(&place.reference);
    let tree = tree(&place.project)
        .query("path", path)
        .query("ref", reference)
        .queries(arguments, &["recursive", "page", "per_page"]);
    let Value::Array(entries) = workplace.get_json(&tree).await? else {
        return Err(not_json());
    };
    let exclusions = Exclusions::of(&workplace.facts.exclusion_rules);
    let entries = entries.into_iter().map(|entry| {
        let slash = if is_folder(&entry) { "/" } else { "" };
        let path = path_of(&entry);
        if exclusions.excludes(&format!("{path}{slash}")) {
            // it stays an entry: a page that is full means another
            return json!({"path": path, "excluded": EXCLUDED});
        }
        entry
    });
    Ok(Value::Array(entries.collect()).to_string())
}

/// The path of an entry.
pub(super) fn path_of(entry: &Value) -> &str {
    let path = entry.get("path").and_then(Value::as_str);
    path.unwrap_or_default()
}

fn is_folder(entry: &Value) -> bool {
    entry.get("type").is_some_and(|kind| kind == "tree")
}

/// Models call the root by these names.
fn is_root(path: &str) -> bool {
    matches!(path.trim(), "" | "." | "./" | "/")
}

/// The entries of a project's folder.
pub(super) fn tree(project: &str) -> Endpoint {
    Endpoint::project(project).then("repository/tree")
}
