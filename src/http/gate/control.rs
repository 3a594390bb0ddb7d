//! How those who answer tell the gate that they are done.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
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
    tunnel: AtomicBool,
    waker: AtomicWaker,
}

impl GateControl {
    /// A guard for the request being answered now. Take it when the request arrives and keep it
    /// with the answer's body: dropping it says that the answer is complete.
    pub fn exchange(&self) -> Exchange {
        Exchange {
            control: self.clone(),
            number: self.passed(),
        }
    }

    /// Says that the present request's answer is complete. Once for each request; an
    /// [`Exchange`] takes care of that.
    pub fn response_finished(&self) {
        self.finish(self.passed());
    }

    /// Opens the gate for good: from now on bytes belong to a tunnel. Call it before the answer
    /// 101 is handed to hyper.
    pub fn tunnel(&self) {
        self.0.tunnel.store(true, Ordering::Release);
        self.0.waker.wake();
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

    fn finish(&self, number: u64) {
        self.0.finished.fetch_max(number, Ordering::AcqRel);
        self.0.waker.wake();
    }
}

/// One request being answered; dropping it says that its answer is complete.
#[derive(Debug)]
pub struct Exchange {
    control: GateControl,
    number: u64,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.control.finish(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_finishes_its_own_request_only() {
        let control = GateControl::default();
        control.begin();
        let first = control.exchange();
        assert!(!control.is_finished());
        control.response_finished();
        assert!(control.is_finished());
        control.begin();
        drop(first);
        assert!(!control.is_finished());
        drop(control.exchange());
        assert!(control.is_finished());
    }
}
