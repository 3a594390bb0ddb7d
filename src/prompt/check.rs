//! What can be judged of the prompts before anything runs.

use super::{PromptError, Prompts};
use crate::config::Config;

/// Every problem of the operator's folder, a file each.
pub fn check(config: &Config) -> Vec<PromptError> {
    match &config.prompts {
        None => Vec::new(),
        Some(folder) => Prompts::read(Some(folder)).err().unwrap_or_default(),
    }
}
