//! Checkpoints on their way to GitLab.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, watch};

use super::SessionMeasures;
use crate::agent::executor::{ExecutorError, GitLab};

/// Stores checkpoints one after the other while the turn goes on (agent-platform 4.2).
#[derive(Debug)]
pub(super) struct Checkpoints {
    gitlab: GitLab,
    path: String,
    queue: mpsc::Sender<String>,
    queued: Mutex<mpsc::Receiver<String>>,
    progress: watch::Sender<Progress>,
    measures: Arc<SessionMeasures>,
}

#[derive(Debug, Default)]
struct Progress {
    queued: u64,
    done: u64,
    /// How the last one failed; one that is stored makes up for all before it.
    failure: Option<StoreFailure>,
}

/// Why GitLab did not store a checkpoint, after all attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StoreFailure {
    /// It answered this status.
    Status(i32),
    /// It was not reached.
    Executor(ExecutorError),
}

impl StoreFailure {
    fn kind(&self) -> &'static str {
        match self {
            Self::Status(_) => "GitLab refused it",
            Self::Executor(error) => error.kind(),
        }
    }

    fn status(&self) -> Option<i32> {
        match self {
            Self::Status(status) => Some(*status),
            Self::Executor(_) => None,
        }
    }
}

impl Checkpoints {
    /// Nothing is stored yet; `path` is the session's in GitLab's API.
    pub(super) fn new(gitlab: GitLab, session: &str, measures: Arc<SessionMeasures>) -> Self {
        let (queue, queued) = mpsc::channel(WAITING);
        Self {
            gitlab,
            path: format!("{session}/checkpoints?checkpoint_strategy=full"),
            queue,
            queued: Mutex::new(queued),
            progress: watch::Sender::default(),
            measures,
        }
    }

    /// Stores what is pushed, until it is dropped.
    pub(super) async fn run(&self) {
        let mut queued = self.queued.lock().await;
        while let Some(body) = queued.recv().await {
            let stored = self.gitlab.request("POST", &self.path, Some(body)).await;
            let status = stored.as_ref().ok().map(|answer| answer.status);
            self.measures.stored(status);
            tracing::debug!(
                status,
                checkpoint_strategy = "full",
                "a checkpoint was given"
            );
            let failure = match stored {
                Ok(answer) if answer.is_success() => None,
                Ok(answer) => Some(StoreFailure::Status(answer.status)),
                Err(error) => Some(StoreFailure::Executor(error)),
            };
            if let Some(failure) = &failure {
                tracing::warn!(
                    session = self.path,
                    reason = failure.kind(),
                    status = failure.status(),
                    "a checkpoint was not stored"
                );
            }
            self.progress.send_modify(|progress| {
                progress.done += 1;
                progress.failure = failure;
            });
        }
    }

    /// Hands over the body of one; waits where the one before has not been sent.
    pub(super) async fn push(&self, body: String) -> Result<(), ExecutorError> {
        // counted once nothing can keep it from the queue: a turn may be dropped while it waits
        let place = self.queue.reserve().await;
        let place = place.map_err(|_| ExecutorError::Gone)?;
        self.progress.send_modify(|progress| progress.queued += 1);
        place.send(body);
        Ok(())
    }

    /// Returns once everything that was pushed is stored, or has failed for good: then with the
    /// reason, if the newest is lost. Something else has to drive [`Self::run`] meanwhile.
    pub(super) async fn settled(&self) -> Option<StoreFailure> {
        let mut progress = self.progress.subscribe();
        let settled = progress.wait_for(|progress| progress.done == progress.queued);
        // the sender lives as long as this
        settled
            .await
            .ok()
            .and_then(|progress| progress.failure.clone())
    }
}

/// One is being stored, one waits: a turn that is faster than GitLab waits for it, and does not
/// pile up copies of its state.
const WAITING: usize = 1;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tonic::Status;

    use super::*;
    use crate::{
        agent::{
            executor::Outbox,
            proto::{Action, ActionResponse, HttpResponse, action_response::ResponseType},
        },
        foundation::SystemRandomness,
    };

    type Sent = mpsc::Receiver<Result<Action, Status>>;

    fn checkpoints() -> (Checkpoints, Arc<Outbox>, Sent) {
        let (sender, sent) = mpsc::channel(8);
        let outbox = Arc::new(Outbox::new(sender, 8, Arc::new(SystemRandomness)));
        let gitlab = GitLab::new(Arc::clone(&outbox));
        let checkpoints = Checkpoints::new(gitlab, "/session", Arc::default());
        (checkpoints, outbox, sent)
    }

    fn answered(outbox: &Outbox, sent: &mut Sent, status: i32) {
        let answer = HttpResponse {
            status_code: status,
            ..HttpResponse::default()
        };
        outbox.answer(ActionResponse {
            request_id: sent.try_recv().unwrap().unwrap().request_id,
            response_type: Some(ResponseType::HttpResponse(answer)),
        });
    }

    #[tokio::test]
    async fn a_turn_that_is_dropped_while_it_hands_one_over_is_not_waited_for() {
        let (checkpoints, outbox, mut sent) = checkpoints();
        let mut run = Box::pin(checkpoints.run());
        checkpoints.push("1".to_owned()).await.unwrap();
        assert!((&mut run).now_or_never().is_none());
        checkpoints.push("2".to_owned()).await.unwrap();
        // GitLab is slow: one is being stored, one waits, and the turn waits with the third
        let third = checkpoints.push("3".to_owned()).now_or_never();
        assert!(third.is_none(), "there is no place, and the stop has come");
        assert!(checkpoints.settled().now_or_never().is_none());
        for _ in 0..2 {
            answered(&outbox, &mut sent, 201);
            assert!((&mut run).now_or_never().is_none());
        }
        assert_eq!(checkpoints.settled().now_or_never(), Some(None));
        assert!(sent.try_recv().is_err(), "the third was never queued");
    }

    #[tokio::test]
    async fn one_that_is_stored_makes_up_for_one_that_was_not() {
        let (checkpoints, outbox, mut sent) = checkpoints();
        let mut run = Box::pin(checkpoints.run());
        for (status, failure) in [(413, Some(StoreFailure::Status(413))), (201, None)] {
            checkpoints.push("1".to_owned()).await.unwrap();
            assert!((&mut run).now_or_never().is_none());
            answered(&outbox, &mut sent, status);
            assert!((&mut run).now_or_never().is_none());
            assert_eq!(checkpoints.settled().now_or_never(), Some(failure));
        }
    }
}
