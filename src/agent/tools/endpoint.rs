//! A path of GitLab's API with its query.

use std::fmt::{Display, Write as _};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Arguments;

/// `/api/v4/…`, whose every part is encoded, so that no argument leaves its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::agent) struct Endpoint {
    path: String,
    has_query: bool,
}

impl Endpoint {
    /// Begins with these words, which are ours: `user`, `ci/lint`.
    pub(super) fn new(words: &str) -> Self {
        Self {
            path: format!("/api/v4/{words}"),
            has_query: false,
        }
    }

    /// Begins with nothing but the API itself; a segment follows.
    pub(super) fn root() -> Self {
        Self {
            path: "/api/v4".to_owned(),
            has_query: false,
        }
    }

    /// A project by its number or full path.
    pub(super) fn project(id: &str) -> Self {
        Self::new("projects").segment(id)
    }

    /// A group by its number or full path.
    pub(super) fn group(id: &str) -> Self {
        Self::new("groups").segment(id)
    }

    /// Goes on with words of ours: `repository/commits`.
    pub(super) fn then(mut self, words: &str) -> Self {
        self.path.push('/');
        self.path.push_str(words);
        self
    }

    /// Goes on with one segment that somebody said; its slashes are encoded too.
    pub(super) fn segment(mut self, said: impl Display) -> Self {
        let said = said.to_string();
        let encoded = utf8_percent_encode(&said, SEGMENT);
        // writing to a string cannot fail
        let _ = write!(self.path, "/{encoded}");
        self
    }

    /// Adds to the query, if something is said.
    pub(super) fn query(mut self, name: &str, said: Option<impl Display>) -> Self {
        if let Some(said) = said {
            let mark = if self.has_query { '&' } else { '?' };
            self.has_query = true;
            let said = said.to_string();
            let encoded = utf8_percent_encode(&said, SEGMENT);
            let _ = write!(self.path, "{mark}{name}={encoded}");
        }
        self
    }

    /// Adds each of these arguments that is a word, a number or a flag, under its own name; of lists
    /// the elements, parted by commas.
    pub(super) fn queries(self, arguments: Arguments<'_>, names: &[&str]) -> Self {
        names.iter().fold(self, |endpoint, name| {
            let said = match arguments.value(name) {
                Some(serde_json::Value::String(text)) => Some(text.clone()),
                Some(serde_json::Value::Array(_)) => Some(arguments.texts(name).join(",")),
                Some(other) => Some(other.to_string()),
                None => None,
            };
            endpoint.query(name, said.filter(|said| !said.is_empty()))
        })
    }

    /// As the client is asked for it.
    pub(super) fn as_str(&self) -> &str {
        &self.path
    }
}

/// Whatever is said stays one segment, or one value.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_said_stays_in_its_place() {
        let arguments = json!({"state": "a&b=c", "page": 2, "labels": ["x", "y z"], "no": null});
        let arguments = Arguments::new(arguments.as_object().unwrap());
        let endpoint = Endpoint::project("group/project?x#y")
            .then("repository/files")
            .segment("src/../main.rs")
            .query("ref", Some("main"))
            .queries(arguments, &["state", "page", "labels", "no", "absent"]);
        assert_eq!(
            endpoint.as_str(),
            "/api/v4/projects/group%2Fproject%3Fx%23y/repository/files/src%2F..%2Fmain.rs\
             ?ref=main&state=a%26b%3Dc&page=2&labels=x%2Cy%20z"
        );
    }
}
