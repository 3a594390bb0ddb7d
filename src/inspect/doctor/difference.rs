//! How far the clocks are apart.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use super::{Finding, answerer::text};

/// Compares the Date of an answer with the moment it came. GitLab's tokens are valid from five
/// seconds before they are made, and servers forgive a minute (gitlab-clients 4.2).
pub(super) fn compare(headers: &HeaderMap, now: SystemTime) -> Option<Finding> {
    let date = text(headers, &header::DATE)?;
    let Ok(theirs) = OffsetDateTime::parse(&date, &Rfc2822) else {
        return Some(Finding::warning(
            SUBJECT,
            format!("the answer's Date is no date: {date}"),
            "whoever answers here is no HTTP server that GitLab can rely on",
        ));
    };
    let theirs = SystemTime::from(theirs);
    let (apart, direction) = match theirs.duration_since(now) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(error) => (error.duration(), "behind"),
    };
    let seen = format!(
        "the server's clock is {} {direction} this machine's",
        words(apart)
    );
    let remedy = "keep both hosts on NTP (timedatectl, chronyc tracking): tokens that GitLab \
                  signs are refused as not yet valid or expired when the clocks differ";
    Some(if apart > FORGIVEN {
        Finding::problem(SUBJECT, seen, remedy)
    } else if apart > UNSEEN {
        Finding::warning(SUBJECT, seen, remedy)
    } else {
        Finding::ok(SUBJECT, "the clocks agree to a few seconds")
    })
}

fn words(apart: Duration) -> String {
    let seconds = apart.as_secs();
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{} h", (seconds + 1800) / 3600),
    }
}

const SUBJECT: &str = "clock";

/// Beyond this, tokens are refused.
const FORGIVEN: Duration = Duration::from_secs(60);

/// Date has whole seconds, and the answer needs its time.
const UNSEEN: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::inspect::doctor::Outcome;

    fn at(now: u64) -> Finding {
        let mut headers = HeaderMap::new();
        let date = HeaderValue::from_static("Sun, 09 Sep 2001 01:46:40 GMT");
        headers.insert(header::DATE, date);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(now);
        compare(&headers, now).expect("there is a date")
    }

    #[test]
    fn a_minute_is_forgiven_and_an_hour_is_not() {
        assert_eq!(at(1_000_000_003).outcome, Outcome::Ok);
        assert_eq!(at(1_000_000_030).outcome, Outcome::Warning);
        let hour = at(1_000_003_600);
        assert_eq!(hour.outcome, Outcome::Problem);
        assert!(hour.seen.contains("60 min behind"), "{}", hour.seen);
        assert!(at(999_900_000).seen.contains("28 h ahead of"));
        assert!(compare(&HeaderMap::new(), SystemTime::UNIX_EPOCH).is_none());
    }
}
