//! A clock that tests move.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use duogate::foundation::Clock;

/// The machine's clock, whose sleeps are cut short.
#[derive(Clone, Debug)]
pub(crate) struct MovableClock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    longest_real_sleep: Duration,
}

impl MovableClock {
    /// Shows the true time; no sleep lasts longer than `longest_real_sleep`.
    pub(crate) fn new(longest_real_sleep: Duration) -> Self {
        Self(Arc::new(Inner { longest_real_sleep }))
    }
}

impl Clock for MovableClock {
    #[expect(clippy::disallowed_methods, reason = "a clock of the tests")]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        Box::pin(tokio::time::sleep(duration.min(self.0.longest_real_sleep)))
    }
}
