//! Version 1: one line of text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Parsed, ProxyHeaderError};

/// Reads a version 1 header whose signature was seen, as far as it has come.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, ProxyHeaderError> {
    let window = bytes.get(..MAXIMUM_LENGTH).unwrap_or(bytes);
    let Some(end) = memchr::memchr(b'\n', window) else {
        if bytes.len() >= MAXIMUM_LENGTH {
            return Err(ProxyHeaderError::TooLong);
        }
        return Ok(Parsed::Incomplete);
    };
    let line = window
        .get(..end)
        .and_then(|line| line.strip_suffix(b"\r"))
        .ok_or(ProxyHeaderError::Malformed("the line does not end in CRLF"))?;
    let line = line
        .strip_prefix(SIGNATURE)
        .and_then(|rest| std::str::from_utf8(rest).ok())
        .ok_or(ProxyHeaderError::Malformed("the line is not ASCII"))?;
    Ok(Parsed::Complete {
        length: end + 1,
        addresses: addresses(line)?,
    })
}

fn addresses(line: &str) -> Result<Option<(SocketAddr, SocketAddr)>, ProxyHeaderError> {
    let mut words = line.split(' ');
    let family = words.next().unwrap_or_default();
    match family {
        // The rest of an UNKNOWN line has to be ignored.
        "UNKNOWN" => return Ok(None),
        "TCP4" | "TCP6" => {}
        _ => return Err(ProxyHeaderError::Malformed("unknown protocol")),
    }
    let mut ip = || words.next().and_then(|word| address(family, word));
    let (source, destination) = ip()
        .zip(ip())
        .ok_or(ProxyHeaderError::Malformed("an address is invalid"))?;
    let mut port = || words.next().and_then(port);
    let (source_port, destination_port) = port()
        .zip(port())
        .ok_or(ProxyHeaderError::Malformed("a port is invalid"))?;
    if words.next().is_some() {
        return Err(ProxyHeaderError::Malformed("more words than expected"));
    }
    Ok(Some((
        SocketAddr::new(source, source_port),
        SocketAddr::new(destination, destination_port),
    )))
}

fn address(family: &str, word: &str) -> Option<IpAddr> {
    if family == "TCP4" {
        word.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
    } else {
        word.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
    }
}

fn port(word: &str) -> Option<u16> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let zero_led = word.len() > 1 && word.starts_with('0');
    if digits && !zero_led {
        word.parse().ok()
    } else {
        None
    }
}

/// How the line begins.
pub(super) const SIGNATURE: &[u8] = b"PROXY ";

/// The longest line of the protocol, its end included.
const MAXIMUM_LENGTH: usize = 107;

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn lines_of_both_families() {
        let line = b"PROXY TCP4 192.0.2.1 198.51.100.7 1234 443\r\nGET";
        let expected = (
            "192.0.2.1:1234".parse().unwrap(),
            "198.51.100.7:443".parse().unwrap(),
        );
        assert_eq!(
            parse(line),
            Ok(Parsed::Complete {
                length: 44,
                addresses: Some(expected)
            })
        );
        let Ok(Parsed::Complete { addresses, .. }) = parse(b"PROXY TCP6 2001:db8::1 ::1 1 2\r\n")
        else {
            panic!("expected a header");
        };
        assert_eq!(addresses.unwrap().0, "[2001:db8::1]:1".parse().unwrap());
        assert!(matches!(
            parse(b"PROXY UNKNOWN whatever there is\r\n"),
            Ok(Parsed::Complete {
                addresses: None,
                ..
            })
        ));
    }

    #[test]
    fn any_cut_is_incomplete() {
        let line = b"PROXY TCP4 192.0.2.1 198.51.100.7 1234 443\r\n";
        for length in 0..line.len() {
            assert_eq!(parse(&line[..length]), Ok(Parsed::Incomplete), "{length}");
        }
    }

    #[test]
    fn oddities_are_refused() {
        for line in [
            "PROXY TCP4 192.0.2.1 198.51.100.7 1234 443\n",
            "PROXY TCP4 192.0.2.1 198.51.100.7 01234 443\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.7 70000 443\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.7 +1 443\r\n",
            "PROXY TCP4 192.0.2.1  198.51.100.7 1 443\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.7 1 443 \r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.7 1\r\n",
            "PROXY TCP4 ::1 ::1 1 1\r\n",
            "PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n",
            "PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n",
            "PROXY \r\n",
            "GET / HTTP/1.1\r\n",
            "proxy TCP4",
        ] {
            assert!(parse(line.as_bytes()).is_err(), "{line:?}");
        }
        let endless = format!("PROXY UNKNOWN {}", "x".repeat(200));
        assert_eq!(parse(endless.as_bytes()), Err(ProxyHeaderError::TooLong));
    }
}
