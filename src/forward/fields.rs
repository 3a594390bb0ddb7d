//! Header fields that belong to one hop, and those that only we may set.

use http::{HeaderMap, HeaderName, HeaderValue, Version, header};

/// Removes what belongs to the hop that a message came by (RFC 9110 7.6.1), and what its
/// Connection field names.
pub(super) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named = named_by_connection(headers);
    // Names are compared faster than looked up, and few messages have any of these.
    let present: Vec<HeaderName> = headers
        .keys()
        .filter(|name| HOP_BY_HOP.contains(name))
        .cloned()
        .collect();
    for name in present.into_iter().chain(named) {
        headers.remove(name);
    }
}

/// Removes what only we may say: twins of such fields that are spelled with underscores, which
/// many servers cannot tell from the real ones, and the real ones too unless they are believed.
pub(super) fn remove_claims(headers: &mut HeaderMap, believed: bool) {
    let is_claim = |name: &HeaderName| {
        let text = name.as_str();
        if text.contains('_') {
            let real = text.replace('_', "-");
            real.starts_with(FORWARDED_PREFIX) || GUARDED.contains(&real.as_str())
        } else {
            !believed
                && (text.starts_with(FORWARDED_PREFIX) || matches!(text, "forwarded" | "x-real-ip"))
        }
    };
    let claims: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_claim(name))
        .cloned()
        .collect();
    for name in claims {
        headers.remove(name);
    }
}

/// Adds ourselves to the Via field, with the version the message was received in.
pub(super) fn add_via(headers: &mut HeaderMap, received: Version) {
    let value = match received {
        Version::HTTP_2 => "2.0 duogate",
        Version::HTTP_10 => "1.0 duogate",
        _ => "1.1 duogate",
    };
    headers.append(header::VIA, HeaderValue::from_static(value));
}

/// True when a comma list in the field holds the token, in any case.
pub(super) fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|item| HeaderName::from_bytes(item.trim().as_bytes()).ok())
        .filter(|name| !END_TO_END.contains(name))
        .collect()
}

/// Fields of one hop. Trailer stays: it tells of trailers, which pass.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHORIZATION,
    header::PROXY_AUTHENTICATE,
    HeaderName::from_static("http2-settings"),
];

/// Never removed because a Connection field names them: the message would change its meaning.
const END_TO_END: [HeaderName; 4] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
];

/// Where proxies write about clients.
const FORWARDED_PREFIX: &str = "x-forwarded-";

/// Fields whose underscore twins could deceive a server about the client or about framing.
const GUARDED: [&str; 11] = [
    "forwarded",
    "x-real-ip",
    "x-request-id",
    "via",
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "upgrade",
    "authorization",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            headers.append(name, value.parse().expect("a value"));
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn fields_of_the_hop_and_what_connection_names_are_removed() {
        let mut headers = headers(&[
            ("connection", "close, X-Hop , host"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("http2-settings", "AAA"),
            ("proxy-authorization", "Basic x"),
            ("trailer", "x-sum"),
            ("host", "name"),
            ("x-kept", ""),
        ]);
        remove_hop_by_hop(&mut headers);
        assert_eq!(names(&headers), ["host", "trailer", "x-kept"]);
    }

    #[test]
    fn twins_go_always_and_claims_unless_believed() {
        let lines = [
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-port", "80"),
            ("forwarded", "for=1.2.3.4"),
            ("x-real-ip", "1.2.3.4"),
            ("x_forwarded_for", "1.2.3.4"),
            ("x-forwarded_host", "a"),
            ("x_real_ip", "1.2.3.4"),
            ("content_length", "5"),
            ("x_other", "kept"),
        ];
        let mut claimed = headers(&lines);
        remove_claims(&mut claimed, false);
        assert_eq!(names(&claimed), ["x_other"]);
        let mut believed = headers(&lines);
        remove_claims(&mut believed, true);
        assert_eq!(
            names(&believed),
            [
                "forwarded",
                "x-forwarded-for",
                "x-forwarded-port",
                "x-real-ip",
                "x_other"
            ]
        );
    }

    #[test]
    fn tokens_are_found_in_any_case_and_on_any_line() {
        let headers = headers(&[("connection", "keep-alive"), ("connection", "x, UPGRADE")]);
        assert!(has_token(&headers, &header::CONNECTION, "upgrade"));
        assert!(!has_token(&headers, &header::CONNECTION, "close"));
    }
}
