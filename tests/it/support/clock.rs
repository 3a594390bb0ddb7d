//! A clock that tests move.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use duogate::foundation::Clock;

/// The machine's clock plus an offset. Sleeps are real time divided by `speed`, and each is
/// written down.
#[derive(Clone, Debug)]
pub(crate) struct MovableClock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    offset_seconds: AtomicI64,
    longest_real_sleep: Duration,
    sleeps: Mutex<Vec<Duration>>,
    reads: AtomicU32,
}

impl MovableClock {
    /// Shows the true time; no sleep lasts longer than `longest_real_sleep`, and the clock jumps
    /// ahead by what such a sleep left out when `jump` is called, not by itself.
    pub(crate) fn new(longest_real_sleep: Duration) -> Self {
        Self(Arc::new(Inner {
            offset_seconds: AtomicI64::new(0),
            longest_real_sleep,
            sleeps: Mutex::default(),
            reads: AtomicU32::new(0),
        }))
    }

    /// Moves the clock; backwards with a negative number.
    pub(crate) fn jump(&self, seconds: i64) {
        self.0.offset_seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// The sleeps asked for so far.
    pub(crate) fn sleeps(&self) -> Vec<Duration> {
        self.0
            .sleeps
            .lock()
            .expect("no test panics in here")
            .clone()
    }
}

impl Clock for MovableClock {
    #[expect(clippy::disallowed_methods, reason = "a clock of the tests")]
    fn now(&self) -> SystemTime {
        self.0.reads.fetch_add(1, Ordering::Relaxed);
        let offset = self.0.offset_seconds.load(Ordering::SeqCst);
        let distance = Duration::from_secs(offset.unsigned_abs());
        if offset < 0 {
            SystemTime::now() - distance
        } else {
            SystemTime::now() + distance
        }
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        self.0
            .sleeps
            .lock()
            .expect("no test panics in here")
            .push(duration);
        Box::pin(tokio::time::sleep(duration.min(self.0.longest_real_sleep)))
    }
}
