//! Cyclic redundancy checks of 32 bits: they find damage, and prove nothing about who wrote.

/// A check by one polynomial.
#[derive(Debug)]
pub struct Crc32 {
    table: [u32; 256],
}

/// Castagnoli's, in version 2 of the PROXY protocol.
pub static CRC32C: Crc32 = Crc32::new(0x82F6_3B78);

/// The common one of zip and Ethernet, in Amazon's event streams.
pub static CRC32: Crc32 = Crc32::new(0xEDB8_8320);

impl Crc32 {
    /// A polynomial with its bits reversed.
    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "computed by the compiler, which would tell; places end at 255"
    )]
    const fn new(polynomial: u32) -> Self {
        let mut table = [0; 256];
        let mut place = 0;
        while place < table.len() {
            let mut state = place as u32;
            let mut bit = 0;
            while bit < 8 {
                let carry = if state & 1 == 1 { polynomial } else { 0 };
                state = (state >> 1) ^ carry;
                bit += 1;
            }
            table[place] = state;
            place += 1;
        }
        Self { table }
    }

    /// The checksum of a sequence of bytes.
    pub fn of(&self, bytes: impl Iterator<Item = u8>) -> u32 {
        let state = bytes.fold(u32::MAX, |state, byte| {
            let [low, ..] = state.to_le_bytes();
            let step = self.table.get(usize::from(low ^ byte));
            (state >> 8) ^ step.copied().unwrap_or_default()
        });
        !state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_values_of_the_standards() {
        let digits = b"123456789";
        assert_eq!(CRC32C.of(digits.iter().copied()), 0xE306_9283);
        assert_eq!(CRC32.of(digits.iter().copied()), 0xCBF4_3926);
    }
}
