//! What can be judged of the documentation before anything runs.

use super::{DocumentationError, lookup::examine};
use crate::config::{Config, Target};

/// What a search would meet; nothing where the HTTP API is forwarded.
pub fn check(config: &Config) -> Option<DocumentationError> {
    let file = config.documentation_index.as_ref()?;
    if config.gateway != Target::Builtin {
        return None;
    }
    examine(file).err()
}
