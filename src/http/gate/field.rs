//! The fields of a head that decide where it ends and whom it addresses.

use std::ops::Range;

use super::{GateViolation, alphabet, authority::is_authority};

/// What the fields so far said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    /// How many there were.
    pub(super) count: usize,
    /// Where the value of Host stands.
    pub(super) host: Option<Range<usize>>,
    /// The value of Content-Length.
    pub(super) content_length: Option<u64>,
    /// True once Transfer-Encoding was seen.
    pub(super) chunked: bool,
}

impl Fields {
    /// Judges one line without its end. `start` is its place in the head.
    pub(super) fn add(&mut self, line: &[u8], start: usize) -> Result<(), GateViolation> {
        self.count += 1;
        let (name, value) = split(line)?;
        if !alphabet::is_field_value(value) {
            return Err(GateViolation::FIELD_VALUE);
        }
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                let leading = value.len() - value.trim_ascii_start().len();
                let value = value.trim_ascii();
                let start = start + name.len() + 1 + leading;
                self.set_host(value, start..start + value.len())
            }
            6 if name.eq_ignore_ascii_case(b"expect") => check_expect(value.trim_ascii()),
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                self.set_content_length(value.trim_ascii())
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                self.set_transfer_encoding(value)
            }
            _ => Ok(()),
        }
    }

    fn set_host(&mut self, value: &[u8], range: Range<usize>) -> Result<(), GateViolation> {
        if self.host.is_some() {
            return Err(GateViolation::HOST_REPEATED);
        }
        if !is_authority(value) {
            return Err(GateViolation::HOST);
        }
        self.host = Some(range);
        Ok(())
    }

    fn set_content_length(&mut self, value: &[u8]) -> Result<(), GateViolation> {
        if self.content_length.is_some() {
            return Err(GateViolation::CONTENT_LENGTH_REPEATED);
        }
        let zero_led = value.len() > 1 && value.first() == Some(&b'0');
        let digits = (1..=MAXIMUM_DIGITS).contains(&value.len());
        if zero_led || !digits || !value.iter().all(u8::is_ascii_digit) {
            return Err(GateViolation::CONTENT_LENGTH);
        }
        let number = value
            .iter()
            .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        self.content_length = Some(number);
        Ok(())
    }

    fn set_transfer_encoding(&mut self, value: &[u8]) -> Result<(), GateViolation> {
        if self.chunked {
            return Err(GateViolation::TRANSFER_ENCODING_REPEATED);
        }
        // White space around the word is where parsers differ, so only one leading space is let in.
        let value = value.strip_prefix(b" ").unwrap_or(value);
        if !value.eq_ignore_ascii_case(b"chunked") {
            return Err(GateViolation::TRANSFER_ENCODING);
        }
        self.chunked = true;
        Ok(())
    }
}

fn split(line: &[u8]) -> Result<(&[u8], &[u8]), GateViolation> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(GateViolation::FOLDED_LINE);
    }
    let colon = memchr::memchr(b':', line).ok_or(GateViolation::FIELD_COLON)?;
    let (name, value) = line.split_at(colon);
    if name.is_empty() || !alphabet::TOKEN.contains_all(name) {
        return Err(GateViolation::FIELD_NAME);
    }
    Ok((name, value.get(1..).unwrap_or_default()))
}

fn check_expect(value: &[u8]) -> Result<(), GateViolation> {
    if value.eq_ignore_ascii_case(b"100-continue") {
        Ok(())
    } else {
        Err(GateViolation::EXPECT)
    }
}

/// Any number of this many digits fits into 64 bits.
const MAXIMUM_DIGITS: usize = 18;
