//! Why there is no documentation.

use std::{io, path::PathBuf};

/// What is wrong with an index or with what one is made of.
#[derive(Debug, thiserror::Error)]
pub enum DocumentationError {
    /// Nothing lies where the index should be.
    #[error(
        "{} cannot be read: {cause}; make it with: duogate docs index FOLDER --output {}",
        .path.display(), .path.display()
    )]
    Missing {
        /// The index.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Something else lies there.
    #[error(
        "{} is no index of documentation ({cause}); make one with: duogate docs index FOLDER --output {}",
        .path.display(), .path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        cause: String,
    },
    /// A page or a folder of pages.
    #[error("{} cannot be read: {cause}", .path.display())]
    Unreadable {
        /// The page or folder.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A page that is none.
    #[error("{}: {problem}", .path.display())]
    Page {
        /// The page or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The new index.
    #[error("{} cannot be written: {cause}", .path.display())]
    Unwritable {
        /// The index.
        path: PathBuf,
        /// What the system or SQLite says.
        cause: String,
    },
}

/// Why a search was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// As many searches as may run are running.
    #[error("too many searches of the documentation are running; try again in a moment")]
    Busy,
}
