//! The documentation that the chat looks things up in: an SQLite file with a full-text index.
//!
//! [`DocumentationIndex::search`] answers a question with passages, best first. The file has the
//! layout that GitLab's own image has (http-api 2.8): an FTS5 table `doc_index` with the columns
//! `processed`, `content` and `metadata`; so that one is read, and ours, which [`build_index`] makes
//! of a folder of Markdown. Nothing is open between two searches: a file that is replaced counts
//! with the next one, one that is missing costs nothing, and an idle process holds no memory for it.
//!
//! A question is never FTS5's language, only words of it (`query.rs`), so no text of a client
//! reaches SQLite but in quotes.
//!
//! This room must not know routes, permissions or who asks.
//!
//! Limits: four searches at a time, each for at most two seconds, on threads of their own; 32 words
//! of a question; 20 passages of at most 64 Ki characters; of a folder 50 000 pages of 16 MiB.

mod anchor;
mod build;
mod check;
mod error;
mod folder;
mod front_matter;
mod index;
mod lookup;
mod markdown;
mod page;
mod passage;
mod query;
mod section;

pub use build::{BuildSettings, Built, build_index};
pub use check::check;
pub use error::{DocumentationError, SearchError};
pub use index::DocumentationIndex;
pub use passage::Passage;
