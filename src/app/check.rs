//! Everything that can be judged before the first connection.

use super::error::sentence;
use crate::{
    config::{Config, Problem},
    upstream::TrustRoots,
};

/// Problems that the rooms find beyond the configuration's own form: files that cannot be read,
/// keys that do not fit, folders that cannot be written.
pub fn check(config: &Config) -> Vec<Problem> {
    let mut problems: Vec<Problem> = crate::tls::check(config)
        .iter()
        .map(|error| sentence(&error.to_string()))
        .collect();
    problems.extend(
        crate::acme::check(config)
            .iter()
            .map(|error| sentence(&error.to_string())),
    );
    problems.extend(
        crate::prompt::check(config)
            .iter()
            .map(|error| sentence(&error.to_string())),
    );
    problems.extend(
        crate::access::check(config)
            .iter()
            .map(|error| sentence(&error.to_string())),
    );
    problems.extend(
        crate::model::check(config)
            .iter()
            .map(|error| sentence(&error.to_string())),
    );
    if let Err(error) = TrustRoots::load(&config.upstream.ca_files) {
        problems.push(sentence(&error.to_string()));
    }
    problems
}

/// What starting would get along with, but an operator should know.
pub fn notices(config: &Config) -> Vec<String> {
    let index = crate::documentation::check(config);
    index.iter().map(ToString::to_string).collect()
}
