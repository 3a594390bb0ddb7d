//! What can be wrong with prompts, and with the wish for one.

use std::path::PathBuf;

use super::quote::{list, shown};

/// Why the prompts cannot be loaded. Begins with the key, so that it reads as a problem of the
/// configuration.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The folder or something in it cannot be read.
    #[error(
        "prompts: {path}: cannot be read: {reason}; give the folder and its files to the user that runs duogate, or remove the key"
    )]
    Unreadable {
        /// What was to be read.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The folder is not one of prompts.
    #[error("prompts: {path}: {message}; {remedy}")]
    Misplaced {
        /// The file.
        path: PathBuf,
        /// What is wrong with its place or size.
        message: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A file does not say what a prompt has to say.
    #[error("prompts: {path}:{line}: {message}; {remedy}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line in it, from 1.
        line: u64,
        /// What is wrong.
        message: String,
        /// What to do.
        remedy: &'static str,
    },
}

/// Why there is no prompt for a wish; the text is what GitLab is told (http-api 2.4, with 400).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// No prompt has this id.
    #[error("Failed to load prompt definition for '{}': no prompt has this id", shown(.0))]
    UnknownId(String),
    /// The constraint is one, but nothing fits.
    #[error(
        "No version matching '{}' (available: {})",
        shown(version),
        list(available)
    )]
    NoVersion {
        /// What was asked for.
        version: String,
        /// Every version of the folders that were searched.
        available: Vec<String>,
    },
    /// The constraint is none.
    #[error(
        "Version '{}' is not a valid PEP 440 constraint and no exact match found (available: {})",
        shown(version),
        list(available)
    )]
    BadVersion {
        /// What was asked for.
        version: String,
        /// Every version of the folders that were searched.
        available: Vec<String>,
    },
}

/// Why a prompt cannot be written out for these inputs. Never holds an input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The client's fault: http-api 2.4 asks for 422.
    #[error(
        "inputs: the prompt '{prompt}' needs {}; add what is missing",
        list(missing)
    )]
    Missing {
        /// The prompt's id.
        prompt: String,
        /// The names of the variables, sorted.
        missing: Vec<String>,
    },
    /// The template met a value it cannot print, or the inputs are too large for it.
    #[error(
        "inputs: the prompt '{prompt}' cannot be written with them: {reason} in line {line} of {template}; check their types and sizes"
    )]
    Failed {
        /// The prompt's id.
        prompt: String,
        /// The kind of failure, without values.
        reason: String,
        /// The template.
        template: String,
        /// The line in it.
        line: usize,
    },
}
