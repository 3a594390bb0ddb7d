//! How long clients and GitLab take.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prometheus_client::metrics::family::Family;

use super::pattern::pattern;
use crate::{
    agent::proto::action::Action,
    telemetry::{ActionLabels, Durations, GitLabLabels, Metrics},
};

/// Handles of the metrics of actions. Cheap to clone; by default nobody reads them.
#[derive(Clone, Debug, Default)]
pub struct ExecutorMeasures {
    actions: Family<ActionLabels, Durations>,
    responses: Family<GitLabLabels, Durations>,
    /// Patterns that became labels.
    patterns: Arc<Mutex<BTreeSet<String>>>,
}

impl ExecutorMeasures {
    /// Those that are served.
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            actions: metrics.action_seconds.clone(),
            responses: metrics.gitlab_seconds.clone(),
            patterns: Arc::default(),
        }
    }

    /// An action was answered after this time.
    pub(super) fn answered(&self, action_class: &'static str, took: Duration) {
        let labels = ActionLabels { action_class };
        self.actions.get_or_create(&labels).observe(took);
    }

    /// GitLab answered a request after this time.
    pub(super) fn responded(&self, method: &str, path: &str, took: Duration) {
        let known = METHODS.iter().find(|known| **known == method);
        let labels = GitLabLabels {
            endpoint: self.endpoint(path),
            method: known.unwrap_or(&OTHER),
        };
        self.responses.get_or_create(&labels).observe(took);
    }

    /// A path as a label: only so many, since models may ask for whatever they like.
    fn endpoint(&self, path: &str) -> String {
        let Some(pattern) = pattern(path) else {
            return OTHER.to_owned();
        };
        // only whole texts are put in, so a panic elsewhere leaves nothing half done
        let mut known = self.patterns.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(&pattern) {
            if known.len() >= PATTERNS {
                return OTHER.to_owned();
            }
            known.insert(pattern.clone());
        }
        pattern
    }
}

/// An action's kind, for metrics and logs (agent-platform 9).
pub(super) fn class(action: &Action) -> &'static str {
    match action {
        Action::RunCommand(_) => "RunCommandAction",
        Action::RunHttpRequest(_) => "RunHTTPRequest",
        Action::RunReadFile(_) => "ReadFile",
        Action::RunWriteFile(_) => "WriteFile",
        Action::RunGitCommand(_) => "RunGitCommand",
        Action::RunEditFile(_) => "EditFile",
        Action::NewCheckpoint(_) => "NewCheckpoint",
        Action::ListDirectory(_) => "ListDirectory",
        Action::Grep(_) => "Grep",
        Action::FindFiles(_) => "FindFiles",
        Action::RunMcpTool(_) => "RunMCPTool",
        Action::Mkdir(_) => "Mkdir",
        Action::RunReadFiles(_) => "ReadFiles",
        Action::RunShellCommand(_) => "RunShellCommand",
        Action::TrackLlmCallForSelfHosted(_) => "TrackLlmCallForSelfHosted",
        Action::ScheduleNotification(_) => "ScheduleNotification",
    }
}

const OTHER: &str = "other";
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Patterns that become labels: all our tools together have fewer.
const PATTERNS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_paths_make_no_endless_labels() {
        let measures = ExecutorMeasures::default();
        let words = ["issues", "notes", "jobs", "commits", "users"];
        for first in words {
            for second in words {
                for third in words {
                    let path = format!("/api/v4/{first}/{second}/{third}");
                    measures.responded("GET", &path, Duration::ZERO);
                }
            }
        }
        assert_eq!(measures.endpoint("/api/v4/users/users/users"), OTHER);
        let first = "/api/v4/issues/issues/issues";
        assert_eq!(measures.endpoint(first), first);
    }
}
