//! What is counted of a session (agent-platform 9).

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use super::StatusEvent;
use crate::{
    agent::{executor::ExecutorMeasures, tool_names},
    telemetry::{
        CheckpointLabels, CompactionLabels, Metrics, SessionAbortLabels, SessionFailureLabels,
        SessionLabels, SummaryLabels, ToolFailureLabels, ToolLabels,
    },
};

/// Counts what happens in one session.
#[derive(Debug)]
pub(in crate::agent) struct SessionMeasures {
    metrics: Arc<Metrics>,
    pub(super) executor: ExecutorMeasures,
    labels: SessionLabels,
    arrived: Instant,
    /// The event that it began with, once GitLab took it.
    began: OnceLock<&'static str>,
    /// Set with the first word or call of the model.
    answered: OnceLock<()>,
}

impl SessionMeasures {
    /// Of a session that arrives now.
    pub(in crate::agent) fn new(
        metrics: Arc<Metrics>,
        executor: ExecutorMeasures,
        labels: SessionLabels,
    ) -> Self {
        Self {
            metrics,
            executor,
            labels,
            arrived: Instant::now(),
            began: OnceLock::new(),
            answered: OnceLock::new(),
        }
    }

    /// What runs, for metrics.
    pub(super) fn flow_type(&self) -> &'static str {
        self.labels.flow_type
    }

    /// GitLab took the event that the turn begins with.
    pub(super) fn began(&self, event: StatusEvent) {
        let family = match event {
            StatusEvent::Start => &self.metrics.session_starts,
            StatusEvent::Resume => &self.metrics.session_resumes,
            _ => &self.metrics.session_retries,
        };
        family.get_or_create(&self.labels).inc();
        let _ = self.began.set(event.as_str());
    }

    /// The turn did not begin.
    pub(super) fn rejected(&self) {
        let family = &self.metrics.session_rejects;
        family.get_or_create(&self.labels).inc();
    }

    /// The turn went well.
    pub(super) fn succeeded(&self) {
        let family = &self.metrics.session_successes;
        family.get_or_create(&self.labels).inc();
    }

    /// The turn failed; `failure_reason` is a word of ours.
    pub(super) fn failed(&self, failure_reason: &'static str) {
        let labels = SessionFailureLabels {
            failure_reason,
            session_type: self.session_type(),
            session: self.labels.clone(),
        };
        self.metrics.session_failures.get_or_create(&labels).inc();
    }

    /// Somebody ended the turn.
    pub(super) fn aborted(&self) {
        let labels = SessionAbortLabels {
            session_type: self.session_type(),
            session: self.labels.clone(),
        };
        self.metrics.session_aborts.get_or_create(&labels).inc();
    }

    /// The model has said something; counts the first time.
    pub(super) fn answered(&self) {
        if self.answered.set(()).is_ok() {
            let family = &self.metrics.first_response_seconds;
            let lasted = self.arrived.elapsed();
            family.get_or_create(&self.labels).observe(lasted);
        }
    }

    /// A call of a tool is done; `failure` is a word of ours.
    pub(super) fn called(&self, tool: &str, lasted: Duration, failure: Option<&'static str>) {
        let tool_name = tool_names::known(tool).unwrap_or(OTHER);
        let labels = ToolLabels {
            tool_name,
            session: self.labels.clone(),
        };
        let family = &self.metrics.tool_seconds;
        family.get_or_create(&labels).observe(lasted);
        if let Some(failure_reason) = failure {
            let labels = ToolFailureLabels {
                tool_name,
                failure_reason,
                session: self.labels.clone(),
            };
            self.metrics.tool_failures.get_or_create(&labels).inc();
        }
    }

    /// GitLab answered the storing of a checkpoint so; none: it was not reached.
    pub(super) fn stored(&self, status: Option<i32>) {
        let status = status.and_then(|status| u16::try_from(status).ok());
        let labels = CheckpointLabels {
            endpoint: CHECKPOINTS,
            // whatever the client says
            status_code: status.filter(|it| (100..600).contains(it)).unwrap_or(0),
            method: "POST",
            client: self.labels.client.clone(),
        };
        self.metrics.checkpoints.get_or_create(&labels).inc();
    }

    /// A model was asked for a summary.
    pub(super) fn compacted(&self, agent: &str, lasted: Duration, is_done: bool) {
        let known = AGENTS.iter().find(|known| **known == agent);
        let agent_name = known.unwrap_or(&OTHER);
        let labels = CompactionLabels {
            agent_name,
            status: if is_done { "success" } else { "failure" },
            session: self.labels.clone(),
        };
        self.metrics.compactions.get_or_create(&labels).inc();
        let labels = SummaryLabels {
            agent_name,
            session: self.labels.clone(),
        };
        let family = &self.metrics.compaction_seconds;
        family.get_or_create(&labels).observe(lasted);
    }

    fn session_type(&self) -> &'static str {
        self.began.get().unwrap_or(&UNKNOWN)
    }
}

const OTHER: &str = "other";
const UNKNOWN: &str = "unknown";

/// Where checkpoints are stored, without whose they are.
const CHECKPOINTS: &str = "/api/v4/ai/duo_workflows/workflows/:id/checkpoints";

/// Agents of ours; what a client calls its own may say anything.
const AGENTS: [&str; 1] = ["Chat Agent"];

#[cfg(test)]
impl Default for SessionMeasures {
    fn default() -> Self {
        let labels = SessionLabels {
            flow_type: UNKNOWN,
            client: crate::telemetry::ClientLabels {
                lsp_version: UNKNOWN.to_owned(),
                gitlab_version: UNKNOWN.to_owned(),
                client_type: UNKNOWN,
                gitlab_realm: UNKNOWN,
                is_gitlab_team_member: UNKNOWN,
            },
        };
        Self::new(Arc::default(), ExecutorMeasures::default(), labels)
    }
}
