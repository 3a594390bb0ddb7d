//! GitLab hears how a session stands.

use std::sync::{Mutex, PoisonError};

use serde_json::json;

use super::{SessionError, StatusEvent};
use crate::agent::executor::GitLab;

/// Sends status events (agent-platform 4.8) and remembers the last that GitLab took.
#[derive(Debug)]
pub(super) struct Reporter {
    gitlab: GitLab,
    path: String,
    last: Mutex<Option<StatusEvent>>,
}

impl Reporter {
    /// Nothing was sent yet; `session` is the session's path in GitLab's API.
    pub(super) fn new(gitlab: GitLab, session: &str) -> Self {
        Self {
            gitlab,
            path: session.to_owned(),
            last: Mutex::default(),
        }
    }

    /// Sends an event.
    pub(super) async fn send(&self, event: StatusEvent) -> Result<(), SessionError> {
        let body = Some(body(event));
        let answer = self.gitlab.request("PATCH", &self.path, body).await?;
        match answer.status {
            200..300 => {
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(event);
                Ok(())
            }
            400 => Err(SessionError::BadEvent(event)),
            403 => Err(SessionError::Forbidden(event)),
            status => Err(SessionError::StatusFailed(event, status)),
        }
    }

    /// Sends an event to a client that will tell us nothing more.
    pub(super) async fn leave_behind(&self, event: StatusEvent) {
        self.gitlab
            .leave_behind("PATCH", &self.path, body(event))
            .await;
    }

    /// Asks which status the session has now, and says so in the log if it is not what the last
    /// event leads to: somebody else changed it.
    pub(super) async fn compare(&self) {
        let Ok(answer) = self.gitlab.request("GET", &self.path, None).await else {
            return;
        };
        let answer: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let status = answer.get("status").and_then(serde_json::Value::as_str);
        let expected = self.last().map(StatusEvent::leads_to);
        if let (Some(status), Some(expected)) = (status, expected)
            && status != expected
        {
            tracing::warn!(
                session = self.path,
                expected,
                "GitLab has the session in another status than this turn left it in"
            );
        }
    }

    /// The last event that GitLab took.
    pub(super) fn last(&self) -> Option<StatusEvent> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn body(event: StatusEvent) -> String {
    json!({ "status_event": event.as_str() }).to_string()
}
