//! CRC-32C, the checksum a version 2 header may carry.

/// The checksum of a sequence of bytes.
pub(super) fn crc32c(bytes: impl Iterator<Item = u8>) -> u32 {
    let state = bytes.fold(u32::MAX, |state, byte| {
        (0..8).fold(state ^ u32::from(byte), |state, _| {
            let carry = if state & 1 == 1 { POLYNOMIAL } else { 0 };
            (state >> 1) ^ carry
        })
    });
    !state
}

/// Castagnoli's polynomial, bits reversed.
const POLYNOMIAL: u32 = 0x82F6_3B78;

#[cfg(test)]
mod tests {
    #[test]
    fn the_check_value_of_the_standard() {
        assert_eq!(super::crc32c(b"123456789".iter().copied()), 0xE306_9283);
    }
}
