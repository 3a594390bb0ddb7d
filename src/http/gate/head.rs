//! Request heads, line by line as they arrive.

use super::{
    GateViolation,
    field::Fields,
    request_line::{self, RequestLine},
};

/// Bounds of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// `limits.request_head_bytes`
    pub bytes: usize,
    /// `limits.request_head_fields`
    pub fields: usize,
    /// `limits.request_target_bytes`
    pub target: usize,
}

/// How far a head has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadProgress {
    /// More bytes are needed.
    Incomplete,
    /// The head is whole and valid.
    Complete(Head),
}

/// A whole and valid head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its length in bytes, the empty line included.
    pub length: usize,
    /// How its body is framed.
    pub body: BodyFraming,
}

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// This many bytes; 0 without a body.
    Length(u64),
    /// Chunks, and then trailers.
    Chunked,
}

/// Judges one head. Each line is judged once, when its end has come; the scanner remembers where
/// it stopped, so a head that arrives byte by byte costs no more than one that arrives whole.
#[derive(Clone, Debug)]
pub struct HeadScanner {
    limits: HeadLimits,
    /// Where the line begins that has no end yet.
    line_start: usize,
    /// Up to here there is no line end behind `line_start`.
    searched: usize,
    request_line: Option<(RequestLine, usize)>,
    fields: Fields,
}

impl HeadScanner {
    /// A scanner for one head.
    pub fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            line_start: 0,
            searched: 0,
            request_line: None,
            fields: Fields::default(),
        }
    }

    /// Goes on with `bytes`: everything since the beginning of the head, with new bytes at its
    /// end. Whatever follows a whole head is not looked at.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<HeadProgress, GateViolation> {
        while let Some(end) = self.find_line_end(bytes)? {
            let start = self.line_start;
            let line = bytes.get(start..end).unwrap_or_default();
            self.line_start = end + 2;
            self.searched = end + 2;
            if end + 2 > self.limits.bytes {
                return Err(self.too_large());
            }
            if let Some(head) = self.take_line(bytes, line, start)? {
                return Ok(HeadProgress::Complete(head));
            }
        }
        if bytes.len() > self.limits.bytes {
            return Err(self.too_large());
        }
        if self.request_line.is_none() {
            let line = bytes.get(self.line_start..).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            request_line::check_partial(line, self.limits.target)?;
        }
        Ok(HeadProgress::Incomplete)
    }

    /// Where the current line's CRLF stands, if it has come.
    fn find_line_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, GateViolation> {
        let unseen = bytes.get(self.searched..).unwrap_or_default();
        let Some(offset) = memchr::memchr2(b'\r', b'\n', unseen) else {
            self.searched = bytes.len();
            return Ok(None);
        };
        let place = self.searched + offset;
        match (bytes.get(place), bytes.get(place + 1)) {
            (Some(b'\n'), _) => Err(GateViolation::BARE_LINE_FEED),
            (_, Some(b'\n')) => Ok(Some(place)),
            (_, Some(_)) => Err(GateViolation::BARE_CARRIAGE_RETURN),
            (_, None) => {
                self.searched = place;
                Ok(None)
            }
        }
    }

    fn take_line(
        &mut self,
        bytes: &[u8],
        line: &[u8],
        start: usize,
    ) -> Result<Option<Head>, GateViolation> {
        if self.request_line.is_none() {
            return self.take_request_line(line, start).map(|()| None);
        }
        if line.is_empty() {
            return self.finish(bytes).map(Some);
        }
        if self.fields.count >= self.limits.fields {
            return Err(GateViolation::TOO_MANY_FIELDS);
        }
        self.fields.add(line, start).map(|()| None)
    }

    fn take_request_line(&mut self, line: &[u8], start: usize) -> Result<(), GateViolation> {
        if line.is_empty() {
            // RFC 9112 2.2: one empty line before a request is forgiven.
            return if start == 0 {
                Ok(())
            } else {
                Err(GateViolation::LEADING_LINES)
            };
        }
        let parsed = request_line::parse(line, self.limits.target)?;
        self.request_line = Some((parsed, start));
        Ok(())
    }

    fn finish(&self, bytes: &[u8]) -> Result<Head, GateViolation> {
        let Some((line, start)) = &self.request_line else {
            return Err(GateViolation::REQUEST_LINE);
        };
        let Some(host) = self.fields.host.clone() else {
            return Err(GateViolation::HOST_MISSING);
        };
        if let Some(authority) = line.authority.clone() {
            let authority = bytes.get(start + authority.start..start + authority.end);
            let host = bytes.get(host);
            let same = authority.zip(host);
            if !same.is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host)) {
                return Err(GateViolation::TARGET_AUTHORITY);
            }
        }
        let body = match (self.fields.chunked, self.fields.content_length) {
            (true, Some(_)) => return Err(GateViolation::BOTH_LENGTHS),
            (true, None) if !line.is_http11 => {
                return Err(GateViolation::TRANSFER_ENCODING_VERSION);
            }
            (true, None) => BodyFraming::Chunked,
            (false, length) => BodyFraming::Length(length.unwrap_or(0)),
        };
        Ok(Head {
            length: self.line_start,
            body,
        })
    }

    fn too_large(&self) -> GateViolation {
        if self.request_line.is_none() {
            GateViolation::TARGET_TOO_LONG
        } else {
            GateViolation::HEAD_TOO_LARGE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits = HeadLimits {
        bytes: 4096,
        fields: 10,
        target: 1000,
    };

    fn whole(bytes: &[u8]) -> Result<HeadProgress, GateViolation> {
        HeadScanner::new(LIMITS).advance(bytes)
    }

    /// The verdict when the bytes come one by one: the first that is not `Incomplete`.
    fn drip(bytes: &[u8]) -> Result<HeadProgress, GateViolation> {
        let mut scanner = HeadScanner::new(LIMITS);
        for end in 1..=bytes.len() {
            let progress = scanner.advance(&bytes[..end])?;
            if progress != HeadProgress::Incomplete {
                return Ok(progress);
            }
        }
        Ok(HeadProgress::Incomplete)
    }

    fn head(rest: &str) -> Result<HeadProgress, GateViolation> {
        let text = format!("POST / HTTP/1.1\r\nHost: a.example\r\n{rest}\r\n");
        let verdict = whole(text.as_bytes());
        assert_eq!(verdict, drip(text.as_bytes()), "{text:?}");
        verdict
    }

    #[test]
    fn bodies_are_framed() {
        let framing = |rest: &str| match head(rest).unwrap() {
            HeadProgress::Complete(head) => head.body,
            HeadProgress::Incomplete => panic!("incomplete: {rest:?}"),
        };
        assert_eq!(framing(""), BodyFraming::Length(0));
        assert_eq!(framing("Content-Length: 12\r\n"), BodyFraming::Length(12));
        let chunked = "Transfer-Encoding: chunked\r\n";
        assert_eq!(framing(chunked), BodyFraming::Chunked);
    }

    #[test]
    fn ambiguous_lengths_are_refused() {
        for (rest, expected) in [
            (
                "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                GateViolation::BOTH_LENGTHS,
            ),
            (
                "Content-Length: 1\r\nContent-Length: 1\r\n",
                GateViolation::CONTENT_LENGTH_REPEATED,
            ),
            ("Content-Length: 1, 1\r\n", GateViolation::CONTENT_LENGTH),
            ("Content-Length: +1\r\n", GateViolation::CONTENT_LENGTH),
            (
                "Transfer-Encoding: chunked \r\n",
                GateViolation::TRANSFER_ENCODING,
            ),
            (
                "Transfer-Encoding: gzip, chunked\r\n",
                GateViolation::TRANSFER_ENCODING,
            ),
        ] {
            assert_eq!(head(rest), Err(expected), "{rest:?}");
        }
    }

    #[test]
    fn lines_end_in_both_characters() {
        assert_eq!(
            whole(b"GET / HTTP/1.1\nHost"),
            Err(GateViolation::BARE_LINE_FEED)
        );
        assert_eq!(
            whole(b"GET / HTTP/1.1\rHost"),
            Err(GateViolation::BARE_CARRIAGE_RETURN)
        );
        assert_eq!(whole(b"\r\n\r\n"), Err(GateViolation::LEADING_LINES));
        assert!(whole(b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").is_ok());
    }

    #[test]
    fn sizes_are_bounded() {
        let many = "A: b\r\n".repeat(10);
        assert_eq!(head(&many), Err(GateViolation::TOO_MANY_FIELDS));
        let large = format!("A: {}\r\n", "b".repeat(5000));
        assert_eq!(head(&large), Err(GateViolation::HEAD_TOO_LARGE));
        let target = format!("GET /{} HTTP/1.1\r\n", "b".repeat(1000));
        assert_eq!(
            whole(target.as_bytes()),
            Err(GateViolation::TARGET_TOO_LONG)
        );
    }

    #[test]
    fn an_absolute_target_agrees_with_host() {
        let verdict = |host: &str| {
            whole(format!("GET http://A.example/ HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())
        };
        assert!(verdict("a.example").is_ok());
        assert_eq!(verdict("b.example"), Err(GateViolation::TARGET_AUTHORITY));
    }
}
