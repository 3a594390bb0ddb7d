//! The external account binding of an ACME account: what operators of servers hand out.

use super::{Config, ExternalAccount, input::Complaint};

/// What the setters of its two halves fill; whether it is whole is judged at the end.
pub(super) fn external_account(config: &mut Config) -> &mut ExternalAccount {
    config.tls.acme.eab.get_or_insert_with(|| ExternalAccount {
        kid: String::new(),
        hmac_key: Vec::new(),
    })
}

/// A key identifier: any visible text.
pub(super) fn kid(text: &str) -> Result<String, Complaint> {
    let sound = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if sound {
        return Ok(text.to_owned());
    }
    Err(Complaint::new(
        "is no key identifier",
        "write it as the ACME server's operator shows it, without spaces",
    ))
}

/// A key in base64url, the form in which all public servers hand it out (RFC 8555 7.3.4). Padding
/// and the plain alphabet are forgiven.
pub(super) fn hmac_key(text: &str) -> Result<Vec<u8>, Complaint> {
    let plain: String = text
        .trim()
        .trim_end_matches('=')
        .chars()
        .map(|letter| match letter {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    let key = data_encoding::BASE64URL_NOPAD.decode(plain.as_bytes());
    key.ok().filter(|key| !key.is_empty()).ok_or_else(|| {
        Complaint::new(
            "is no base64url",
            "copy the HMAC key again; it has letters, digits, - and _ alone",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_handed_out() {
        let key = vec![0xfb, 0xff, 0x00, 0x10];
        for text in ["-_8AEA", "-_8AEA==", "+/8AEA==", " -_8AEA\n"] {
            assert_eq!(hmac_key(text).ok(), Some(key.clone()), "{text}");
        }
        for text in ["", "=", "not a key!"] {
            assert!(hmac_key(text).is_err(), "{text}");
        }
    }
}
