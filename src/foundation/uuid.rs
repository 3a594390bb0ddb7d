//! Identifiers that are unique without asking anybody (RFC 9562).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use data_encoding::HEXLOWER;

use super::Randomness;

/// A random identifier (version 4) as text: `6f1b2c3d-....`.
pub fn random_uuid(randomness: &dyn Randomness) -> String {
    let mut bytes = [0_u8; 16];
    randomness.fill(&mut bytes);
    text(stamped(bytes, 4))
}

/// Makes identifiers that sort as text by the time they were made (version 6), each later than
/// the one before, also within one tick of the clock and where the clock goes backwards.
#[derive(Debug, Default)]
pub struct OrderedUuids {
    /// Ticks of the last one.
    last: u64,
}

impl OrderedUuids {
    /// Identifiers that are all later than `known`, which may come from another process; text
    /// that is none of version 6 bounds nothing.
    pub fn later_than(known: &str) -> Self {
        Self {
            last: ticks_of(known).unwrap_or_default(),
        }
    }

    /// The next one.
    pub fn next(&mut self, now: SystemTime, randomness: &dyn Randomness) -> String {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let ticks = u64::try_from(since.as_nanos() / 100).unwrap_or(u64::MAX);
        let ticks = ticks.saturating_add(GREGORIAN).min(TICKS);
        self.last = ticks.max(self.last + 1).min(TICKS);
        let mut bytes = [0_u8; 16];
        randomness.fill(&mut bytes);
        let (high, low) = (self.last >> 12, self.last & 0xfff);
        let time = (high << 16) | low;
        for (byte, part) in bytes.iter_mut().zip(time.to_be_bytes()) {
            *byte = part;
        }
        text(stamped(bytes, 6))
    }
}

/// Ticks of 100 ns since 1582 that an identifier of version 6 holds.
fn ticks_of(known: &str) -> Option<u64> {
    let digits = known.replace('-', "");
    let time = u64::from_str_radix(digits.get(..16)?, 16).ok()?;
    let is_ordered = digits.len() == 32 && (time >> 12) & 0xf == 6;
    is_ordered.then_some(((time >> 16) << 12) | (time & 0xfff))
}

/// With version and variant in their places.
fn stamped(bytes: [u8; 16], version: u8) -> [u8; 16] {
    let mut number = u128::from_be_bytes(bytes);
    number = (number & !(0xf << 76)) | (u128::from(version) << 76);
    number = (number & !(0x3 << 62)) | (0x2 << 62);
    number.to_be_bytes()
}

fn text(bytes: [u8; 16]) -> String {
    let mut text = HEXLOWER.encode(&bytes);
    for place in [20, 16, 12, 8] {
        text.insert(place, '-');
    }
    text
}

/// From the calendar's begin in 1582 to 1970, in ticks of 100 ns.
const GREGORIAN: u64 = 0x01b2_1dd2_1381_4000;

/// The greatest time that fits: 60 bits.
const TICKS: u64 = (1 << 60) - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::SystemRandomness;

    #[test]
    fn a_random_one_has_its_form() {
        let one = random_uuid(&SystemRandomness);
        assert_eq!(one.len(), 36);
        assert_eq!(&one[14..15], "4");
        assert!("89ab".contains(&one[19..20]), "{one}");
        assert_ne!(one, random_uuid(&SystemRandomness));
    }

    #[test]
    fn ordered_ones_sort_as_text_whatever_the_clock_does() {
        // RFC 9562, A.5: 2022-02-22 19:22:22 UTC is 1EC9414C-232A-6B00-...
        let now = UNIX_EPOCH + Duration::from_secs(1_645_557_742);
        let mut uuids = OrderedUuids::default();
        let first = uuids.next(now, &SystemRandomness);
        assert!(first.starts_with("1ec9414c-232a-6b00-"), "{first}");
        let mut last = first;
        let hour = Duration::from_secs(3600);
        for time in [now, now, now - hour, now + hour, now] {
            let next = uuids.next(time, &SystemRandomness);
            assert!(next > last, "{next} does not follow {last}");
            last = next;
        }
        let mut elsewhere = OrderedUuids::later_than(&last);
        assert!(elsewhere.next(now, &SystemRandomness) > last);
        for nonsense in ["", "x", "6f1b2c3d-0000-4000-8000-000000000000", "ü"] {
            assert_eq!(ticks_of(nonsense), None, "{nonsense}");
        }
    }
}
