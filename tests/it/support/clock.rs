//! A clock that tests move.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use duogate::foundation::Clock;

/// The machine's clock, set forward or back, whose sleeps are cut short.
#[derive(Clone, Debug)]
pub(crate) struct MovableClock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    longest_real_sleep: Duration,
    ahead_seconds: AtomicI64,
    sleeps: AtomicUsize,
}

impl MovableClock {
    /// Shows the true time; no sleep lasts longer than `longest_real_sleep`.
    pub(crate) fn new(longest_real_sleep: Duration) -> Self {
        Self(Arc::new(Inner {
            longest_real_sleep,
            ahead_seconds: AtomicI64::new(0),
            sleeps: AtomicUsize::new(0),
        }))
    }

    /// Sets it this far ahead of the true time, or behind it.
    pub(crate) fn set_ahead(&self, days: i64) {
        self.0.ahead_seconds.store(days * 86_400, Ordering::SeqCst);
    }

    /// Sets it this far ahead of the true time.
    pub(crate) fn set_ahead_by(&self, ahead: Duration) {
        let seconds = i64::try_from(ahead.as_secs()).unwrap();
        self.0.ahead_seconds.store(seconds, Ordering::SeqCst);
    }

    /// The same, and waits until whoever sleeps has looked at the clock often since.
    pub(crate) async fn travel(&self, ahead: Duration) {
        self.set_ahead_by(ahead);
        let deadline = Instant::now() + Duration::from_secs(20);
        let until = self.sleeps() + 60;
        while self.sleeps() < until {
            assert!(Instant::now() < deadline, "nobody sleeps on this clock");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// How often somebody began to sleep.
    pub(crate) fn sleeps(&self) -> usize {
        self.0.sleeps.load(Ordering::SeqCst)
    }
}

impl Clock for MovableClock {
    #[expect(clippy::disallowed_methods, reason = "a clock of the tests")]
    fn now(&self) -> SystemTime {
        let ahead = self.0.ahead_seconds.load(Ordering::SeqCst);
        let distance = Duration::from_secs(ahead.unsigned_abs());
        if ahead < 0 {
            SystemTime::now() - distance
        } else {
            SystemTime::now() + distance
        }
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        self.0.sleeps.fetch_add(1, Ordering::SeqCst);
        Box::pin(tokio::time::sleep(duration.min(self.0.longest_real_sleep)))
    }
}
