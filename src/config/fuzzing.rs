//! Doors for the fuzz targets alone; nothing of it is in the server.

use std::path::Path;

use super::{Problem, address, domain, external_account, file};

/// The problems of a configuration file.
pub fn problems(text: &str) -> Vec<Problem> {
    let (_, problems) = file::understand(text, Path::new("duogate.yaml"));
    problems
}

/// A domain as it will be asked for, if the text is one.
pub fn domain(text: &str) -> Option<String> {
    domain::domain(text).ok().map(|domain| domain.to_string())
}

/// Reads a text as every kind of value that people write.
pub fn read_as_everything(text: &str) {
    let _ = address::address(text);
    let _ = address::network(text);
    let _ = address::target(text);
    let _ = address::directory(text);
    let _ = address::issuer(text);
    let _ = address::contact(text);
    let _ = external_account::kid(text);
    let _ = external_account::hmac_key(text);
}
