//! The first line of a request.

use std::ops::Range;

use super::{GateViolation, alphabet, authority::is_authority};

/// What the rest of the head is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestLine {
    /// False for HTTP/1.0.
    pub(super) is_http11: bool,
    /// Where in the line the authority of an absolute target stands.
    pub(super) authority: Option<Range<usize>>,
}

/// Judges a request line without its end.
pub(super) fn parse(line: &[u8], maximum_target: usize) -> Result<RequestLine, GateViolation> {
    let (method, rest) = split_at_space(line)?;
    if method.is_empty() || method.len() > MAXIMUM_METHOD || !alphabet::TOKEN.contains_all(method) {
        return Err(GateViolation::METHOD);
    }
    let space = memchr::memrchr(b' ', rest).ok_or(GateViolation::REQUEST_LINE)?;
    let (target, version) = rest.split_at(space);
    let version = version.strip_prefix(b" ").unwrap_or_default();
    if target.is_empty() || memchr::memchr2(b' ', b'\t', target).is_some() {
        return Err(GateViolation::REQUEST_LINE);
    }
    let is_http11 = is_http11(version)?;
    if method == b"CONNECT" {
        return Err(GateViolation::CONNECT);
    }
    if target.len() > maximum_target {
        return Err(GateViolation::TARGET_TOO_LONG);
    }
    let authority = check_target(method, target)?;
    let offset = method.len() + 1;
    Ok(RequestLine {
        is_http11,
        authority: authority.map(|range| range.start + offset..range.end + offset),
    })
}

/// Judges the beginning of a line whose end has not come, so that what is no HTTP at all is
/// answered at once and endless targets are not collected.
pub(super) fn check_partial(line: &[u8], maximum_target: usize) -> Result<(), GateViolation> {
    let window = line.get(..=MAXIMUM_METHOD).unwrap_or(line);
    let method = memchr::memchr(b' ', window);
    let bytes = window.get(..method.unwrap_or(window.len()));
    let valid = bytes.is_some_and(|bytes| alphabet::TOKEN.contains_all(bytes));
    if !valid || method.is_none() && window.len() > MAXIMUM_METHOD {
        return Err(GateViolation::METHOD);
    }
    if line.len() > MAXIMUM_METHOD + maximum_target + VERSION_LENGTH + 3 {
        return Err(GateViolation::TARGET_TOO_LONG);
    }
    Ok(())
}

fn split_at_space(line: &[u8]) -> Result<(&[u8], &[u8]), GateViolation> {
    let space = memchr::memchr(b' ', line).ok_or(GateViolation::REQUEST_LINE)?;
    let (before, after) = line.split_at(space);
    Ok((before, after.get(1..).unwrap_or_default()))
}

fn is_http11(version: &[u8]) -> Result<bool, GateViolation> {
    match version {
        b"HTTP/1.1" => Ok(true),
        b"HTTP/1.0" => Ok(false),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(GateViolation::VERSION_UNSUPPORTED)
        }
        _ => Err(GateViolation::VERSION),
    }
}

fn check_target(method: &[u8], target: &[u8]) -> Result<Option<Range<usize>>, GateViolation> {
    if !alphabet::TARGET.contains_all(target) {
        return Err(match memchr::memchr(b'#', target) {
            Some(_) => GateViolation::TARGET_FRAGMENT,
            None => GateViolation::TARGET_CHARACTER,
        });
    }
    if target.starts_with(b"/") || target == b"*" && method == b"OPTIONS" {
        return Ok(None);
    }
    let scheme = [&b"http://"[..], b"https://"]
        .into_iter()
        .find(|scheme| {
            target
                .get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        })
        .ok_or(GateViolation::TARGET)?;
    let rest = target.get(scheme.len()..).unwrap_or_default();
    let length = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
    if !rest.get(..length).is_some_and(is_authority) {
        return Err(GateViolation::TARGET);
    }
    Ok(Some(scheme.len()..scheme.len() + length))
}

/// The longest registered method has 17 characters.
const MAXIMUM_METHOD: usize = 32;

/// `HTTP/1.1`
const VERSION_LENGTH: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(line: &str) -> Result<RequestLine, GateViolation> {
        parse(line.as_bytes(), 100)
    }

    #[test]
    fn forms_of_targets() {
        assert!(judge("GET / HTTP/1.1").unwrap().is_http11);
        assert!(!judge("GET /a?b=%2F HTTP/1.0").unwrap().is_http11);
        assert!(judge("OPTIONS * HTTP/1.1").is_ok());
        let line = "GET http://a.example:80/x HTTP/1.1";
        let range = judge(line).unwrap().authority.unwrap();
        assert_eq!(&line[range], "a.example:80");
        assert_eq!(judge("GET * HTTP/1.1"), Err(GateViolation::TARGET));
        assert_eq!(judge("CONNECT a:1 HTTP/1.1"), Err(GateViolation::CONNECT));
        assert_eq!(judge("GET ftp://a/ HTTP/1.1"), Err(GateViolation::TARGET));
        assert_eq!(judge("GET http:///x HTTP/1.1"), Err(GateViolation::TARGET));
    }

    #[test]
    fn partial_lines_are_judged_early() {
        assert!(check_partial(b"GET /", 100).is_ok());
        assert!(check_partial(b"", 100).is_ok());
        assert!(check_partial(b"\x16\x03\x01", 100).is_err());
        assert!(check_partial(&[b'A'; 33], 100).is_err());
        let endless = format!("GET /{}", "x".repeat(200));
        let expected = Err(GateViolation::TARGET_TOO_LONG);
        assert_eq!(check_partial(endless.as_bytes(), 100), expected);
    }
}
