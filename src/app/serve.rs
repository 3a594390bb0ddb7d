//! Starting and checking.

use crate::config::{Config, Loaded, Problem};

/// Runs until the end is asked for.
pub fn serve(loaded: Loaded) -> Result<(), Vec<Problem>> {
    let Loaded { config, .. } = loaded;
    let problems = check(&config);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

/// What the rooms have to say against a configuration.
pub fn check(_config: &Config) -> Vec<Problem> {
    Vec::new()
}
