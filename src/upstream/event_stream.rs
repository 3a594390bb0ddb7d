//! Amazon's event streams: frames with checksums, each with headers and a payload
//! (models-and-prompts 1.8).

use crate::foundation::CRC32;

/// One frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventStreamFrame {
    /// Whether something stands in it that ended the stream.
    pub is_exception: bool,
    /// The kind of the event, or of the exception.
    pub name: String,
    /// What an error without a payload says.
    pub message: String,
    /// JSON, as a rule.
    pub payload: Vec<u8>,
}

/// Why a stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventStreamError {
    /// One frame is larger than its bound.
    #[error("a frame of the stream is larger than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
    /// It is no frame, or one that was changed on its way.
    #[error("a frame of the stream is damaged: {0}")]
    Damaged(&'static str),
}

/// Takes bytes as they come and gives frames. A length is believed once the checksum of the
/// frame's beginning is right, so damage cannot make it wait for what never comes.
#[derive(Debug)]
pub struct EventStreamReader {
    buffer: Vec<u8>,
    /// Where the frame that is being read begins.
    start: usize,
    limit: usize,
}

impl EventStreamReader {
    /// A reader for frames of at most so many bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            limit,
        }
    }

    /// Takes bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame that is whole.
    pub fn next_frame(&mut self) -> Result<Option<EventStreamFrame>, EventStreamError> {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        let Some(lengths) = Lengths::read(rest, self.limit)? else {
            return Ok(None);
        };
        let Some(frame) = rest.get(..lengths.total) else {
            return Ok(None);
        };
        let frame = lengths.frame(frame)?;
        self.start += lengths.total;
        Ok(Some(frame))
    }

    /// Whether the bytes so far end with a frame.
    pub fn is_between_frames(&self) -> bool {
        self.start == self.buffer.len()
    }
}

/// What a frame's beginning says.
struct Lengths {
    total: usize,
    headers: usize,
}

impl Lengths {
    /// Reads the beginning of a frame; none where it has not come yet.
    fn read(bytes: &[u8], limit: usize) -> Result<Option<Self>, EventStreamError> {
        let mut rest = bytes;
        let (Some(total), Some(headers), Some(sum)) =
            (number(&mut rest), number(&mut rest), number(&mut rest))
        else {
            return Ok(None);
        };
        let begun = bytes.iter().take(PRELUDE - SUM).copied();
        if CRC32.of(begun) != sum {
            return Err(EventStreamError::Damaged(
                "the checksum of its beginning is wrong",
            ));
        }
        let too_large = EventStreamError::TooLarge { limit };
        let total = usize::try_from(total).map_err(|_| too_large)?;
        let headers = usize::try_from(headers).map_err(|_| too_large)?;
        if total > limit {
            return Err(too_large);
        }
        let room = total.checked_sub(PRELUDE + SUM);
        if room.is_none_or(|room| headers > room) {
            return Err(EventStreamError::Damaged("its lengths do not fit"));
        }
        Ok(Some(Self { total, headers }))
    }

    fn frame(&self, bytes: &[u8]) -> Result<EventStreamFrame, EventStreamError> {
        let (content, mut sum) = bytes.split_at(self.total - SUM);
        if number(&mut sum) != Some(CRC32.of(content.iter().copied())) {
            return Err(EventStreamError::Damaged("its checksum is wrong"));
        }
        let (headers, payload) = content.split_at(PRELUDE + self.headers);
        let headers = headers.get(PRELUDE..).unwrap_or_default();
        let mut frame = EventStreamFrame {
            payload: payload.to_vec(),
            ..EventStreamFrame::default()
        };
        read_headers(headers, &mut frame).ok_or(EventStreamError::Damaged("a header is cut"))?;
        Ok(frame)
    }
}

/// Takes the headers that say what a frame is; none where one does not end.
fn read_headers(mut bytes: &[u8], frame: &mut EventStreamFrame) -> Option<()> {
    while !bytes.is_empty() {
        let [length] = take::<1>(&mut bytes)?;
        let name = split(&mut bytes, usize::from(length))?;
        let [kind] = take::<1>(&mut bytes)?;
        let length = match kind {
            // true and false
            0 | 1 => 0,
            2 => 1,
            3 => 2,
            4 => 4,
            // a number and a time
            5 | 8 => 8,
            BYTES | TEXT => usize::from(u16::from_be_bytes(take(&mut bytes)?)),
            // a UUID
            9 => 16,
            _ => return None,
        };
        let value = split(&mut bytes, length)?;
        if kind != TEXT {
            continue;
        }
        let value = String::from_utf8_lossy(value);
        match name {
            b":message-type" => frame.is_exception = value != "event",
            b":event-type" | b":exception-type" | b":error-code" => frame.name = value.into(),
            b":error-message" => frame.message = value.into(),
            _ => {}
        }
    }
    Some(())
}

fn number(bytes: &mut &[u8]) -> Option<u32> {
    take(bytes).map(u32::from_be_bytes)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*taken)
}

fn split<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// Two lengths and their checksum.
const PRELUDE: usize = 12;

/// A checksum.
const SUM: usize = 4;

/// The kinds of a header's value that have a length of their own.
const BYTES: u8 = 6;
const TEXT: u8 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &str) -> Vec<u8> {
        let mut bytes = vec![u8::try_from(name.len()).unwrap()];
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(TEXT);
        bytes.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(value.as_bytes());
        bytes
    }

    fn frame(headers: &[u8], payload: &[u8]) -> Vec<u8> {
        let total = u32::try_from(PRELUDE + headers.len() + payload.len() + SUM).unwrap();
        let mut bytes = total.to_be_bytes().to_vec();
        let length = u32::try_from(headers.len()).unwrap();
        bytes.extend_from_slice(&length.to_be_bytes());
        sum(&mut bytes);
        bytes.extend_from_slice(headers);
        bytes.extend_from_slice(payload);
        sum(&mut bytes);
        bytes
    }

    fn sum(bytes: &mut Vec<u8>) {
        let sum = CRC32.of(bytes.iter().copied()).to_be_bytes();
        bytes.extend_from_slice(&sum);
    }

    fn read(bytes: &[u8], size: usize) -> Result<(Vec<EventStreamFrame>, bool), EventStreamError> {
        let mut reader = EventStreamReader::new(LIMIT);
        let mut frames = Vec::new();
        for piece in bytes.chunks(size) {
            reader.push(piece);
            while let Some(frame) = reader.next_frame()? {
                frames.push(frame);
            }
        }
        Ok((frames, reader.is_between_frames()))
    }

    fn two() -> Vec<u8> {
        let event = [
            header(":message-type", "event"),
            header(":event-type", "contentBlockDelta"),
            header(":content-type", "application/json"),
            // a header of each other kind
            b"\x01a\x00\x01b\x01\x01c\x02\x07\x01d\x03\x00\x07\x01e\x04\x00\x00\x00\x07".to_vec(),
            b"\x01f\x05\0\0\0\0\0\0\0\x07\x01g\x06\x00\x02hi\x01h\x08\0\0\0\0\0\0\0\x07".to_vec(),
            b"\x01i\x090123456789abcdef".to_vec(),
        ];
        let exception = [
            header(":message-type", "exception"),
            header(":exception-type", "throttlingException"),
        ];
        let mut bytes = frame(&event.concat(), b"{\"p\":\"abc\"}");
        bytes.extend(frame(&exception.concat(), b"{\"message\":\"slow\"}"));
        bytes
    }

    const LIMIT: usize = 1024;

    #[test]
    fn frames_are_the_same_however_they_are_cut() {
        let bytes = two();
        for size in 1..=bytes.len() {
            let (frames, is_whole) = read(&bytes, size).unwrap();
            let [event, exception] = frames.as_slice() else {
                panic!("two are expected: {frames:?}");
            };
            assert!(is_whole);
            assert_eq!(event.name, "contentBlockDelta");
            assert_eq!(event.payload, b"{\"p\":\"abc\"}");
            assert!(!event.is_exception && exception.is_exception);
            assert_eq!(exception.name, "throttlingException");
        }
    }

    #[test]
    fn every_changed_bit_is_noticed_and_none_of_it_waits_for_ever() {
        let whole = frame(&header(":event-type", "a"), b"{}");
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[place] ^= 1 << bit;
                assert!(
                    matches!(read(&bytes, 7), Err(EventStreamError::Damaged(_))),
                    "{place} {bit}"
                );
            }
        }
    }

    #[test]
    fn what_is_cut_too_large_or_of_wrong_lengths_is_told() {
        let whole = frame(&header(":event-type", "a"), b"{}");
        for end in 1..whole.len() {
            assert_eq!(read(&whole[..end], 3), Ok((vec![], false)));
        }
        let begin = |total: u32, headers: u32| {
            let mut bytes = total.to_be_bytes().to_vec();
            bytes.extend_from_slice(&headers.to_be_bytes());
            sum(&mut bytes);
            bytes
        };
        let too_large = Err(EventStreamError::TooLarge { limit: LIMIT });
        for (total, headers) in [(1025, 0), (u32::MAX, u32::MAX)] {
            assert_eq!(read(&begin(total, headers), 12), too_large);
        }
        for (total, headers) in [(0, 0), (15, 0), (16, 1), (100, 85)] {
            let read = read(&begin(total, headers), 12);
            assert!(matches!(read, Err(EventStreamError::Damaged(_))), "{total}");
        }
        for headers in [&b"\x05ab"[..], b"\x01a\x07\x00\x09ab", b"\x01a\x0a"] {
            let read = read(&frame(headers, b""), 64);
            assert_eq!(read, Err(EventStreamError::Damaged("a header is cut")));
        }
        // the smallest one has nothing in it
        assert_eq!(read(&frame(b"", b""), 1).unwrap().0.len(), 1);
    }
}
