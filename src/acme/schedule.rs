//! When to renew and how long to back off: arithmetic alone.

use std::time::{Duration, SystemTime};

/// The moment from which a certificate should be replaced: at a third of its life left, at half
/// when the life is under ten days; up to a fiftieth of the life earlier by chance, so that
/// servers started together do not ask together. `chance` is `0.0 ..= 1.0`.
pub(super) fn renewal_time(
    not_before: SystemTime,
    not_after: SystemTime,
    chance: f64,
) -> SystemTime {
    let life = not_after.duration_since(not_before).unwrap_or_default();
    let left = if life < SHORT_LIFE {
        life / 2
    } else {
        life / 3
    };
    let early = (life / JITTER_DIVISOR).mul_f64(chance.clamp(0.0, 1.0));
    not_after
        .checked_sub(left + early)
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

/// How long to wait after the failure that makes `failures` in a row: 1, 10, 100 minutes, then a
/// day; up to a tenth more by chance; never less than the server asked for.
pub(super) fn pause(failures: u32, asked: Option<Duration>, chance: f64) -> Duration {
    let step = match failures {
        0 | 1 => MINUTE,
        2 => 10 * MINUTE,
        3 => 100 * MINUTE,
        _ => DAY,
    };
    let jittered = step + (step / 10).mul_f64(chance.clamp(0.0, 1.0));
    jittered.max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

/// What is left of a pause that began at `began`. A clock that was set back must not stretch it.
pub(super) fn pause_left(began: SystemTime, pause: Duration, now: SystemTime) -> Duration {
    let Some(end) = began.checked_add(pause) else {
        return pause;
    };
    end.duration_since(now).unwrap_or_default().min(pause)
}

/// Let's Encrypt's own line between short and long lives.
const SHORT_LIFE: Duration = Duration::from_secs(10 * 86_400);

/// Two days of a 90-day certificate, three hours of a six-day one.
const JITTER_DIVISOR: u32 = 50;

/// The first step of the back-off that Let's Encrypt's integration guide asks for.
const MINUTE: Duration = Duration::from_secs(60);

/// The last step.
const DAY: Duration = Duration::from_secs(86_400);

/// Rate limits of public servers look back at most a week; more is a mistake of the server.
const LONGEST_ASKED: Duration = Duration::from_secs(8 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    const START: SystemTime = SystemTime::UNIX_EPOCH;

    fn days(count: u64) -> Duration {
        Duration::from_secs(count * 86_400)
    }

    #[test]
    fn renewal_follows_the_certificates_life() {
        let at = |life: Duration, chance| {
            let moment = renewal_time(START, START + life, chance);
            moment.duration_since(START).expect("not before it began")
        };
        assert_eq!(at(days(90), 0.0), days(60));
        assert_eq!(at(days(90), 1.0), days(60).saturating_sub(days(90) / 50));
        assert_eq!(at(days(6), 0.0), days(3));
        assert_eq!(at(days(10), 0.0), days(10).saturating_sub(days(10) / 3));
        assert!(at(Duration::from_secs(30), 1.0) >= Duration::from_secs(14));
        assert_eq!(
            renewal_time(START + days(1), START, 0.5),
            START,
            "nonsense is due"
        );
    }

    #[test]
    fn back_off_grows_to_a_day_and_obeys_the_server() {
        let minutes = |failures| pause(failures, None, 0.0).as_secs() / 60;
        assert_eq!([1, 2, 3, 4, 99].map(minutes), [1, 10, 100, 1440, 1440]);
        assert_eq!(pause(1, None, 1.0), MINUTE + MINUTE / 10);
        let asked = Some(Duration::from_secs(7200));
        assert_eq!(pause(1, asked, 0.0), Duration::from_secs(7200));
        assert_eq!(pause(4, asked, 0.0), DAY, "the longer one wins");
        assert_eq!(pause(1, Some(Duration::MAX), 0.0), LONGEST_ASKED);
    }

    #[test]
    fn a_clock_set_back_does_not_stretch_a_pause() {
        let began = START + days(400);
        assert_eq!(pause_left(began, MINUTE, began + MINUTE / 2), MINUTE / 2);
        assert_eq!(pause_left(began, MINUTE, began + days(1)), Duration::ZERO);
        assert_eq!(pause_left(began, MINUTE, START), MINUTE, "a year back");
    }
}
