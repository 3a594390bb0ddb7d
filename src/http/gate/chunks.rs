//! Chunked bodies, byte by byte as they arrive.

use super::{GateViolation, alphabet, trailer::TrailerScanner};

/// Judges the framing of one chunked body. Every byte it accepts is part of a body that is valid
/// so far, so bytes may be passed on at once.
#[derive(Clone, Debug)]
pub struct ChunkScanner {
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Size { digits: usize, size: u64 },
    Extension { length: usize, size: u64 },
    SizeEnd { size: u64 },
    Data { left: u64 },
    DataCarriageReturn,
    DataLineFeed,
    Trailers(TrailerScanner),
    Done,
}

impl ChunkScanner {
    /// A scanner before the first chunk.
    pub fn new() -> Self {
        Self {
            state: State::NEW_CHUNK,
        }
    }

    /// Goes on with new bytes and returns how many of them belong to the body.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<usize, GateViolation> {
        let mut rest = bytes;
        while !self.is_done() {
            if let State::Data { left } = &mut self.state {
                let length = usize::try_from(*left).map_or(rest.len(), |left| left.min(rest.len()));
                *left -= length as u64;
                rest = rest.get(length..).unwrap_or_default();
                if *left == 0 {
                    self.state = State::DataCarriageReturn;
                }
            }
            let Some((byte, after)) = rest.split_first() else {
                break;
            };
            self.step(*byte)?;
            rest = after;
        }
        Ok(bytes.len() - rest.len())
    }

    /// True once the body has ended.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    fn step(&mut self, byte: u8) -> Result<(), GateViolation> {
        let next = match &mut self.state {
            &mut State::Size { digits, size } => return self.step_size(byte, digits, size),
            &mut State::Extension { length, size } => {
                return self.step_extension(byte, length, size);
            }
            State::SizeEnd { size } => match (byte, *size) {
                (b'\n', 0) => State::Trailers(TrailerScanner::default()),
                (b'\n', size) => State::Data { left: size },
                _ => return Err(GateViolation::CHUNK_LINE_END),
            },
            State::DataCarriageReturn if byte == b'\r' => State::DataLineFeed,
            State::DataLineFeed if byte == b'\n' => State::NEW_CHUNK,
            State::DataCarriageReturn => return Err(GateViolation::CHUNK_DATA_END),
            State::DataLineFeed => return Err(GateViolation::CHUNK_LINE_END),
            State::Trailers(trailers) => {
                if !trailers.step(byte)? {
                    return Ok(());
                }
                State::Done
            }
            State::Data { .. } | State::Done => return Ok(()),
        };
        self.state = next;
        Ok(())
    }

    fn step_size(&mut self, byte: u8, digits: usize, size: u64) -> Result<(), GateViolation> {
        self.state = match (byte, digits) {
            (b'\r' | b';', 0) => return Err(GateViolation::CHUNK_SIZE),
            (b'\r', _) => State::SizeEnd { size },
            (b';', _) => State::Extension { length: 0, size },
            (b'\n', _) => return Err(GateViolation::CHUNK_LINE_END),
            (_, _) => {
                let digit = char::from(byte)
                    .to_digit(16)
                    .ok_or(GateViolation::CHUNK_SIZE)?;
                if digits == MAXIMUM_DIGITS {
                    return Err(GateViolation::CHUNK_SIZE_OVERFLOW);
                }
                State::Size {
                    digits: digits + 1,
                    size: size << 4 | u64::from(digit),
                }
            }
        };
        Ok(())
    }

    fn step_extension(&mut self, byte: u8, length: usize, size: u64) -> Result<(), GateViolation> {
        self.state = match byte {
            b'\r' if length > 0 => State::SizeEnd { size },
            b'\n' => return Err(GateViolation::CHUNK_LINE_END),
            _ if length == MAXIMUM_EXTENSION => {
                return Err(GateViolation::CHUNK_EXTENSION_LENGTH);
            }
            _ if length == 0 && !alphabet::TOKEN.contains(byte) => {
                return Err(GateViolation::CHUNK_EXTENSION);
            }
            _ if !byte.is_ascii_graphic() => return Err(GateViolation::CHUNK_EXTENSION),
            _ => State::Extension {
                length: length + 1,
                size,
            },
        };
        Ok(())
    }
}

impl State {
    const NEW_CHUNK: Self = Self::Size { digits: 0, size: 0 };
}

impl Default for ChunkScanner {
    fn default() -> Self {
        Self::new()
    }
}

/// Any number of this many hexadecimal digits fits into 64 bits even as a signed number, which
/// is what some peers count with.
const MAXIMUM_DIGITS: usize = 15;

/// No client of ours sends extensions; a signature of cloud storage needs 90 bytes.
const MAXIMUM_EXTENSION: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    /// Length of the body, or the violation; the same for every way to cut the bytes in two.
    fn judge(bytes: &[u8]) -> Result<Option<usize>, GateViolation> {
        let run = |cut: usize| {
            let mut scanner = ChunkScanner::new();
            let (first, second) = bytes.split_at(cut);
            let mut used = scanner.advance(first)?;
            if used == first.len() {
                used += scanner.advance(second)?;
            }
            Ok(scanner.is_done().then_some(used))
        };
        let whole = run(bytes.len());
        for cut in 0..bytes.len() {
            assert_eq!(run(cut), whole, "{bytes:?} cut at {cut}");
        }
        whole
    }

    #[test]
    fn bodies_end_where_they_should() {
        for (bytes, length) in [
            (&b"0\r\n\r\n"[..], Some(5)),
            (b"5\r\nhello\r\n0\r\n\r\nGET", Some(15)),
            (
                b"00A;n=v\r\n0123456789\r\n000\r\nA: b\r\nC:\r\n\r\n",
                Some(38),
            ),
            (b"5\r\nhel", None),
            (b"", None),
        ] {
            assert_eq!(judge(bytes), Ok(length), "{bytes:?}");
        }
    }

    #[test]
    fn oddities_are_refused() {
        for bytes in [
            "\r\n",
            "g\r\n",
            "-1\r\n",
            "+1\r\n",
            "0x1\r\n",
            "1_0\r\n",
            " 1\r\n",
            "1 \r\n",
            "1;\r\n",
            "1 ;a\r\n",
            "1; a\r\n",
            "1;a b\r\n",
            "1;a\x01\r\n",
            "1;a\n",
            "1\n",
            "1\rX",
            "1\r\nab\r\n",
            "1\r\na\n",
            "1\r\na\rb",
            "FFFFFFFFFFFFFFFF\r\n",
            "0\r\n\n",
            "0\r\nA\r\n\r\n",
            "0\r\n A: b\r\n\r\n",
            "0\r\nA : b\r\n\r\n",
            "0\r\nA: \0\r\n\r\n",
            "0\r\nA: b\n\r\n",
            "0\r\nContent-Length: 5\r\n\r\n",
            "0\r\ntransfer-encoding: x\r\n\r\n",
            "0\r\nHOST: a\r\n\r\n",
            "0\r\nAuthorization: a\r\n\r\n",
            "0\r\n: a\r\n\r\n",
        ] {
            assert!(judge(bytes.as_bytes()).is_err(), "{bytes:?}");
        }
        let long = format!("1;{}\r\n", "a".repeat(257));
        assert!(judge(long.as_bytes()).is_err());
        let trailers = format!("0\r\n{}\r\n", "A: b\r\n".repeat(65));
        let expected = Err(GateViolation::TRAILERS_TOO_LARGE);
        assert_eq!(judge(trailers.as_bytes()), expected);
    }
}
