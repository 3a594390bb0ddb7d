//! How those who answer tell the gate that they are done.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::task::AtomicWaker;

/// A handle to the gate of one connection; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct GateControl(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// How many requests have passed.
    passed: AtomicU64,
    /// The newest of them whose answer is complete.
    finished: AtomicU64,
    /// True between an answer and the next byte.
    idle: AtomicBool,
    tunnel: AtomicBool,
    broken: AtomicBool,
    untaken: OnceLock<Duration>,
    waker: AtomicWaker,
}

impl GateControl {
    /// A handle for a new connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that the present request's answer is complete. Call it once for each
    /// request, when the last byte of the answer's body was handed over or the body was dropped.
    pub fn response_finished(&self) {
        let number = self.passed();
        self.0.finished.fetch_max(number, Ordering::AcqRel);
        self.0.waker.wake();
    }

    /// Opens the gate for good: from now on bytes belong to a tunnel. Call it before the answer
    /// 101 is handed to hyper.
    pub fn tunnel(&self) {
        self.0.tunnel.store(true, Ordering::Release);
        self.0.waker.wake();
    }

    /// True once the body of the present request broke a rule: its answer is the last, and should
    /// say so.
    pub fn is_broken(&self) -> bool {
        self.0.broken.load(Ordering::Acquire)
    }

    /// True while nothing is left to do and nothing new has come.
    pub fn is_idle(&self) -> bool {
        self.0.idle.load(Ordering::Acquire)
    }

    /// How many requests have come, and whether the last of them is over.
    pub fn standing(&self) -> (u64, bool) {
        (self.passed(), self.is_idle())
    }

    /// Nothing is left to do, or something is.
    pub(super) fn set_idle(&self, idle: bool) {
        self.0.idle.store(idle, Ordering::Release);
    }

    /// The body of the present request breaks a rule.
    pub(super) fn mark_broken(&self) {
        self.0.broken.store(true, Ordering::Release);
    }

    /// For how long the client took nothing of its answer, if the connection ends for that.
    pub(crate) fn untaken(&self) -> Option<Duration> {
        self.0.untaken.get().copied()
    }

    /// The client took nothing of its answer for this long.
    pub(super) fn mark_untaken(&self, patience: Duration) {
        let _ = self.0.untaken.set(patience);
    }

    /// A request's head passes.
    pub(super) fn begin(&self) {
        self.0.passed.fetch_add(1, Ordering::AcqRel);
    }

    /// True once a request has passed.
    pub(super) fn has_begun(&self) -> bool {
        self.passed() > 0
    }

    /// True if the newest request's answer is complete.
    pub(super) fn is_finished(&self) -> bool {
        self.0.finished.load(Ordering::Acquire) >= self.passed()
    }

    /// True once the connection is a tunnel.
    pub(super) fn is_tunnel(&self) -> bool {
        self.0.tunnel.load(Ordering::Acquire)
    }

    /// Whom to wake when something is said.
    pub(super) fn register(&self, context: &std::task::Context<'_>) {
        self.0.waker.register(context.waker());
    }

    fn passed(&self) -> u64 {
        self.0.passed.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_finished_once() {
        let control = GateControl::new();
        control.begin();
        assert!(!control.is_finished());
        control.response_finished();
        assert!(control.is_finished());
        control.begin();
        assert!(!control.is_finished());
    }
}
