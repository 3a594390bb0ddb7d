//! Host names with an optional port.

use std::net::Ipv6Addr;

use super::alphabet;

/// True for a name, an IPv4 address or a bracketed IPv6 address, with an optional port; no user
/// information, no list, no path, not empty.
pub(super) fn is_authority(bytes: &[u8]) -> bool {
    if bytes.len() > MAXIMUM_LENGTH {
        return false;
    }
    let (host, rest) = if bytes.first() == Some(&b'[') {
        let Some(end) = memchr::memchr(b']', bytes) else {
            return false;
        };
        bytes.split_at(end + 1)
    } else {
        bytes.split_at(memchr::memchr(b':', bytes).unwrap_or(bytes.len()))
    };
    is_host(host) && is_port(rest)
}

fn is_host(host: &[u8]) -> bool {
    if let Some(address) = host.strip_prefix(b"[") {
        let address = address.strip_suffix(b"]").unwrap_or_default();
        let address = std::str::from_utf8(address).unwrap_or_default();
        return address.parse::<Ipv6Addr>().is_ok();
    }
    !host.is_empty() && alphabet::HOST.contains_all(host)
}

fn is_port(rest: &[u8]) -> bool {
    let Some(port) = rest.strip_prefix(b":") else {
        return rest.is_empty();
    };
    let digits = (1..=5).contains(&port.len()) && port.iter().all(u8::is_ascii_digit);
    let number = port.iter().fold(0_u32, |number, digit| {
        number * 10 + u32::from(digit.wrapping_sub(b'0') % 10)
    });
    digits && (1..=u32::from(u16::MAX)).contains(&number)
}

/// DNS names have at most 253 characters; a port adds six.
const MAXIMUM_LENGTH: usize = 260;

#[cfg(test)]
mod tests {
    use super::is_authority;

    #[test]
    fn hosts_with_and_without_port() {
        for good in [
            "a",
            "example.com",
            "example.com.:443",
            "a_b:1",
            "127.0.0.1:65535",
            "[::1]",
            "[2001:db8::1]:8080",
        ] {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            ":",
            ":80",
            "a:",
            "a:0",
            "a:65536",
            "a:123456",
            "a:8o",
            "a:+1",
            "u@a",
            "a,b",
            "a/b",
            "a b",
            "a?b",
            "a#b",
            "[::1",
            "[]",
            "[::1]x",
            "[fe80::1%eth0]",
            "::1",
            "a\u{e9}",
            "a:1:2",
            "http://a",
            "a%2e",
            "[v1.a]",
        ] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
        assert!(!is_authority("a".repeat(300).as_bytes()));
    }
}
