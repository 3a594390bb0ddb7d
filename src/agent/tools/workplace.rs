//! What tools work with, and what they know of their session.

use std::{collections::HashSet, fmt, sync::Arc};

use serde_json::{Map, Value};

use super::{Endpoint, ToolError};
use crate::{
    agent::{
        executor::{GitLab, HttpAnswer, Outbox, plain_text},
        proto::action,
    },
    documentation::DocumentationIndex,
    foundation::{Clock, Randomness, ReleaseVersion},
};

/// One session's client, GitLab behind it, and this server's documentation.
pub struct Workplace {
    /// Has the client do things.
    pub outbox: Arc<Outbox>,
    /// GitLab as the session's user sees it.
    pub gitlab: GitLab,
    /// What is looked up here.
    pub documentation: DocumentationIndex,
    /// Dates what is to happen later.
    pub clock: Arc<dyn Clock>,
    /// Makes identifiers.
    pub randomness: Arc<dyn Randomness>,
    /// The session.
    pub facts: SessionFacts,
}

/// What tools go by.
#[derive(Clone, Debug, Default)]
pub struct SessionFacts {
    /// The session's number in GitLab.
    pub workflow_id: String,
    /// Scheme and host of this GitLab, `https://gitlab.example.com`.
    pub gitlab_url: String,
    /// Which GitLab it is; none where it does not say so readably.
    pub version: Option<ReleaseVersion>,
    /// What the client can do.
    pub capabilities: HashSet<String>,
    /// The project that the session belongs to, as a number.
    pub project_id: Option<String>,
    /// Files that its owners keep from agents, as lines of a `.gitignore`.
    pub exclusion_rules: Vec<String>,
    /// Whether the client reads and writes files and runs commands; old language servers do not.
    pub has_executor: bool,
}

impl SessionFacts {
    /// Whether the client can do this (agent-platform 3.5).
    pub(super) fn is_able(&self, capability: &str) -> bool {
        self.capabilities.contains(capability)
    }

    /// Whether GitLab is of this version or a later one; one of no known version is not.
    pub(super) fn is_at_least(&self, major: u32, minor: u32) -> bool {
        let version = self.version;
        version.is_some_and(|version| version.is_at_least(major, minor, 0))
    }
}

impl Workplace {
    /// GitLab's answer to a GET, as text.
    pub(super) async fn get(&self, endpoint: &Endpoint) -> Result<String, ToolError> {
        let answer = self.gitlab.request("GET", endpoint.as_str(), None).await?;
        done(answer)
    }

    /// The same, read.
    pub(super) async fn get_json(&self, endpoint: &Endpoint) -> Result<Value, ToolError> {
        let text = self.get(endpoint).await?;
        serde_json::from_str(&text).map_err(|_| not_json())
    }

    /// What GitLab says to a request that changes something.
    pub(super) async fn send(
        &self,
        method: &str,
        endpoint: &Endpoint,
        body: Map<String, Value>,
    ) -> Result<String, ToolError> {
        let body = Value::Object(body).to_string();
        let answer = self.gitlab.request(method, endpoint.as_str(), Some(body));
        done(answer.await?)
    }

    /// The same, as JSON.
    pub(super) async fn send_json(
        &self,
        method: &str,
        endpoint: &Endpoint,
        body: Map<String, Value>,
    ) -> Result<String, ToolError> {
        let text = self.send(method, endpoint, body).await?;
        let value: Value = serde_json::from_str(&text).map_err(|_| not_json())?;
        Ok(value.to_string())
    }

    /// `data` of a GraphQL answer.
    pub(super) async fn graphql(&self, query: &str, variables: Value) -> Result<Value, ToolError> {
        Ok(self.gitlab.graphql(query, variables).await?)
    }

    /// What the client says of an action that it was asked for.
    pub(super) async fn act(&self, action: action::Action) -> Result<String, ToolError> {
        Ok(plain_text(self.outbox.ask(action).await?)?)
    }
}

/// What a success says.
pub(super) fn done(answer: HttpAnswer) -> Result<String, ToolError> {
    if answer.is_success() {
        return Ok(answer.body);
    }
    Err(answer.into())
}

/// A proxy in front of GitLab answers in HTML where it should not.
pub(super) fn not_json() -> ToolError {
    ToolError::Denied(
        "GitLab's answer is not JSON; a proxy in front of it may have answered".into(),
    )
}

impl fmt::Debug for Workplace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Workplace")
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}
