//! The fields behind a chunked body.

use super::{GateViolation, alphabet};

/// Judges trailers up to and including the empty line.
#[derive(Clone, Debug, Default)]
pub(super) struct TrailerScanner {
    place: Place,
    bytes: usize,
    fields: usize,
    /// The beginning of the current field's name in lower case; longer names are not forbidden.
    name: [u8; LONGEST_FORBIDDEN],
    name_length: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    #[default]
    LineStart,
    Name,
    Value,
    LineFeed,
    LastLineFeed,
}

impl TrailerScanner {
    /// Takes one byte; true once the trailers have ended.
    pub(super) fn step(&mut self, byte: u8) -> Result<bool, GateViolation> {
        self.bytes += 1;
        if self.bytes > MAXIMUM_BYTES || self.fields > MAXIMUM_FIELDS {
            return Err(GateViolation::TRAILERS_TOO_LARGE);
        }
        self.place = match (self.place, byte) {
            (Place::LineStart, b'\r') => Place::LastLineFeed,
            (Place::LastLineFeed, b'\n') => return Ok(true),
            (Place::LineStart, _) => {
                self.fields += 1;
                self.name_length = 0;
                self.step_name(byte)?
            }
            (Place::Name, b':') => {
                self.check_name()?;
                Place::Value
            }
            (Place::Name, _) => self.step_name(byte)?,
            (Place::Value, b'\r') => Place::LineFeed,
            (Place::LineFeed, b'\n') => Place::LineStart,
            (Place::Value, _) if alphabet::is_field_value(&[byte]) => Place::Value,
            (Place::Value, b'\n') | (Place::LineFeed | Place::LastLineFeed, _) => {
                return Err(GateViolation::CHUNK_LINE_END);
            }
            (Place::Value, _) => return Err(GateViolation::TRAILER),
        };
        Ok(false)
    }

    fn step_name(&mut self, byte: u8) -> Result<Place, GateViolation> {
        if !alphabet::TOKEN.contains(byte) {
            return Err(GateViolation::TRAILER);
        }
        if let Some(place) = self.name.get_mut(self.name_length) {
            *place = byte.to_ascii_lowercase();
        }
        self.name_length += 1;
        Ok(Place::Name)
    }

    fn check_name(&self) -> Result<(), GateViolation> {
        let name = self.name.get(..self.name_length).unwrap_or_default();
        if FORBIDDEN.contains(&name) {
            return Err(GateViolation::TRAILER_FORBIDDEN);
        }
        Ok(())
    }
}

/// Fields that frame, route or authenticate a request (RFC 9110 6.5.1).
const FORBIDDEN: [&[u8]; 8] = [
    b"authorization",
    b"connection",
    b"content-length",
    b"cookie",
    b"host",
    b"te",
    b"trailer",
    b"transfer-encoding",
];

/// The length of `transfer-encoding`.
const LONGEST_FORBIDDEN: usize = 17;

/// Nobody in this field sends trailers over HTTP/1; below what hyper accepts.
const MAXIMUM_BYTES: usize = 8 * 1024;

/// The same.
const MAXIMUM_FIELDS: usize = 64;
