//! A name that certificates can be made for.

use std::net::IpAddr;

use super::{Domain, input::Complaint};

/// Reads a DNS name or an IP address.
pub(super) fn domain(text: &str) -> Result<Domain, Complaint> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return address_domain(address);
    }
    if text.contains("://") {
        return Err(Complaint::new(
            "is a URL",
            format!("write only the name: {}", host(text)),
        ));
    }
    if text.starts_with("*.") {
        return Err(Complaint::new(
            "is a wildcard; a certificate for it needs a DNS challenge, which is not built in",
            "list each name; with tls.source: files the certificate itself may be for the wildcard",
        ));
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    match fault(&name) {
        None => Ok(Domain::Name(name)),
        Some(fault) => Err(Complaint::new(fault, remedy(text))),
    }
}

fn address_domain(address: IpAddr) -> Result<Domain, Complaint> {
    if address.is_unspecified() || address.is_multicast() {
        return Err(Complaint::new(
            "is no address of a host",
            "write the name or the address that GitLab and the editors connect to",
        ));
    }
    Ok(Domain::Address(address))
}

/// What keeps a name from being a host name, if anything.
fn fault(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("is empty".to_owned());
    }
    if name.len() > MAXIMUM_NAME {
        return Some(format!(
            "is longer than the {MAXIMUM_NAME} characters of a DNS name"
        ));
    }
    let wrong = |character: char| !character.is_ascii_alphanumeric() && !"-.".contains(character);
    if let Some(character) = name.chars().find(|character| wrong(*character)) {
        return Some(format!("holds {character:?}, which no host name may hold"));
    }
    for label in name.split('.') {
        if label.is_empty() {
            return Some("has an empty part between dots".to_owned());
        }
        if label.len() > MAXIMUM_LABEL {
            return Some(format!(
                "has a part of more than {MAXIMUM_LABEL} characters"
            ));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Some("has a part that begins or ends with a hyphen".to_owned());
        }
    }
    let last_is_number = name
        .rsplit('.')
        .next()
        .is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    last_is_number.then(|| "ends in a number and is no IP address either".to_owned())
}

fn remedy(text: &str) -> String {
    let name = host(text);
    if name != text && fault(&name.to_ascii_lowercase()).is_none() {
        return format!("write only the name: {name}");
    }
    if text.is_ascii() {
        return "write a host name of letters, digits, hyphens and dots, such as aigw.example.com"
            .to_owned();
    }
    "write the name in its ASCII form, which begins with xn--".to_owned()
}

/// The host of what was probably copied from an address bar.
fn host(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let rest = rest.rsplit('@').next().unwrap_or(rest);
    rest.split(':').next().unwrap_or(rest)
}

/// RFC 1035 2.3.4, in text without the final dot.
const MAXIMUM_NAME: usize = 253;

/// RFC 1035 2.3.4.
const MAXIMUM_LABEL: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_read() {
        let name = |text: &str| Ok(Domain::Name(text.to_owned()));
        assert_eq!(domain("aigw.example.com"), name("aigw.example.com"));
        assert_eq!(domain("AIGW.Example.com."), name("aigw.example.com"));
        assert_eq!(domain("localhost"), name("localhost"));
        assert_eq!(
            domain("xn--bcher-kva.example"),
            name("xn--bcher-kva.example")
        );
        let address = |text: &str| Ok(Domain::Address(text.parse().expect("an address")));
        assert_eq!(domain("192.0.2.7"), address("192.0.2.7"));
        assert_eq!(domain("2001:db8::1"), address("2001:db8::1"));
        assert_eq!(domain("[2001:db8::1]"), address("2001:db8::1"));
    }

    #[test]
    fn what_is_no_name_is_refused_with_a_remedy() {
        let refused = |text: &str| domain(text).expect_err(text);
        assert_eq!(
            refused("https://aigw.example.com/").remedy,
            "write only the name: aigw.example.com"
        );
        assert_eq!(
            refused("aigw.example.com:443").remedy,
            "write only the name: aigw.example.com"
        );
        assert!(refused("*.example.com").message.contains("wildcard"));
        assert!(refused("bücher.example").remedy.contains("xn--"));
        let long_label = format!("{}.example.com", "a".repeat(64));
        let long_name = "a.".repeat(127) + "example";
        let bad = [
            "",
            ".",
            "a..b",
            "-a.b",
            "a-.b",
            "a_b.c",
            "a b",
            "1.2.3",
            "256.1.1.1",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "a/b",
            &long_label,
            &long_name,
        ];
        for text in bad {
            refused(text);
        }
    }
}
