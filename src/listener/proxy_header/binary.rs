//! Version 2: a fixed head, addresses, and extra fields that are skipped.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{MAXIMUM_LENGTH, Parsed, ProxyHeaderError};
use crate::foundation::CRC32C;

/// Reads a version 2 header whose signature was seen, as far as it has come.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, ProxyHeaderError> {
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else {
        return Ok(Parsed::Incomplete);
    };
    let [.., command, family, high, low] = *head;
    let proxied = match command {
        0x20 => false,
        0x21 => true,
        _ => return Err(ProxyHeaderError::Malformed("unknown version or command")),
    };
    let size = addresses_size(family)?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if HEAD + length > MAXIMUM_LENGTH {
        return Err(ProxyHeaderError::TooLong);
    }
    let Some(body) = rest.get(..length) else {
        return Ok(Parsed::Incomplete);
    };
    let fields = body
        .get(size..)
        .ok_or(ProxyHeaderError::Malformed("shorter than its addresses"))?;
    check_fields(head, body, fields)?;
    let addresses = if proxied {
        addresses(family, body)
    } else {
        None
    };
    Ok(Parsed::Complete {
        length: HEAD + length,
        addresses,
    })
}

fn addresses_size(family: u8) -> Result<usize, ProxyHeaderError> {
    match family {
        0x00 => Ok(0),
        TCP_OVER_IPV4 => Ok(12),
        TCP_OVER_IPV6 => Ok(36),
        UNIX_STREAM => Ok(216),
        _ => Err(ProxyHeaderError::Malformed("not a stream protocol")),
    }
}

fn addresses(family: u8, body: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let port = |at: usize| {
        let bytes = body.get(at..)?.first_chunk()?;
        Some(u16::from_be_bytes(*bytes))
    };
    match family {
        TCP_OVER_IPV4 => {
            let ip = |at: usize| Some(Ipv4Addr::from(*body.get(at..)?.first_chunk::<4>()?));
            Some(((ip(0)?, port(8)?).into(), (ip(4)?, port(10)?).into()))
        }
        TCP_OVER_IPV6 => {
            let ip = |at: usize| Some(Ipv6Addr::from(*body.get(at..)?.first_chunk::<16>()?));
            Some(((ip(0)?, port(32)?).into(), (ip(16)?, port(34)?).into()))
        }
        _ => None,
    }
}

/// Walks the extra fields: each must fit, and a checksum must be right.
fn check_fields(head: &[u8; HEAD], body: &[u8], mut fields: &[u8]) -> Result<(), ProxyHeaderError> {
    while let Some((&kind, rest)) = fields.split_first() {
        let split = rest.split_first_chunk().and_then(|(length, rest)| {
            rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        });
        let (value, after) = split.ok_or(ProxyHeaderError::Malformed("an extra field is cut"))?;
        if kind == CHECKSUM_FIELD {
            let start = body.len() - after.len() - value.len();
            let zeroed = (start..start + value.len(), value);
            check_sum(head, body, zeroed)?;
        }
        fields = after;
    }
    Ok(())
}

fn check_sum(
    head: &[u8; HEAD],
    body: &[u8],
    (place, value): (std::ops::Range<usize>, &[u8]),
) -> Result<(), ProxyHeaderError> {
    let body = body.iter().enumerate();
    let body = body.map(|(at, byte)| if place.contains(&at) { 0 } else { *byte });
    let sum = CRC32C.of(head.iter().copied().chain(body));
    if value == sum.to_be_bytes() {
        Ok(())
    } else {
        Err(ProxyHeaderError::Malformed("the checksum is wrong"))
    }
}

/// How the header begins.
pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, version with command, family, and the length of the rest.
const HEAD: usize = 16;

/// Family bytes of the protocol.
const TCP_OVER_IPV4: u8 = 0x11;
const TCP_OVER_IPV6: u8 = 0x21;
const UNIX_STREAM: u8 = 0x31;

/// The extra field with the CRC-32C of the whole header.
const CHECKSUM_FIELD: u8 = 0x03;

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn header(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([command, family]);
        bytes.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        bytes.extend(body);
        bytes
    }

    const FOUR: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 7, 0x04, 0xD2, 0x01, 0xBB];

    #[test]
    fn addresses_and_extra_fields() {
        let mut body = FOUR.to_vec();
        body.extend([0x05, 0, 3, b'a', b'b', b'c']);
        let mut bytes = header(0x21, 0x11, &body);
        let length = bytes.len();
        bytes.extend(b"client");
        let addresses = Some((
            "192.0.2.1:1234".parse().unwrap(),
            "198.51.100.7:443".parse().unwrap(),
        ));
        assert_eq!(parse(&bytes), Ok(Parsed::Complete { length, addresses }));
        for cut in 0..length {
            assert_eq!(parse(&bytes[..cut]), Ok(Parsed::Incomplete), "{cut}");
        }
    }

    #[test]
    fn local_and_unknown_name_no_addresses() {
        for bytes in [
            header(0x20, 0x11, &FOUR),
            header(0x20, 0x00, &[]),
            header(0x21, 0x00, &[]),
            header(0x21, 0x31, &[0; 216]),
        ] {
            let length = bytes.len();
            let addresses = None;
            assert_eq!(parse(&bytes), Ok(Parsed::Complete { length, addresses }));
        }
    }

    #[test]
    fn a_checksum_must_be_right() {
        let mut body = FOUR.to_vec();
        body.extend([0x03, 0, 4, 0, 0, 0, 0]);
        let mut bytes = header(0x21, 0x11, &body);
        assert!(parse(&bytes).is_err());
        let sum = CRC32C.of(bytes.iter().copied()).to_be_bytes();
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&sum);
        assert!(parse(&bytes).is_ok());
        bytes[16] ^= 1;
        assert!(parse(&bytes).is_err());
    }

    #[test]
    fn oddities_are_refused() {
        for bytes in [
            header(0x11, 0x11, &FOUR),
            header(0x22, 0x11, &FOUR),
            header(0x21, 0x12, &FOUR),
            header(0x21, 0x41, &FOUR),
            header(0x21, 0x11, &FOUR[..11]),
            header(0x21, 0x21, &FOUR),
            header(0x21, 0x00, &[4]),
            header(0x21, 0x00, &[4, 0, 9, 1]),
            header(0x21, 0x00, &[0; 2000]),
        ] {
            assert!(parse(&bytes).is_err(), "{bytes:?}");
        }
    }
}
