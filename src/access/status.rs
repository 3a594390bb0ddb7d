//! What is shown of a source of keys.

use std::{fmt, time::SystemTime};

/// How a source of keys does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// It has not answered yet.
    Waiting,
    /// Its keys are those it published when it was asked last.
    Current,
    /// It failed when it was asked last; the last good keys count.
    Stale,
}

impl SourceState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Current, Self::Stale];

    /// The word that logs and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Current => "current",
            Self::Stale => "stale",
        }
    }
}

/// A source of keys at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceStatus {
    /// Its URL, as the configuration names it.
    pub url: String,
    /// How it does.
    pub state: SourceState,
    /// How many keys of it count.
    pub keys: usize,
    /// When they were fetched.
    pub fetched: Option<SystemTime>,
    /// Why it failed when it was asked last.
    pub failure: Option<String>,
}

impl SourceStatus {
    /// The same with the age of the keys in words.
    pub fn describe(&self, now: SystemTime) -> String {
        match (&self.failure, self.fetched) {
            (None, None) => format!("{}: not answered yet", self.url),
            (Some(failure), None) => format!("{}: no keys: {failure}", self.url),
            (failure, Some(fetched)) => {
                let age = now.duration_since(fetched).unwrap_or_default().as_secs();
                let mut text = format!("{}: {} keys, {age} s old", self.url, self.keys);
                if let Some(failure) = failure {
                    text.push_str("; ");
                    text.push_str(failure);
                }
                text
            }
        }
    }
}

impl fmt::Display for SourceState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
