//! Checkpoints that GitLab stored before this turn.

use serde_json::Value;

use super::{SessionError, StoredCheckpoint};
use crate::agent::executor::{ExecutorError, GitLab, HttpAnswer};

/// A session's checkpoints, newest first (agent-platform 4.5).
pub(super) struct History<'h> {
    gitlab: &'h GitLab,
    session: &'h str,
}

impl<'h> History<'h> {
    /// Of the session with this path in GitLab's API.
    pub(super) fn new(gitlab: &'h GitLab, session: &'h str) -> Self {
        Self { gitlab, session }
    }

    /// The newest; none if nothing was ever stored.
    pub(super) async fn latest(&self) -> Result<Option<StoredCheckpoint>, SessionError> {
        let items = items(&self.page(1, 1).await?)?;
        items.first().map(StoredCheckpoint::from_rest).transpose()
    }

    /// The one with this id.
    pub(super) async fn find(&self, id: &str) -> Result<StoredCheckpoint, SessionError> {
        let (mut page, mut per_page) = (1, PER_PAGE);
        for _ in 0..REQUESTS {
            let answer = match self.page(page, per_page).await {
                Err(SessionError::Executor(error)) if is_too_large(&error) && per_page > 1 => {
                    // the same checkpoints begin a page of half the size
                    page = 2 * page - 1;
                    per_page /= 2;
                    continue;
                }
                answer => answer?,
            };
            let items = items(&answer)?;
            let is_full = u32::try_from(items.len()) == Ok(per_page);
            let mut items = items.iter();
            let has_id = |item: &&Value| item.get("thread_ts").and_then(Value::as_str) == Some(id);
            if let Some(item) = items.find(has_id) {
                return StoredCheckpoint::from_rest(item);
            }
            match answer.next_page.and_then(|next| next.parse().ok()) {
                Some(next) => page = next,
                // Workhorse passes no headers on
                None if is_full => page += 1,
                None => break,
            }
        }
        let text = format!("Checkpoint {id} was not found in this session.");
        Err(SessionError::Invalid(text))
    }

    async fn page(&self, page: u32, per_page: u32) -> Result<HttpAnswer, SessionError> {
        let session = self.session;
        let page = if per_page == 1 && page == 1 {
            String::new()
        } else {
            format!("&page={page}")
        };
        let path =
            format!("{session}/checkpoints?per_page={per_page}{page}&accept_compressed=true");
        let answer = self.gitlab.request("GET", &path, None).await?;
        if !answer.is_success() {
            return Err(SessionError::Checkpoint("GitLab does not give it"));
        }
        Ok(answer)
    }
}

fn items(answer: &HttpAnswer) -> Result<Vec<Value>, SessionError> {
    serde_json::from_str(&answer.body)
        .map_err(|_| SessionError::Checkpoint("GitLab's list of checkpoints is no JSON"))
}

fn is_too_large(error: &ExecutorError) -> bool {
    matches!(error, ExecutorError::Http(text) if text.contains("exceeded size limit"))
}

/// Checkpoints of a page while one is searched (agent-platform 4.5).
const PER_PAGE: u32 = 20;

/// Pages that are asked for: 1000 checkpoints are a long session, and more would keep Workhorse, which
/// does one thing at a time, from everything else.
const REQUESTS: u32 = 50;
