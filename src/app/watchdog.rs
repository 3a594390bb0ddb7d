//! Ends the process when its end takes too long.
//!
//! The drain and its clock run on the runtime as everything does. A thread of the runtime that is
//! blocked for good (a file system that hangs, a fault of ours) could so hold the process for ever,
//! and whoever stops it would have to know that only SIGKILL helps. This thread has a runtime of
//! its own with nothing else on it.

use std::{io, thread, time::Duration};

use super::drain::{DrainTimes, Signals};
use crate::foundation::{Shutdown, ShutdownPhase};

/// Starts the thread. `times` is asked once the end begins, by a signal or otherwise.
pub(super) fn watch(
    shutdown: Shutdown,
    times: impl Fn() -> DrainTimes + Send + 'static,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let signals = {
        let _inside = runtime.enter();
        Signals::new()?
    };
    let watching = move || {
        let waited = runtime.block_on(until_too_late(signals, shutdown, times));
        tracing::error!(
            waited_seconds = waited.as_secs(),
            exit_code = EXIT_CODE,
            "the process does not end; something blocks its threads, so it is cut off"
        );
        // The log is written by a thread of its own.
        thread::sleep(LAST_WORDS);
        cut_off();
    };
    thread::Builder::new()
        .name("watchdog".to_owned())
        .spawn(watching)?;
    Ok(())
}

async fn until_too_late(
    mut signals: Signals,
    shutdown: Shutdown,
    times: impl Fn() -> DrainTimes,
) -> Duration {
    tokio::select! {
        _ = signals.next() => {}
        () = shutdown.reached(ShutdownPhase::Leaving) => {}
    }
    let begin = tokio::time::Instant::now();
    let times = times();
    // Further signals are not looked at: the first may come here after the phase that it caused.
    tokio::time::sleep(times.delay + times.grace + MARGIN).await;
    begin.elapsed()
}

#[expect(
    clippy::disallowed_methods,
    reason = "main cannot return: that is what this is for"
)]
fn cut_off() {
    std::process::exit(EXIT_CODE);
}

/// Beyond delay and grace. A process that is only busy notices the end of the grace, cuts its
/// connections and exits within it; a service manager waits longer (TimeoutStopSec).
const MARGIN: Duration = Duration::from_secs(5);

/// For the log's thread to write one line.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Apart from 1 (problems) and 2 (usage): the end was not in order.
const EXIT_CODE: i32 = 3;
