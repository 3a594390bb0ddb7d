//! One timer for all deadlines of a connection.

use std::{future::Future, pin::Pin, task::Context, time::Duration};

use tokio::time::{Instant, Sleep, sleep_until};

/// A deadline that moves with every request while its timer rarely does: the timer is set again
/// only when the deadline comes nearer or an old one has rung.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    at: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// Expires after `duration`.
    pub(super) fn set(&mut self, duration: Duration) {
        self.at = Some(Instant::now() + duration);
    }

    /// Expires after `duration`, unless it runs already.
    pub(super) fn start(&mut self, duration: Duration) {
        if self.at.is_none() {
            self.set(duration);
        }
    }

    /// Never expires.
    pub(super) fn clear(&mut self) {
        self.at = None;
    }

    /// True once the deadline has passed; else the task is woken when it does.
    pub(super) fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        let Some(at) = self.at else {
            return false;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if timer.deadline() > at {
            timer.as_mut().reset(at);
        }
        while timer.as_mut().poll(context).is_ready() {
            if timer.deadline() >= at {
                return true;
            }
            timer.as_mut().reset(at);
        }
        false
    }
}
