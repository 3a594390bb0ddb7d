//! What the room counts: the official metrics of calls (agent-platform 9).

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use http::HeaderMap;
use tonic::Code;

use super::{
    call::{CallFacts, text},
    executor::ExecutorMeasures,
    method::Method,
    session::SessionMeasures,
    status,
};
use crate::telemetry::{CallLabels, ClientLabels, Metrics, SessionLabels};

/// Handles of the room's metrics.
#[derive(Debug)]
pub(super) struct AgentMeasures {
    metrics: Arc<Metrics>,
    executor: ExecutorMeasures,
    /// Versions that became labels.
    versions: Mutex<BTreeSet<String>>,
}

impl AgentMeasures {
    pub(super) fn new(metrics: &Arc<Metrics>) -> Self {
        Self {
            metrics: Arc::clone(metrics),
            executor: ExecutorMeasures::new(metrics),
            versions: Mutex::default(),
        }
    }

    /// The labels of a client that was let in, by what it says of itself.
    pub(super) fn client(&self, headers: &HeaderMap) -> ClientLabels {
        let word = |name: &str, known: &'static [&'static str]| match text(headers, name) {
            None => UNKNOWN,
            Some(word) => known.iter().find(|known| **known == word).unwrap_or(&OTHER),
        };
        ClientLabels {
            lsp_version: self.version(text(headers, "x-gitlab-language-server-version")),
            gitlab_version: self.version(text(headers, "x-gitlab-version")),
            client_type: word("x-gitlab-client-type", CLIENT_TYPES),
            gitlab_realm: word("x-gitlab-realm", REALMS),
            is_gitlab_team_member: word("x-gitlab-is-team-member", TRUTH),
        }
    }

    /// Counts a start, whatever becomes of it; gives what counts the rest of the session.
    pub(super) fn started(&self, facts: &CallFacts) -> SessionMeasures {
        let labels = SessionLabels {
            flow_type: flow_type(facts),
            client: client_labels(facts),
        };
        self.metrics.agent_starts.get_or_create(&labels).inc();
        let metrics = Arc::clone(&self.metrics);
        SessionMeasures::new(metrics, self.executor.clone(), labels)
    }

    /// Counts a call that is over.
    pub(super) fn finished(&self, method: Method, code: Code, facts: &CallFacts) {
        let labels = CallLabels {
            grpc_type: method.kind,
            grpc_service: "DuoWorkflow",
            grpc_method: method.name,
            grpc_code: status::name(code),
            flow_type: flow_type(facts),
            client: client_labels(facts),
        };
        self.metrics.agent_calls.get_or_create(&labels).inc();
    }

    /// A version as a label: only so many, since clients could invent them without end.
    fn version(&self, version: Option<&str>) -> String {
        let Some(version) = version else {
            return UNKNOWN.to_owned();
        };
        let is_version = |letter: char| letter.is_ascii_alphanumeric() || ".-+_".contains(letter);
        if version.len() > VERSION_CHARACTERS || !version.chars().all(is_version) {
            return OTHER.to_owned();
        }
        // only whole texts are put in, so a panic elsewhere leaves nothing half done
        let mut known = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(version) {
            if known.len() >= VERSIONS {
                return OTHER.to_owned();
            }
            known.insert(version.to_owned());
        }
        version.to_owned()
    }
}

/// Of a caller that was not let in nothing is known.
fn client_labels(facts: &CallFacts) -> ClientLabels {
    let client = facts.client.get().cloned();
    client.unwrap_or_else(|| ClientLabels {
        lsp_version: UNKNOWN.to_owned(),
        gitlab_version: UNKNOWN.to_owned(),
        client_type: UNKNOWN,
        gitlab_realm: UNKNOWN,
        is_gitlab_team_member: UNKNOWN,
    })
}

fn flow_type(facts: &CallFacts) -> &'static str {
    match facts.definition.get() {
        None => UNKNOWN,
        Some(name) if name.is_empty() => UNKNOWN,
        Some(name) => FLOW_TYPES
            .iter()
            .find(|known| *known == name)
            .unwrap_or(&OTHER),
    }
}

const UNKNOWN: &str = "unknown";
const OTHER: &str = "other";
const REALMS: &[&str] = &["self-managed", "saas"];
const TRUTH: &[&str] = &["true", "false"];

/// What GitLab's clients call themselves.
const CLIENT_TYPES: &[&str] = &[
    "gitlab-rails",
    "browser",
    "ide",
    "cli",
    "node-websocket",
    "node-grpc",
];

/// Flows that GitLab starts by name (agent-platform 7.2).
const FLOW_TYPES: &[&str] = &[
    "chat",
    "software_development",
    "convert_to_gitlab_ci",
    "issue_to_merge_request",
    "ai_catalog_agent",
    "analytics_agent/v1",
    "code_review/v1",
    "convert_to_gl_ci/v1",
    "developer/v1",
    "duo_planner/v1",
    "fix_pipeline/v1",
    "resolve_sast_vulnerability/v1",
    "sast_fp_detection/v1",
    "secrets_fp_detection/v1",
    "security_analyst_agent/v1",
];

/// Versions that become labels: a site has one GitLab and a few editors.
const VERSIONS: usize = 50;

/// As long as a version with a build behind it.
const VERSION_CHARACTERS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_invent_is_no_label() {
        let measures = AgentMeasures::new(&Arc::new(Metrics::new()));
        let version = |text: &str| measures.version(Some(text));
        assert_eq!(version("18.11.2-ee"), "18.11.2-ee");
        assert_eq!(version("a b"), OTHER);
        assert_eq!(version(&"1".repeat(33)), OTHER);
        assert_eq!(measures.version(None), UNKNOWN);
        for number in 0..100 {
            version(&format!("1.{number}"));
        }
        assert_eq!(version("18.11.2-ee"), "18.11.2-ee");
        assert_eq!(version("1.99"), OTHER);
        let headers = [("x-gitlab-realm", "mars"), ("x-gitlab-client-type", "ide")];
        let pair = |(name, value): (&'static str, &'static str)| {
            (name.parse().unwrap(), value.parse().unwrap())
        };
        let client = measures.client(&headers.into_iter().map(pair).collect());
        assert_eq!((client.gitlab_realm, client.client_type), (OTHER, "ide"));
        assert_eq!(client.is_gitlab_team_member, UNKNOWN);
    }
}
