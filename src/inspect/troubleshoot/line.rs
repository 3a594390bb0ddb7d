//! What is told of a step.

/// One outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How it is.
    pub kind: LineKind,
    /// As it is printed.
    pub text: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// As it should be.
    Good,
    /// Worth knowing; nothing that a feature would fail by.
    Note,
    /// Does not work.
    Bad,
}

impl Line {
    pub(super) fn good(text: impl Into<String>) -> Self {
        Self {
            kind: LineKind::Good,
            text: format!(">> {} ✔", text.into()),
            remedy: None,
        }
    }

    pub(super) fn note(text: impl Into<String>) -> Self {
        Self {
            kind: LineKind::Note,
            text: format!(">> {}", text.into()),
            remedy: None,
        }
    }

    pub(super) fn bad(text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            kind: LineKind::Bad,
            text: format!(">> {}", text.into()),
            remedy: Some(remedy.into()),
        }
    }

    /// The same with something to do.
    pub(super) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}
