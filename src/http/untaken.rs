//! Answers that their clients do not take.
//!
//! Who asks and then reads nothing holds a connection to the upstream and a place among the
//! requests in flight for as long as it likes; a few HTTP/2 connections whose windows stay at
//! zero would hold all of them. On HTTP/1 the gate sees that its socket takes nothing. On HTTP/2
//! only the body knows: hyper does not ask it for more while the client leaves no room.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::time::Instant;

use super::{AccessEntry, ResponseBody};

/// What an answer holds until it is complete.
#[derive(Debug)]
pub(super) struct Held {
    /// None once it was given up.
    pub(super) body: Option<ResponseBody>,
    /// None once it was given up.
    pub(super) entry: Option<Arc<AccessEntry>>,
    /// Since when the next part waits for the client; none while we wait for the upstream.
    pub(super) offered: Option<Instant>,
}

/// What an answer holds, shared with the watch of its connection.
#[derive(Clone, Debug)]
pub(super) struct SharedHeld(Arc<Mutex<Held>>);

impl SharedHeld {
    pub(super) fn new(body: ResponseBody, entry: Arc<AccessEntry>) -> Self {
        Self(Arc::new(Mutex::new(Held {
            body: Some(body),
            entry: Some(entry),
            offered: Some(Instant::now()),
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answers on their way out of one HTTP/2 connection. Their number is bounded by
/// `limits.http2_streams`.
#[derive(Debug, Default)]
pub(super) struct UntakenAnswers(Mutex<Vec<Weak<Mutex<Held>>>>);

impl UntakenAnswers {
    /// Watches over one more.
    pub(super) fn add(&self, held: &SharedHeld) {
        let mut answers = self.lock();
        answers.retain(|answer| answer.strong_count() > 0);
        answers.push(Arc::downgrade(&held.0));
    }

    /// Gives up those of which nothing was taken for `patience`; never returns.
    pub(super) async fn watch(&self, patience: Duration) {
        loop {
            tokio::time::sleep(patience / LOOKS_PER_PATIENCE).await;
            self.give_up(patience);
        }
    }

    fn give_up(&self, patience: Duration) {
        let answers = self.lock().iter().filter_map(Weak::upgrade).collect();
        let answers: Vec<Arc<Mutex<Held>>> = answers;
        for answer in answers {
            let given_up = {
                let mut held = answer.lock().unwrap_or_else(PoisonError::into_inner);
                let late = held
                    .offered
                    .is_some_and(|offered| offered.elapsed() >= patience);
                late.then(|| (held.body.take(), held.entry.take()))
            };
            // dropped without the lock: the entry writes its line, the body frees its upstream
            if let Some((_body, Some(entry))) = given_up {
                let _ = entry.failure.set(not_taken(patience));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Mutex<Held>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the operator reads.
pub(super) fn not_taken(patience: Duration) -> String {
    let seconds = patience.as_secs();
    format!("the client took nothing of the answer for {seconds} s")
}

/// An answer is given up after at most a quarter more than its time.
const LOOKS_PER_PATIENCE: u32 = 4;
