//! When to renew and how long to back off: arithmetic alone.

use std::time::{Duration, SystemTime};

use crate::tls::Certificate;

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

/// When to renew: the moment the ACME server's window gave, but never in the last twentieth of the
/// life, where it is distrusted; without one a fraction of the life.
pub(super) fn moment(
    not_before: SystemTime,
    not_after: SystemTime,
    window: Option<SystemTime>,
    chance: f64,
) -> SystemTime {
    let life = not_after.duration_since(not_before).unwrap_or_default();
    let latest = not_after
        .checked_sub(life / DISTRUST_DIVISOR)
        .unwrap_or(SystemTime::UNIX_EPOCH);
    match window {
        Some(chosen) => chosen.min(latest),
        None => renewal_time(not_before, not_after, chance),
    }
}

/// The least time between two certificates for the same names. A calendar that runs wrong makes
/// every new certificate look due; this keeps that from becoming a storm. A window of the server
/// may ask earlier, since it does so after a revocation.
pub(super) fn least_gap(life: Duration, by_window: bool) -> Duration {
    if by_window {
        (life / DISTRUST_DIVISOR).min(WINDOW_GAP)
    } else {
        life / 3
    }
}

/// How long to wait after the failure that makes `failures` in a row: 1, 10, 100 minutes, then a
/// day, as Let's Encrypt asks; up to a tenth more by chance. With less than a sixth of the life
/// left the steps are tighter: 1, 2, 5, 10, 20 minutes, then half an hour.
pub(super) fn pause(failures: u32, urgent: bool, chance: f64) -> Duration {
    let steps: &[Duration] = if urgent { &URGENT_STEPS } else { &CALM_STEPS };
    let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let step = steps.get(index).or(steps.last()).copied().unwrap_or(DAY);
    step + (step / 10).mul_f64(chance.clamp(0.0, 1.0))
}

/// Whether a served certificate is so near its end that retries get tighter.
pub(super) fn is_urgent(not_before: SystemTime, not_after: SystemTime, now: SystemTime) -> bool {
    let life = not_after.duration_since(not_before).unwrap_or_default();
    let left = not_after.duration_since(now).unwrap_or_default();
    left < life / 6
}

/// What a server asked for, within reason.
pub(super) fn reasonable(asked: Duration) -> Duration {
    asked.min(LONGEST_ASKED)
}

/// How long until the server is asked for its window again: as it says, within a minute and a day
/// (six hours for short lives, which Let's Encrypt asks to be looked at twice a day).
pub(super) fn question_pause(asked: Option<Duration>, life: Duration, failed: bool) -> Duration {
    let longest = if life < SHORT_LIFE { SIX_HOURS } else { DAY };
    let usual = if failed { HOUR } else { SIX_HOURS };
    asked.unwrap_or(usual).clamp(MINUTE, longest)
}

/// How long an order has to wait so that no name fails its proof more than three times within an
/// hour: at Let's Encrypt five lock it out. `failed` are the moments of failed proofs.
pub(super) fn proof_pause(failed: &[u64], now: u64) -> Duration {
    let Some(skipped) = recent_proofs(failed, now).checked_sub(FAILED_PROOFS) else {
        return Duration::ZERO;
    };
    let mut recent = failed.iter().filter(|moment| is_recent(**moment, now));
    let oldest = recent.nth(skipped).copied().unwrap_or(now);
    Duration::from_secs((oldest + HOUR.as_secs()).saturating_sub(now))
}

/// How many of these proofs failed within the last hour.
pub(super) fn recent_proofs(failed: &[u64], now: u64) -> usize {
    let recent = failed.iter().filter(|moment| is_recent(**moment, now));
    recent.count()
}

fn is_recent(moment: u64, now: u64) -> bool {
    moment <= now && now - moment < HOUR.as_secs()
}

/// How long a certificate is valid from first to last.
pub(super) fn life(certificate: &Certificate) -> Duration {
    certificate
        .not_after()
        .duration_since(certificate.not_before())
        .unwrap_or_default()
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

/// The back-off that Let's Encrypt's integration guide asks for.
const CALM_STEPS: [Duration; 4] = [MINUTE, minutes(10), minutes(100), DAY];

/// With the end of a certificate near, an hour more of silence is worse than a few more questions;
/// all of them together stay far below every limit.
const URGENT_STEPS: [Duration; 6] = [
    MINUTE,
    minutes(2),
    minutes(5),
    minutes(10),
    minutes(20),
    minutes(30),
];

/// Of the life, the last part in which windows of the server are not believed: 4.5 days of 90.
const DISTRUST_DIVISOR: u32 = 20;

/// Two renewals by window within this time would be a mistake of the server.
const WINDOW_GAP: Duration = SIX_HOURS;

/// Failed proofs an hour; two of Let's Encrypt's five stay in reserve for people.
pub(super) const FAILED_PROOFS: usize = 3;

const MINUTE: Duration = minutes(1);
const HOUR: Duration = minutes(60);
const SIX_HOURS: Duration = minutes(360);
const DAY: Duration = minutes(24 * 60);

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

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
    fn back_off_grows_to_a_day_and_is_tighter_near_the_end() {
        let calm = |failures| pause(failures, false, 0.0).as_secs() / 60;
        assert_eq!([1, 2, 3, 4, 99].map(calm), [1, 10, 100, 1440, 1440]);
        let urgent = |failures| pause(failures, true, 0.0).as_secs() / 60;
        assert_eq!([1, 2, 3, 6, 99].map(urgent), [1, 2, 5, 30, 30]);
        assert_eq!(pause(1, false, 1.0), MINUTE + MINUTE / 10);
        assert_eq!(reasonable(Duration::MAX), LONGEST_ASKED);
        assert!(!is_urgent(START, START + days(60), START + days(50)));
        assert!(is_urgent(START, START + days(60), START + days(51)));
    }

    #[test]
    fn a_window_is_followed_but_not_to_the_last() {
        let end = START + days(100);
        let at = |window| moment(START, end, window, 0.0);
        assert_eq!(at(Some(START + days(30))), START + days(30));
        assert_eq!(at(Some(START + days(99))), START + days(95), "distrusted");
        assert_eq!(at(None), renewal_time(START, end, 0.0));
        assert_eq!(least_gap(days(90), false), days(30));
        assert_eq!(least_gap(days(90), true), WINDOW_GAP);
    }

    #[test]
    fn questions_keep_their_distance() {
        let ask = |asked: Option<u64>, life| {
            question_pause(asked.map(Duration::from_secs), days(life), false)
        };
        assert_eq!(ask(Some(1), 90), MINUTE);
        assert_eq!(ask(Some(1_000_000), 90), DAY);
        assert_eq!(ask(Some(1_000_000), 6), SIX_HOURS);
        assert_eq!(ask(None, 90), SIX_HOURS);
        assert_eq!(question_pause(None, days(90), true), HOUR);
    }

    #[test]
    fn failed_proofs_have_a_budget() {
        let hour = HOUR.as_secs();
        assert_eq!(proof_pause(&[10, 20], 30), Duration::ZERO);
        assert_eq!(proof_pause(&[10, 20, 25], 30).as_secs(), 10 + hour - 30);
        assert_eq!(proof_pause(&[10, 20, 25, 28], 30).as_secs(), 20 + hour - 30);
        assert_eq!(proof_pause(&[10, 20, 25], 30 + hour), Duration::ZERO);
        assert_eq!(proof_pause(&[10, 20, 25], 5), Duration::ZERO, "set back");
    }

    #[test]
    fn a_clock_set_back_does_not_stretch_a_pause() {
        let began = START + days(400);
        assert_eq!(pause_left(began, MINUTE, began + MINUTE / 2), MINUTE / 2);
        assert_eq!(pause_left(began, MINUTE, began + days(1)), Duration::ZERO);
        assert_eq!(pause_left(began, MINUTE, START), MINUTE, "a year back");
    }
}
