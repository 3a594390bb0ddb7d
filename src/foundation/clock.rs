//! Wall-clock time as a parameter, so that tests can move it.

use std::{
    future::Future,
    pin::Pin,
    time::{Duration, SystemTime},
};

/// The wall clock. Deadlines of connections use the runtime's monotonic timer instead; this is
/// for what a calendar decides: validity of certificates, back-off that outlives a restart.
pub trait Clock: Send + Sync + std::fmt::Debug + 'static {
    /// The present moment.
    fn now(&self) -> SystemTime;

    /// Returns once `duration` has passed on this clock.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>>;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        Box::pin(tokio::time::sleep(duration))
    }
}
