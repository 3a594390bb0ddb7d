//! A server that keeps failing is left alone for a while.

use std::time::Duration;

use tokio::time::Instant;

/// A circuit breaker: closed while calls succeed, open for a while after several failures in a row,
/// then half open: one call goes through, and decides. Time is given in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    /// In a row.
    failures: u32,
    /// How often in a row it opened.
    openings: u32,
    /// Until when nobody calls; in the past where one call may.
    open_until: Option<Instant>,
    /// That one call is on its way.
    is_probing: bool,
}

impl Breaker {
    /// How long calls have to wait; none where one may be made now.
    pub fn wait(&self, now: Instant) -> Option<Duration> {
        let until = self.open_until?;
        if self.is_probing {
            // nobody knows when that call ends
            return Some(until.saturating_duration_since(now).max(PROBE));
        }
        Some(until.saturating_duration_since(now)).filter(|wait| !wait.is_zero())
    }

    /// A call begins; to be asked for after [`Self::wait`]. True for the one that decides.
    pub fn begin(&mut self) -> bool {
        self.is_probing = self.open_until.is_some();
        self.is_probing
    }

    /// The deciding call ended without saying anything of the server; another one may decide.
    pub fn abandon(&mut self) {
        self.is_probing = false;
    }

    /// A call succeeded. True where this closed the breaker.
    pub fn succeed(&mut self) -> bool {
        let was_open = self.open_until.is_some();
        *self = Self::default();
        was_open
    }

    /// A call failed, the deciding one where `was_probe`. Gives how long the server is left alone
    /// where this opened the breaker.
    pub fn fail(&mut self, now: Instant, was_probe: bool) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        let opens = if self.open_until.is_some() {
            // calls that began before it opened say nothing new
            was_probe
        } else {
            self.failures >= FAILURES
        };
        if !opens {
            return None;
        }
        self.is_probing = false;
        let rest = FIRST_REST * 2_u32.saturating_pow(self.openings.min(DOUBLINGS));
        self.openings = self.openings.saturating_add(1);
        self.open_until = Some(now + rest);
        Some(rest)
    }
}

/// One or two failures are a restart of a worker.
const FAILURES: u32 = 5;

/// A model server that was restarted is back within a minute.
const FIRST_REST: Duration = Duration::from_secs(5);

/// 40 s at most.
const DOUBLINGS: u32 = 3;

/// What those who come while one call tries are told.
const PROBE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_one_call_decides() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 1..FAILURES {
            assert!(!breaker.begin());
            assert_eq!(breaker.fail(start, false), None);
        }
        assert!(!breaker.succeed());
        for _ in 1..FAILURES {
            assert_eq!(breaker.fail(start, false), None);
        }
        assert_eq!(breaker.fail(start, false), Some(FIRST_REST));
        assert_eq!(breaker.wait(start), Some(FIRST_REST));
        // a straggler changes nothing, before the call that decides and beside it
        assert_eq!(breaker.fail(start, false), None);
        let later = start + FIRST_REST;
        assert_eq!(breaker.wait(later), None);
        assert!(breaker.begin());
        assert_eq!(breaker.fail(later, false), None);
        assert_eq!(breaker.wait(later), Some(PROBE));
        assert_eq!(breaker.fail(later, true), Some(FIRST_REST * 2));
        let later = later + FIRST_REST * 2;
        assert!(breaker.begin());
        breaker.abandon();
        assert_eq!(breaker.wait(later), None);
        assert!(breaker.begin());
        assert!(breaker.succeed());
        assert_eq!(breaker, Breaker::default());
    }

    #[test]
    fn it_is_never_open_for_long() {
        let mut now = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            let decides = breaker.begin();
            if let Some(rest) = breaker.fail(now, decides) {
                assert!(rest <= Duration::from_secs(40), "{rest:?}");
                now += rest;
            }
        }
    }
}
