//! Who caused a failure, and so who has to act.

/// The party whose fault an error is. Decides the status class on the wire and the log level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The caller sent something it should not have; retrying the same thing cannot help.
    Client,
    /// The server behind us failed; the caller may retry later.
    Upstream,
    /// We failed: a bug, a full disk, an exhausted limit of our own.
    Us,
}

impl Blame {
    /// The word that log lines use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Upstream => "upstream",
            Self::Us => "duogate",
        }
    }
}
