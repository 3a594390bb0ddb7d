//! Server-sent events as model servers write them, read leniently.

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SseEvent {
    /// What `event:` named, if it did.
    pub event: Option<String>,
    /// The lines of `data:`, joined by line breaks.
    pub data: String,
}

/// Why a stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// One event is larger than its bound.
    #[error("an event of the stream is larger than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
}

/// Takes bytes as they come and gives events. Line ends may be LF, CRLF or CR; comments, unknown
/// fields and a byte order mark are passed over; the space after the colon may be absent, and so
/// may the empty line after the last event. Work grows with the bytes, however they are cut.
#[derive(Debug)]
pub struct SseReader {
    buffer: Vec<u8>,
    /// Where the line that is being read begins.
    start: usize,
    /// Up to where no line end was found.
    searched: usize,
    /// The last line ended in CR, so that an LF belongs to it.
    after_return: bool,
    at_beginning: bool,
    event: Option<String>,
    data: Option<String>,
    limit: usize,
}

impl SseReader {
    /// A reader for events of at most so many bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            after_return: false,
            at_beginning: true,
            event: None,
            data: None,
            limit,
        }
    }

    /// Takes bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next event that is whole.
    pub fn next_event(&mut self) -> Result<Option<SseEvent>, SseError> {
        while let Some(end) = self.line_end() {
            let line = self.start..end;
            self.after_return = self.buffer.get(end) == Some(&b'\r');
            self.start = end + 1;
            self.searched = self.start;
            if let Some(event) = self.take_line(line)? {
                return Ok(Some(event));
            }
        }
        self.check(self.buffer.len() - self.start)?;
        Ok(None)
    }

    /// The event that the end of the stream completes, once all others were taken.
    pub fn finish(&mut self) -> Result<Option<SseEvent>, SseError> {
        let rest = self.start..self.buffer.len();
        self.start = self.buffer.len();
        self.searched = self.start;
        if !rest.is_empty()
            && let Some(event) = self.take_line(rest)?
        {
            return Ok(Some(event));
        }
        Ok(self.dispatch())
    }

    /// Where the line ends that is being read.
    fn line_end(&mut self) -> Option<usize> {
        if self.after_return && self.buffer.get(self.start) == Some(&b'\n') {
            self.start += 1;
            self.searched = self.searched.max(self.start);
            self.after_return = false;
        }
        if self.start < self.buffer.len() {
            self.after_return = false;
        }
        let rest = self.buffer.get(self.searched..)?;
        let found = memchr::memchr2(b'\n', b'\r', rest);
        if let Some(offset) = found {
            return Some(self.searched + offset);
        }
        self.searched = self.buffer.len();
        None
    }

    fn take_line(&mut self, line: std::ops::Range<usize>) -> Result<Option<SseEvent>, SseError> {
        let mut line = self.buffer.get(line).unwrap_or_default();
        if std::mem::take(&mut self.at_beginning) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if line.is_empty() {
            return Ok(self.dispatch());
        }
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                let value = String::from_utf8_lossy(value);
                let length = self.data.as_ref().map_or(0, String::len) + value.len();
                match &mut self.data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(&value);
                    }
                    none => *none = Some(value.into_owned()),
                }
                self.check(length)?;
            }
            b"event" => {
                let value = String::from_utf8_lossy(value).into_owned();
                self.check(value.len())?;
                self.event = Some(value);
            }
            // comments have no name; `id` and `retry` are for browsers
            _ => {}
        }
        Ok(None)
    }

    /// An event without data is none.
    fn dispatch(&mut self) -> Option<SseEvent> {
        let event = self.event.take();
        let data = self.data.take()?;
        Some(SseEvent { event, data })
    }

    fn check(&self, length: usize) -> Result<(), SseError> {
        if length > self.limit {
            return Err(SseError::TooLarge { limit: self.limit });
        }
        Ok(())
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, size: usize) -> Vec<(Option<String>, String)> {
        let mut reader = SseReader::new(1000);
        let mut events = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            reader.push(piece);
            while let Some(event) = reader.next_event().unwrap() {
                events.push(event);
            }
        }
        events.extend(reader.finish().unwrap());
        let pairs = events.into_iter();
        pairs.map(|event| (event.event, event.data)).collect()
    }

    #[test]
    fn however_bytes_are_cut_the_events_are_the_same() {
        let text = "\u{feff}: hello\n\ndata: {\"a\": 1}\n\ndata:{\"b\": \"é🙂\"}\r\n\r\n\
                    event: x\rdata: one\rdata: two\r\rid: 7\nretry: 3\nunknown\n\n\
                    event: lost\n\ndata\n\ndata: [DONE]";
        let expected = [
            (None, "{\"a\": 1}"),
            (None, "{\"b\": \"é🙂\"}"),
            (Some("x"), "one\ntwo"),
            (None, ""),
            (None, "[DONE]"),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(event, data)| (event.map(str::to_owned), (*data).to_owned()))
            .collect();
        for size in 1..=text.len() {
            assert_eq!(read(text, size), expected, "pieces of {size}");
        }
    }

    #[test]
    fn one_line_feed_belongs_to_a_carriage_return_and_the_next_one_does_not() {
        let text = "data: a\r\n\ndata: b\n\r\n\r\r\ndata: c\r\r\n";
        for size in 1..=text.len() {
            let read: Vec<_> = read(text, size).into_iter().map(|(_, data)| data).collect();
            assert_eq!(read, ["a", "b", "c"], "pieces of {size}");
        }
    }

    #[test]
    fn events_are_bounded_as_lines_and_as_a_whole() {
        let mut reader = SseReader::new(10);
        reader.push(b"data: 12345");
        assert_eq!(reader.next_event(), Err(SseError::TooLarge { limit: 10 }));
        let mut reader = SseReader::new(10);
        reader.push(b"data:12345\ndata:67890\n\n");
        assert!(reader.next_event().is_ok());
        let mut reader = SseReader::new(10);
        reader.push(b"data:12345\ndata:67890\ndata:x\n\n");
        assert_eq!(reader.next_event(), Err(SseError::TooLarge { limit: 10 }));
    }
}
