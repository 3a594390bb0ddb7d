//! What was found, and what to do.

use super::GitlabSettings;

/// Everything that was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// In the order in which it was looked at.
    pub findings: Vec<Finding>,
    /// What belongs into GitLab's settings.
    pub settings: GitlabSettings,
}

impl Report {
    /// How many findings have this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        let same = |finding: &&Finding| finding.outcome == outcome;
        self.findings.iter().filter(same).count()
    }
}

/// The outcome of one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, such as `certificate`.
    pub subject: &'static str,
    /// How it is.
    pub outcome: Outcome,
    /// What was seen, in one sentence.
    pub seen: String,
    /// What to do; none when all is well.
    pub remedy: Option<String>,
}

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// Works, but not for everybody or not for long.
    Warning,
    /// Does not work.
    Problem,
}

impl Outcome {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

impl Finding {
    pub(super) fn ok(subject: &'static str, seen: impl Into<String>) -> Self {
        Self {
            subject,
            outcome: Outcome::Ok,
            seen: seen.into(),
            remedy: None,
        }
    }

    pub(super) fn warning(
        subject: &'static str,
        seen: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            subject,
            outcome: Outcome::Warning,
            seen: seen.into(),
            remedy: Some(remedy.into()),
        }
    }

    pub(super) fn problem(
        subject: &'static str,
        seen: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            outcome: Outcome::Problem,
            ..Self::warning(subject, seen, remedy)
        }
    }
}
