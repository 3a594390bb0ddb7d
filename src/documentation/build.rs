//! Makes an index of a folder of Markdown.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use percent_encoding::utf8_percent_encode;
use rusqlite::{Connection, Statement, params};
use serde_json::json;

use super::{
    DocumentationError,
    folder::{PageFile, pages},
    lookup::PATH,
    page::Page,
    passage::identifier,
    section::Section,
};

/// What to make an index of.
#[derive(Clone, Debug)]
pub struct BuildSettings {
    /// The folder of pages.
    pub folder: PathBuf,
    /// The index, which is replaced at once or not at all.
    pub output: PathBuf,
    /// Where the pages stand on the web, for the sources of answers.
    pub base_url: String,
}

/// What an index was made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Built {
    /// Pages with text.
    pub pages: usize,
    /// Their sections.
    pub sections: usize,
}

/// Makes the index. The same pages give the same file, byte by byte. Blocks.
pub fn build_index(settings: &BuildSettings) -> Result<Built, DocumentationError> {
    let pages = pages(&settings.folder)?;
    let unfinished = Unfinished::beside(&settings.output);
    let built = write(settings, &pages, &unfinished.0)?;
    unfinished
        .rename(&settings.output)
        .map_err(|cause| unwritable(settings, &cause))?;
    Ok(built)
}

/// A file that goes away unless it is finished.
struct Unfinished(PathBuf);

impl Unfinished {
    /// In the same folder, so that it can be renamed.
    fn beside(output: &Path) -> Self {
        let mut name = OsString::from(".");
        name.push(output.file_name().unwrap_or_default());
        name.push(format!(".{}.unfinished", std::process::id()));
        let path = output.with_file_name(name);
        // left behind by a process of the same number that was killed
        let _ = fs::remove_file(&path);
        Self(path)
    }

    fn rename(&self, output: &Path) -> io::Result<()> {
        File::open(&self.0)?.sync_all()?;
        fs::rename(&self.0, output)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // gone already if it was renamed
        let _ = fs::remove_file(&self.0);
    }
}

fn write(
    settings: &BuildSettings,
    pages: &[PageFile],
    path: &Path,
) -> Result<Built, DocumentationError> {
    let failed = |error: rusqlite::Error| unwritable(settings, &error);
    let mut connection = Connection::open(path).map_err(failed)?;
    connection.execute_batch(PREPARE).map_err(failed)?;
    let transaction = connection.transaction().map_err(failed)?;
    let mut built = Built::default();
    {
        let mut insert = transaction.prepare(INSERT).map_err(failed)?;
        for file in pages {
            let page = Page::read(&file.read()?);
            built.pages += usize::from(!page.sections.is_empty());
            built.sections += page.sections.len();
            let url = url(&settings.base_url, &file.name);
            for section in &page.sections {
                add(&mut insert, file, &url, &page.title, section).map_err(failed)?;
            }
        }
    }
    transaction.execute_batch(OPTIMIZE).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    connection.close().map_err(|(_, error)| failed(error))?;
    Ok(built)
}

fn add(
    insert: &mut Statement<'_>,
    file: &PageFile,
    url: &str,
    title: &str,
    section: &Section,
) -> rusqlite::Result<()> {
    let headings = section.headings.join(" > ");
    let title = match (title, headings.as_str()) {
        ("", "") => file.name.clone(),
        (title, "") => title.to_owned(),
        ("", headings) => headings.to_owned(),
        (title, headings) => format!("{title} > {headings}"),
    };
    let source = match &section.anchor {
        Some(anchor) => format!("{url}#{}", utf8_percent_encode(anchor, PATH)),
        None => url.to_owned(),
    };
    let metadata = json!({
        "filename": identifier(&source, &section.text),
        "title": title,
        "source_url": source,
        "path": file.name,
    });
    let processed = format!("{title}\n{}", without_targets(&section.text));
    insert.execute(params![processed, section.text, metadata.to_string()])?;
    Ok(())
}

/// Where a page stands on the web; the index of a folder is the folder.
fn url(base: &str, name: &str) -> String {
    let base = base.trim_end_matches('/');
    let name = name.strip_suffix(".md").unwrap_or(name);
    let place = match name.rsplit_once('/').unwrap_or(("", name)) {
        (folder, "index" | "_index") => folder,
        _ => name,
    };
    if place.is_empty() {
        return format!("{base}/");
    }
    format!("{base}/{}/", utf8_percent_encode(place, PATH))
}

/// Without the targets of links, whose words say little of the text.
fn without_targets(text: &str) -> String {
    let mut seen = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        seen.push_str(before);
        seen.push(']');
        let line = after.split('\n').next().unwrap_or_default();
        rest = match line.find(')') {
            Some(end) => after.get(end + 1..).unwrap_or_default(),
            None => after,
        };
    }
    seen.push_str(rest);
    seen
}

fn unwritable(settings: &BuildSettings, cause: &dyn std::error::Error) -> DocumentationError {
    DocumentationError::Unwritable {
        path: settings.output.clone(),
        cause: cause.to_string(),
    }
}

/// Nobody else sees the file before it is whole, so there is nothing to roll back to. What matches
/// is in `processed` alone; the official layout has no more than these columns (http-api 2.8).
const PREPARE: &str = "\
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE VIRTUAL TABLE doc_index USING fts5(
    processed, content UNINDEXED, metadata UNINDEXED,
    tokenize = 'porter unicode61 remove_diacritics 2'
);";

const INSERT: &str = "INSERT INTO doc_index (processed, content, metadata) VALUES (?1, ?2, ?3)";

/// One tree to look into, and the same bytes however the rows came.
const OPTIMIZE: &str = "INSERT INTO doc_index (doc_index) VALUES ('optimize');";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_their_urls() {
        for (name, expected) in [
            ("user/project/_index", "https://d/user/project/"),
            ("user/project/index", "https://d/user/project/"),
            ("user/archive it", "https://d/user/archive%20it/"),
            ("_index", "https://d/"),
            ("a", "https://d/a/"),
        ] {
            assert_eq!(url("https://d/", &format!("{name}.md")), expected);
        }
    }

    #[test]
    fn targets_of_links_are_not_searched() {
        assert_eq!(
            without_targets("see [runners](../ci/runners#a) and [x](broken\n(y) [z]"),
            "see [runners] and [x]broken\n(y) [z]"
        );
    }
}
