//! Times as GitLab's clients and checkpoints have them (agent-platform 4.9).

use std::time::SystemTime;

use time::{
    OffsetDateTime, format_description::StaticFormatDescription, macros::format_description,
};

/// ISO 8601 with microseconds and an offset: GitLab's pages sort by it as text.
pub fn timestamp(now: SystemTime) -> String {
    let now = OffsetDateTime::from(now);
    // years beyond four digits, which no clock shows
    now.format(FORMAT).unwrap_or_default()
}

const FORMAT: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]+00:00");

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_time_is_written_with_its_offset() {
        let time = UNIX_EPOCH + Duration::from_micros(1_790_000_000_000_042);
        assert_eq!(timestamp(time), "2026-09-21T14:13:20.000042+00:00");
    }
}
