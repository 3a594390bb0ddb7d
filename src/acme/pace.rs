//! Waiting for an ACME server: our own pace, on the clock we were given.

use std::time::Duration;

use instant_acme::Error;

use super::AcmeError;
use crate::foundation::Clock;

/// The pauses between looks at something that the ACME server works on.
pub(super) struct Pace<'a> {
    clock: &'a dyn Clock,
    step: &'static str,
    next: Duration,
    waited: Duration,
}

impl<'a> Pace<'a> {
    /// A pace for `step`, which errors name.
    pub(super) fn new(clock: &'a dyn Clock, step: &'static str) -> Self {
        Self {
            clock,
            step,
            next: FIRST_PAUSE,
            waited: Duration::ZERO,
        }
    }

    /// Waits before the next look: as long as the server asked for, else ever longer. Counts what
    /// it waited rather than looking at the clock, which may jump.
    pub(super) async fn wait(&mut self, asked: Option<Duration>) -> Result<(), AcmeError> {
        if self.waited >= LONGEST_WAIT {
            return Err(AcmeError::TooSlow {
                step: self.step,
                waited: self.waited,
            });
        }
        let pause = asked.unwrap_or(self.next).clamp(
            FIRST_PAUSE,
            LONGEST_WAIT.saturating_sub(self.waited).max(FIRST_PAUSE),
        );
        self.clock.sleep(pause).await;
        self.waited += pause;
        self.next = (self.next * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

/// Repeats a call whose nonce was refused. The library does it three times, which a server that
/// refuses a third of all nonces (Pebble in tests, a busy cluster behind one name) exhausts. A
/// macro, since the futures of borrowing closures cannot be proved to be `Send`.
macro_rules! with_fresh_nonces {
    ($call:expr) => {{
        let mut left = $crate::acme::pace::NONCE_REPEATS;
        loop {
            match $call {
                Err(error) if left > 0 && $crate::acme::pace::is_bad_nonce(&error) => left -= 1,
                outcome => break outcome,
            }
        }
    }};
}

pub(super) use with_fresh_nonces;

/// True when the server only wants the same call with another nonce.
pub(super) fn is_bad_nonce(error: &Error) -> bool {
    let Error::Api(problem) = error else {
        return false;
    };
    problem.r#type.as_deref() == Some("urn:ietf:params:acme:error:badNonce")
}

/// Most servers validate within a second.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// A slow one is asked this seldom.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Per step and attempt; what takes longer is followed up by the next attempt.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// With the library's three tries each: at 30 % refusals one call in ten billion fails.
pub(super) const NONCE_REPEATS: u32 = 5;
