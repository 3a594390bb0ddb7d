//! A folder of pages.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::DocumentationError;

/// A page that lies in a folder.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PageFile {
    /// Below the folder, `/` between the parts.
    pub(super) name: String,
    /// Where it is read.
    pub(super) path: PathBuf,
}

impl PageFile {
    /// Its text.
    pub(super) fn read(&self) -> Result<String, DocumentationError> {
        let size = fs::metadata(&self.path)
            .map_err(|cause| unreadable(&self.path, cause))?
            .len();
        if size > LARGEST_PAGE {
            let problem =
                format!("is larger than {LARGEST_PAGE} bytes; split the page or leave it out");
            return Err(wrong(&self.path, problem));
        }
        let bytes = fs::read(&self.path).map_err(|cause| unreadable(&self.path, cause))?;
        String::from_utf8(bytes).map_err(|_| {
            wrong(
                &self.path,
                "is not UTF-8; convert it or leave it out".to_owned(),
            )
        })
    }
}

/// Every page, sorted by name. Hidden entries are left out; links are followed, since that is how
/// volumes of a container show files.
pub(super) fn pages(root: &Path) -> Result<Vec<PageFile>, DocumentationError> {
    let mut pages = Vec::new();
    let mut waiting = vec![(root.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = waiting.pop() {
        if depth > DEEPEST {
            let problem = "lies too deep; does a link lead in a circle?".to_owned();
            return Err(wrong(&folder, problem));
        }
        for entry in fs::read_dir(&folder).map_err(|cause| unreadable(&folder, cause))? {
            let path = entry.map_err(|cause| unreadable(&folder, cause))?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                return Err(wrong(
                    &path,
                    "has a name that is not UTF-8; rename it".to_owned(),
                ));
            };
            if name.starts_with('.') {
                continue;
            }
            let name = format!("{prefix}{name}");
            let found = fs::metadata(&path).map_err(|cause| unreadable(&path, cause))?;
            if found.is_dir() {
                waiting.push((path, format!("{name}/"), depth + 1));
            } else if path.extension().is_some_and(|kind| kind == "md") {
                pages.push(PageFile { name, path });
            }
        }
        if pages.len() > MOST_PAGES {
            let problem =
                format!("has more than {MOST_PAGES} pages; name a folder of documentation");
            return Err(wrong(root, problem));
        }
    }
    if pages.is_empty() {
        let problem =
            "has no page of Markdown (*.md); name the folder doc of GitLab's sources or another";
        return Err(wrong(root, problem.to_owned()));
    }
    pages.sort();
    Ok(pages)
}

fn wrong(path: &Path, problem: String) -> DocumentationError {
    DocumentationError::Page {
        path: path.to_owned(),
        problem,
    }
}

fn unreadable(path: &Path, cause: io::Error) -> DocumentationError {
    DocumentationError::Unreadable {
        path: path.to_owned(),
        cause,
    }
}

/// GitLab's largest page, the reference of its GraphQL API, has some megabytes.
const LARGEST_PAGE: u64 = 16 * 1024 * 1024;

/// GitLab's documentation has some thousands.
const MOST_PAGES: usize = 50_000;

/// GitLab's lies seven deep.
const DEEPEST: usize = 32;
