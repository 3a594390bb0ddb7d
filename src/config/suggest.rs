//! Keys that do not exist, and what was probably meant.

use super::{Problem, keys::keys, nearest::nearest};

/// The path of a name below a path.
pub(super) fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}.{name}")
    }
}

/// The problem of a section that was given as a value.
pub(super) fn not_a_section(path: &str) -> Problem {
    Problem::new(
        path,
        "is a section of keys, not a value",
        format!("write keys below it: {}", children(path).join(", ")),
    )
}

/// The problem of a key that does not exist, with the one that was probably meant.
pub(super) fn unknown(prefix: &str, name: &str) -> Problem {
    let siblings = children(prefix);
    let remedy = match nearest(name, siblings.iter().map(String::as_str)) {
        Some(sibling) => format!("did you mean {}?", join(prefix, sibling)),
        None => match elsewhere(name) {
            Some(path) => format!("did you mean {path}?"),
            None => format!("the keys here are {}", siblings.join(", ")),
        },
    };
    // the value is not shown: what an unknown key holds may be a secret
    Problem::new(join(prefix, name), "is no known key", remedy)
}

/// The names one level below a path.
fn children(prefix: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for key in keys() {
        let rest = match prefix {
            "" => Some(key.path),
            prefix => key
                .path
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_prefix('.')),
        };
        let name = rest.and_then(|rest| rest.split('.').next());
        if let Some(name) = name.filter(|name| !names.iter().any(|known| known == name)) {
            names.push(name.to_owned());
        }
    }
    names
}

/// A key of that very name in another section.
fn elsewhere(name: &str) -> Option<&'static str> {
    keys()
        .map(|key| key.path)
        .find(|path| path.rsplit('.').next() == Some(name))
}
