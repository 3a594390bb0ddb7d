//! Files and folders of the project, as the user's editor or runner has them.

use serde_json::{Map, Value, json};

use super::{
    Arguments, Definition, Kind, Parameter, ToolError, Workplace,
    definition::{READING_FILES, WRITING_FILES},
    parameter::{optional, required},
    path_guard::{Access, PathGuard},
    result::quoted,
};
use crate::agent::proto::{EditFile, Mkdir, ReadFile, ReadFiles, WriteFile, action::Action};

pub(super) static TOOLS: &[Definition] = &[
    Definition {
        parameters: &[FILE_PATH],
        is_offered: |facts| facts.has_executor && !facts.is_able(CHUNKED),
        ..READ_FILE
    },
    Definition {
        parameters: &[
            FILE_PATH,
            optional(
                "offset",
                Kind::Number,
                "Lines to leave out at the beginning; 0 if left out.",
            ),
            optional(
                "limit",
                Kind::Number,
                "Lines to read at most; 2000 if left out.",
            ),
        ],
        is_listed: false,
        is_offered: |facts| facts.has_executor && facts.is_able(CHUNKED),
        ..READ_FILE
    },
    Definition {
        name: "read_files",
        description: "Reads several text files of the project at once. Answers with an object: each \
                      path with the file's content, or with the error that kept it from being read.",
        parameters: &[required(
            "file_paths",
            Kind::Texts,
            "Paths of the files, from the project's folder; at most 100.",
        )],
        display: |arguments| format!("Read {} files", arguments.texts("file_paths").len()),
        call: |workplace, arguments| Box::pin(read_several(workplace, arguments)),
        ..READING_FILES
    },
    Definition {
        name: "create_file_with_contents",
        description: "Creates a file in the project with these contents. A file that is there is \
                      replaced whole; edit_file changes a part of it.",
        parameters: &[
            FILE_PATH,
            required("contents", Kind::Text, "All that the file shall hold."),
        ],
        display: |arguments| format!("Create file {}", shown(arguments, "file_path")),
        call: |workplace, arguments| Box::pin(create(workplace, arguments)),
        ..WRITING_FILES
    },
    Definition {
        name: "edit_file",
        description: "Replaces a piece of a file in the project. Read the file first: the piece has \
                      to stand in it exactly as given, and once.",
        parameters: &[
            FILE_PATH,
            required(
                "old_str",
                Kind::Text,
                "The piece to replace, with its spaces and line breaks, and enough around it to be \
                 the only one.",
            ),
            required("new_str", Kind::Text, "What shall stand in its place."),
        ],
        display: |arguments| format!("Edit file {}", shown(arguments, "file_path")),
        call: |workplace, arguments| Box::pin(edit(workplace, arguments)),
        ..WRITING_FILES
    },
    Definition {
        name: "mkdir",
        description: "Creates a folder in the project, and the folders above it.",
        parameters: &[required(
            "directory_path",
            Kind::Text,
            "Path of the folder, from the project's folder.",
        )],
        display: |arguments| format!("Create folder {}", shown(arguments, "directory_path")),
        call: |workplace, arguments| Box::pin(make_folder(workplace, arguments)),
        ..WRITING_FILES
    },
];

/// In two forms: of clients that read a part of a file, and of the others.
const READ_FILE: Definition = Definition {
    name: "read_file",
    description: "Reads a text file of the project. Several are read faster with read_files.",
    is_verbatim: true,
    display: |arguments| format!("Read file {}", shown(arguments, "file_path")),
    call: |workplace, arguments| Box::pin(read(workplace, arguments)),
    ..READING_FILES
};

async fn read(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let path = checked(workplace, arguments, "file_path", Access::Read)?;
    let is_able = workplace.facts.is_able(CHUNKED);
    let lines = |name: &str, usual: i64| {
        let said = arguments.number(name);
        is_able.then(|| said.map_or(usual, |said| i64::try_from(said).unwrap_or(i64::MAX)))
    };
    let action = Action::RunReadFile(ReadFile {
        filepath: path.to_owned(),
        offset: lines("offset", 0),
        limit: lines("limit", LINES),
    });
    let text = workplace.act(action).await?;
    if text.contains('\0') {
        let shown = quoted(path);
        return Err(ToolError::Denied(format!(
            "file_path: {shown} is no text file; only text can be read"
        )));
    }
    Ok(text)
}

async fn read_several(
    workplace: &Workplace,
    arguments: Arguments<'_>,
) -> Result<String, ToolError> {
    let paths = arguments.texts("file_paths");
    if paths.is_empty() || paths.len() > FILES {
        return Err(ToolError::Argument(format!(
            "file_paths must name 1 to {FILES} files"
        )));
    }
    let guard = PathGuard::new(&workplace.facts);
    let mut refused = Map::new();
    let mut allowed = Vec::new();
    for path in paths {
        match guard.check("file_paths", path, Access::Read) {
            Ok(()) => allowed.push(path.to_owned()),
            Err(error) => {
                let fault = json!({"error": error.detail()});
                refused.insert(path.to_owned(), fault);
            }
        }
    }
    let mut found = if allowed.is_empty() {
        Map::new()
    } else {
        let action = Action::RunReadFiles(ReadFiles { filepaths: allowed });
        let answer = workplace.act(action).await?;
        files(&answer)?
    };
    // a client may name more than it was asked for
    found.retain(|path, _| !guard.hides(path));
    found.extend(refused);
    Ok(Value::Object(found).to_string())
}

/// What a client says of several files.
fn files(answer: &str) -> Result<Map<String, Value>, ToolError> {
    let Ok(Value::Object(mut files)) = serde_json::from_str(answer) else {
        return Err(ToolError::Denied(
            "the client's answer is no object of files; read them one by one".to_owned(),
        ));
    };
    for file in files.values_mut() {
        let content = file.get("content").and_then(Value::as_str);
        if content.is_some_and(|content| content.contains('\0')) {
            *file = json!({"error": "this is no text file; only text can be read"});
        }
    }
    Ok(files)
}

async fn create(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let path = checked(workplace, arguments, "file_path", Access::Write)?;
    let action = Action::RunWriteFile(WriteFile {
        filepath: path.to_owned(),
        contents: arguments.required_text("contents").to_owned(),
    });
    workplace.act(action).await
}

async fn edit(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let path = checked(workplace, arguments, "file_path", Access::Write)?;
    let action = Action::RunEditFile(EditFile {
        filepath: path.to_owned(),
        old_string: arguments.required_text("old_str").to_owned(),
        new_string: arguments.required_text("new_str").to_owned(),
    });
    workplace.act(action).await
}

async fn make_folder(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let path = checked(workplace, arguments, "directory_path", Access::Write)?;
    let path = path.trim_start_matches("./");
    let action = Action::Mkdir(Mkdir {
        directory_path: format!("./{path}"),
    });
    workplace.act(action).await
}

/// A path that the client may be asked for.
fn checked<'c>(
    workplace: &Workplace,
    arguments: Arguments<'c>,
    name: &str,
    access: Access,
) -> Result<&'c str, ToolError> {
    let path = arguments
        .words(name)
        .ok_or_else(|| ToolError::Argument(format!("{name} is empty; name a path")))?;
    PathGuard::new(&workplace.facts).check(name, path, access)?;
    Ok(path)
}

/// For people.
fn shown(arguments: Arguments<'_>, name: &str) -> String {
    quoted(arguments.words(name).unwrap_or_default())
}

const FILE_PATH: Parameter = required(
    "file_path",
    Kind::Text,
    "Path of the file, from the project's folder.",
);

/// Clients that read a part of a file (agent-platform 3.5).
const CHUNKED: &str = "read_file_chunked";

/// Lines that are read where nothing is said (agent-platform 6.2).
const LINES: i64 = 2000;

/// Files that are read at once: what comes of them goes to the model together, of which it reads
/// 200 KiB.
const FILES: usize = 100;
