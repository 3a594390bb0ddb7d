//! Which bytes may stand where.

/// A set of bytes.
pub(super) struct Alphabet([bool; 256]);

impl Alphabet {
    /// Letters, digits and `more`.
    #[expect(
        clippy::indexing_slicing,
        reason = "runs while compiling, where a wrong index is an error of the compiler"
    )]
    const fn letters_digits_and(more: &[u8]) -> Self {
        let mut table = [false; 256];
        let mut byte = 0_u8;
        while byte < 128 {
            table[byte as usize] = byte.is_ascii_alphanumeric();
            byte += 1;
        }
        let mut index = 0;
        while index < more.len() {
            table[more[index] as usize] = true;
            index += 1;
        }
        Self(table)
    }

    /// True if the byte belongs to the set.
    pub(super) fn contains(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or(false)
    }

    /// True if every byte belongs to the set.
    pub(super) fn contains_all(&self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| self.contains(*byte))
    }
}

/// RFC 9110 5.6.2: methods, field names.
pub(super) static TOKEN: Alphabet = Alphabet::letters_digits_and(b"!#$%&'*+-.^_`|~");

/// RFC 3986: unreserved, reserved but `#`, and `%`. Brackets are common in queries.
pub(super) static TARGET: Alphabet = Alphabet::letters_digits_and(b"-._~:/?[]@!$&'()*+,;=%");

/// Names and IPv4 addresses of a Host field. Underscores occur in names of containers; of the
/// punctuation that RFC 3986 allows besides no client makes use.
pub(super) static HOST: Alphabet = Alphabet::letters_digits_and(b"-._~");

/// True if a field value may contain all these bytes: no controls but the tab.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "without a branch per byte the loop compiles to wide instructions"
)]
pub(super) fn is_field_value(bytes: &[u8]) -> bool {
    !bytes.iter().fold(false, |bad, byte| {
        bad | ((*byte < b' ') & (*byte != b'\t')) | (*byte == 0x7F)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_hold_what_the_standards_say() {
        assert_eq!((0..=255).filter(|byte| TOKEN.contains(*byte)).count(), 77);
        assert!(TOKEN.contains_all(b"X-Gitlab_Realm"));
        assert!(!TOKEN.contains_all(b"a b") && !TOKEN.contains_all(b"a:"));
        assert!(!TARGET.contains_all(b"/a#b") && !TARGET.contains_all(b"/\x80"));
        assert!(is_field_value(b"a\tb \xFF") && !is_field_value(b"\0") && !is_field_value(b"\x7F"));
    }
}
