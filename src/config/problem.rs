//! One thing that is wrong with the configuration, said so that it can be put right.

use std::{fmt, path::PathBuf};

/// What is wrong, where it stands, and what to write instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// The file it stands in; none for the environment, for defaults and where a whole is judged.
    pub file: Option<PathBuf>,
    /// The line in that file, from 1.
    pub line: Option<u64>,
    /// The variable of the environment it stands in.
    pub variable: Option<String>,
    /// The key by its path, such as `listen.https`; empty where the file as a whole is meant.
    pub key: String,
    /// The value as given, with secrets masked.
    pub value: Option<String>,
    /// What is wrong with it.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl Problem {
    /// A problem with a key whose place is filled in later ([`super::Loaded::place`]).
    pub fn new(
        key: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
            remedy: remedy.into(),
            ..Self::default()
        }
    }

    /// The same problem with the value it is about.
    #[must_use]
    pub fn with_value(mut self, value: impl AsRef<str>) -> Self {
        self.value = Some(printable(value.as_ref()));
        self
    }
}

impl std::error::Error for Problem {}

impl fmt::Display for Problem {
    /// `FILE:LINE: KEY: "VALUE": MESSAGE`, and the remedy on a line of its own.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line, &self.variable) {
            (Some(file), Some(line), _) => write!(formatter, "{}:{line}: ", file.display())?,
            (Some(file), None, _) => write!(formatter, "{}: ", file.display())?,
            (None, _, Some(variable)) => write!(formatter, "environment {variable}: ")?,
            (None, _, None) => {}
        }
        if !self.key.is_empty() {
            write!(formatter, "{}: ", self.key)?;
        }
        if let Some(value) = &self.value {
            write!(formatter, "{value:?}: ")?;
        }
        formatter.write_str(&self.message)?;
        if !self.remedy.is_empty() {
            write!(formatter, "\n    remedy: {}", self.remedy)?;
        }
        Ok(())
    }
}

/// A value as it may be shown: without the password of a URL, and not longer than a line.
pub(super) fn printable(value: &str) -> String {
    let masked = mask_userinfo(value);
    if masked.chars().count() <= SHOWN_CHARACTERS {
        return masked;
    }
    let mut short: String = masked.chars().take(SHOWN_CHARACTERS).collect();
    short.push('…');
    short
}

/// `https://user:password@host` becomes `https://********@host`.
pub fn mask_userinfo(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else {
        return value.to_owned();
    };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(authority_end);
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{MASK}@{host}{tail}"),
        None => value.to_owned(),
    }
}

/// What stands in the place of a secret; its length says nothing about the secret's.
pub(super) const MASK: &str = "********";

/// Long enough for any path or URL one would recognise, short enough for one line.
const SHOWN_CHARACTERS: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_where_what_and_what_to_do() {
        let mut problem =
            Problem::new("listen.https", "is no address", "write 0.0.0.0:443").with_value("443");
        assert_eq!(
            problem.to_string(),
            "listen.https: \"443\": is no address\n    remedy: write 0.0.0.0:443"
        );
        problem.variable = Some("DUOGATE_LISTEN__HTTPS".to_owned());
        assert!(
            problem
                .to_string()
                .starts_with("environment DUOGATE_LISTEN__HTTPS: listen")
        );
        problem.file = Some(PathBuf::from("a.yaml"));
        problem.line = Some(7);
        assert!(problem.to_string().starts_with("a.yaml:7: listen.https: "));
    }

    #[test]
    fn passwords_in_urls_are_masked() {
        assert_eq!(
            mask_userinfo("https://a:b@c.d/e@f"),
            "https://********@c.d/e@f"
        );
        assert_eq!(mask_userinfo("https://c.d/e@f"), "https://c.d/e@f");
        assert_eq!(mask_userinfo("mail@c.d"), "mail@c.d");
        assert!(printable(&"x".repeat(500)).chars().count() < 130);
    }
}
