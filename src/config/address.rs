//! Addresses, networks and the URLs of servers behind us.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::{Target, input::Complaint};

/// An IP address with a port.
pub(super) fn address(text: &str) -> Result<SocketAddr, Complaint> {
    text.parse().map_err(|_| {
        let remedy = match text.rsplit_once(':') {
            Some((host, port)) if is_port(port) => match host.trim_matches(['[', ']']) {
                "" | "*" => format!("write \"[::]:{port}\" for all addresses"),
                "localhost" => format!("write \"127.0.0.1:{port}\""),
                host if host.contains(':') => format!("write \"[{host}]:{port}\""),
                _ => "write an IP address; names are not looked up for listening".to_owned(),
            },
            _ if is_port(text) => format!("write \"[::]:{text}\" for all addresses"),
            _ => "write an IP address and a port, such as \"[::]:443\"".to_owned(),
        };
        Complaint::new("is no IP address with a port", remedy)
    })
}

/// A network in CIDR notation; a single address is a network of one.
pub(super) fn network(text: &str) -> Result<IpNet, Complaint> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.into());
    }
    text.parse::<IpNet>()
        .map(|network| network.trunc())
        .map_err(|_| {
            Complaint::new(
                "is no network",
                "write an address and a prefix length, such as 10.0.0.0/8",
            )
        })
}

/// `builtin`, or a URL of scheme, host and port.
pub(super) fn target(text: &str) -> Result<Target, Complaint> {
    if text == "builtin" {
        return Ok(Target::Builtin);
    }
    let uri = server(text)?;
    if uri.path() != "/" || uri.query().is_some() || text.contains('#') {
        return Err(Complaint::new(
            "has a path or a query; requests are forwarded with their own",
            "write only scheme, host and port, such as http://gitlab-ai-gateway:5052",
        ));
    }
    Ok(Target::Forward(uri))
}

/// The URL of an issuer of tokens, in the one form in which equal ones are equal: scheme and host in
/// lower case, no default port, no final slash; the path is kept.
pub(super) fn issuer(text: &str) -> Result<String, Complaint> {
    let uri = server(text)?;
    if uri.query().is_some() || text.contains('#') {
        return Err(Complaint::new(
            "has a query or a fragment",
            "write only scheme, host, port and path, such as https://gitlab.example.com",
        ));
    }
    let scheme = uri.scheme_str().unwrap_or_default().to_ascii_lowercase();
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    let port = match (scheme.as_str(), uri.port_u16()) {
        ("https", Some(443)) | ("http", Some(80)) | (_, None) => String::new(),
        (_, Some(port)) => format!(":{port}"),
    };
    let path = uri.path().trim_end_matches('/');
    Ok(format!("{scheme}://{host}{port}{path}"))
}

/// The URL of an ACME directory: https, or http to this very machine for trials.
pub(super) fn directory(text: &str) -> Result<String, Complaint> {
    let uri = server(text)?;
    let host = uri.host().unwrap_or_default();
    let here = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    if uri.scheme_str() == Some("https") || here {
        return Ok(text.to_owned());
    }
    Err(Complaint::new(
        "is not https; RFC 8555 6.1 asks for it, and anybody on the way could issue in your name",
        format!("write https://{}", text.trim_start_matches("http://")),
    ))
}

/// An e-mail address, with or without its scheme.
pub(super) fn contact(text: &str) -> Result<String, Complaint> {
    let address = text.strip_prefix("mailto:").unwrap_or(text);
    let parts = address.split_once('@');
    let sound = parts
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
        && !address.contains([' ', ',', '?', '<', '>']);
    if sound {
        return Ok(address.to_owned());
    }
    Err(Complaint::new(
        "is no e-mail address",
        "write it as in admin@example.com",
    ))
}

/// An http or https URL with a host, without user and password.
fn server(text: &str) -> Result<http::Uri, Complaint> {
    const REMEDY: &str = "write a URL such as http://gitlab-ai-gateway:5052";
    let uri: http::Uri = text
        .parse()
        .map_err(|_| Complaint::new("is no URL", REMEDY))?;
    let scheme = uri.scheme_str();
    if !matches!(scheme, Some("http" | "https")) {
        let remedy = match text.split_once("://") {
            None if !text.is_empty() => format!("write http://{text} or https://{text}"),
            _ => "write a URL that begins with http:// or https://".to_owned(),
        };
        return Err(Complaint::new("is no http or https URL", remedy));
    }
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    if authority.contains('@') {
        return Err(Complaint::new(
            "carries a user name",
            "write the URL without user and password",
        ));
    }
    if uri.host().unwrap_or_default().is_empty() {
        return Err(Complaint::new("has no host", REMEDY));
    }
    // http::Uri accepts any digits behind the colon
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    let ported = port.is_some_and(|port| !port.contains(']'));
    if ported && !port.is_some_and(|port| is_port(port) && port != "0") {
        return Err(Complaint::new(
            "has no valid port",
            "write a port from 1 to 65535",
        ));
    }
    Ok(uri)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_near_misses_corrected() {
        assert!(address("[::]:443").is_ok());
        assert!(address("127.0.0.1:0").is_ok());
        let remedy = |text: &str| address(text).expect_err(text).remedy;
        assert!(remedy("443").contains("[::]:443"));
        assert!(remedy(":443").contains("[::]:443"));
        assert!(remedy("*:443").contains("[::]:443"));
        assert!(remedy("localhost:8443").contains("127.0.0.1:8443"));
        assert!(remedy("::1:8443").contains("[::1]:8443"));
        assert!(remedy("example.com:443").contains("not looked up"));
        assert!(remedy("0.0.0.0").contains("and a port"));
        assert!(remedy("0.0.0.0:70000").contains("and a port"));
    }

    #[test]
    fn networks_are_read() {
        let read = |text: &str| network(text).map(|network| network.to_string()).ok();
        assert_eq!(read("10.1.2.3/8").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(read("192.0.2.1").as_deref(), Some("192.0.2.1/32"));
        assert_eq!(read("fd00::/8").as_deref(), Some("fd00::/8"));
        assert_eq!(read("10.0.0.0/33"), None);
        assert_eq!(read("lan"), None);
    }

    #[test]
    fn targets_have_scheme_host_and_port_alone() {
        assert_eq!(target("builtin"), Ok(Target::Builtin));
        let good = [
            "http://gitlab-ai-gateway:5052",
            "https://10.0.0.1",
            "http://[::1]:5052/",
            "http://gateway",
        ];
        for text in good {
            assert!(matches!(target(text), Ok(Target::Forward(_))), "{text}");
        }
        let bad = [
            "",
            "built-in",
            "gateway:5052",
            "ftp://a",
            "http://",
            "http://a/v1",
            "http://a?b",
            "http://u:p@a",
            "http://a:0",
            "http://a:99999",
            "http://a b",
            "/path",
            "http://a/#x",
        ];
        for text in bad {
            assert!(target(text).is_err(), "{text}");
        }
    }

    #[test]
    fn issuers_have_one_form_and_keep_their_path() {
        let read = |text: &str| issuer(text).ok();
        let plain = Some("https://gitlab.example.com".to_owned());
        for text in [
            "https://gitlab.example.com",
            "https://GitLab.Example.com/",
            "HTTPS://gitlab.example.com:443",
            "https://gitlab.example.com//",
        ] {
            assert_eq!(read(text), plain, "{text}");
        }
        let deep = "http://[::1]:8080/Git/lab";
        assert_eq!(read("http://[::1]:8080/Git/lab/").as_deref(), Some(deep));
        for text in [
            "",
            "gitlab.example.com",
            "https://a/?b",
            "https://a/#b",
            "https://u@a",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn directories_are_https_unless_they_are_here() {
        assert!(directory("https://acme-v02.api.letsencrypt.org/directory").is_ok());
        assert!(directory("http://127.0.0.1:14000/dir").is_ok());
        assert!(directory("http://[::1]:14000/dir").is_ok());
        assert_eq!(
            directory("http://ca.example.com/dir")
                .expect_err("in clear")
                .remedy,
            "write https://ca.example.com/dir"
        );
    }

    #[test]
    fn contacts_come_with_or_without_scheme() {
        assert_eq!(contact("mailto:a@b.c").as_deref(), Ok("a@b.c"));
        assert_eq!(contact("a@b.c").as_deref(), Ok("a@b.c"));
        for text in ["", "a", "@b", "a@", "a@b@c", "a b@c", "mailto:"] {
            assert!(contact(text).is_err(), "{text}");
        }
    }
}
