//! What is changed in a request before it goes on: pure functions of its head.

use std::{fmt::Write, net::IpAddr};

use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Uri, Version, header,
    request::Parts,
    uri::{Authority, Scheme},
};

use super::fields::{add_via, has_token, remove_claims, remove_hop_by_hop};

/// What is known of the hop that a request came by.
#[derive(Debug)]
pub(super) struct Hop<'a> {
    /// The other end of the connection.
    pub(super) peer: IpAddr,
    /// The client, perhaps behind a proxy that we believe.
    pub(super) client: IpAddr,
    /// The correlation id.
    pub(super) id: &'a str,
    /// True when it came in TLS.
    pub(super) secure: bool,
    /// True when the peer is a listed proxy.
    pub(super) trusted: bool,
}

/// The next hop.
#[derive(Clone, Debug)]
pub(super) enum NextHop {
    /// HTTP/1.1.
    Http1 {
        /// Used when a request names no host.
        host: HeaderValue,
    },
    /// HTTP/2 with gRPC.
    Grpc {
        /// `http` or `https`, as the connection to it is.
        scheme: Scheme,
        /// Used when a request names no host.
        authority: Authority,
    },
}

/// Makes the head of a client's request that of ours.
pub(super) fn rewrite(parts: &mut Parts, hop: &Hop<'_>, next: &NextHop) {
    let host = host_of(&parts.uri, &parts.headers);
    let headers = &mut parts.headers;
    let wants_trailers = has_token(headers, &header::TE, "trailers");
    remove_hop_by_hop(headers);
    remove_claims(headers, hop.trusted);
    // The connection answered it, or will once the body is asked for.
    headers.remove(header::EXPECT);
    join_cookies(headers);
    describe_client(headers, hop, host.as_ref());
    if let Ok(id) = HeaderValue::from_str(hop.id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    add_via(headers, parts.version);
    match next {
        NextHop::Http1 { host: default } => {
            headers.insert(header::HOST, host.unwrap_or_else(|| default.clone()));
            parts.uri = origin_form(std::mem::take(&mut parts.uri));
            parts.version = Version::HTTP_11;
        }
        NextHop::Grpc { scheme, authority } => {
            headers.remove(header::HOST);
            if wants_trailers {
                headers.insert(header::TE, HeaderValue::from_static("trailers"));
            }
            let asked = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
            let authority = asked.unwrap_or_else(|| authority.clone());
            parts.uri = absolute_form(std::mem::take(&mut parts.uri), scheme, authority);
            parts.version = Version::HTTP_2;
        }
    }
    parts.extensions = Extensions::new();
}

/// The host that was asked for: the target's own, which outranks the field (RFC 9112 3.2.2).
fn host_of(uri: &Uri, headers: &HeaderMap) -> Option<HeaderValue> {
    match uri.authority() {
        Some(authority) => {
            let text = authority.as_str();
            let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
            HeaderValue::from_str(host).ok()
        }
        None => headers.get(header::HOST).cloned(),
    }
}

/// Who the client is and how it came, for the server behind us.
fn describe_client(headers: &mut HeaderMap, hop: &Hop<'_>, host: Option<&HeaderValue>) {
    let forwarded_for = HeaderName::from_static("x-forwarded-for");
    let mut chain = String::new();
    for value in headers.get_all(&forwarded_for) {
        if let Ok(text) = value.to_str() {
            chain.push_str(text.trim());
            chain.push_str(", ");
        }
    }
    // Writing to a String cannot fail.
    let _ = write!(chain, "{}", hop.peer.to_canonical());
    if let Ok(chain) = HeaderValue::from_str(&chain) {
        headers.insert(forwarded_for, chain);
    }
    if let Ok(client) = HeaderValue::from_str(&hop.client.to_canonical().to_string()) {
        headers.insert(HeaderName::from_static("x-real-ip"), client);
    }
    let proto = HeaderName::from_static("x-forwarded-proto");
    if !headers.contains_key(&proto) {
        let scheme = if hop.secure { "https" } else { "http" };
        headers.insert(proto, HeaderValue::from_static(scheme));
    }
    let forwarded_host = HeaderName::from_static("x-forwarded-host");
    if let Some(host) = host.filter(|_| !headers.contains_key(&forwarded_host)) {
        headers.insert(forwarded_host, host.clone());
    }
}

/// HTTP/2 lets clients split the Cookie field; HTTP/1.1 does not (RFC 9113 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(header::COOKIE).iter();
    let (Some(first), Some(_)) = (cookies.next(), cookies.next()) else {
        return;
    };
    let mut joined = first.as_bytes().to_vec();
    for value in headers.get_all(header::COOKIE).iter().skip(1) {
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(value.as_bytes());
    }
    if let Ok(joined) = HeaderValue::from_maybe_shared(bytes::Bytes::from(joined)) {
        headers.insert(header::COOKIE, joined);
    }
}

/// Path and query alone, byte for byte as they came.
fn origin_form(uri: Uri) -> Uri {
    if uri.authority().is_none() {
        return uri;
    }
    uri.into_parts()
        .path_and_query
        .map_or_else(|| Uri::from_static("/"), Uri::from)
}

fn absolute_form(uri: Uri, scheme: &Scheme, authority: Authority) -> Uri {
    let path_and_query = uri.into_parts().path_and_query;
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(scheme.clone());
    parts.authority = Some(authority);
    parts.path_and_query = path_and_query.or_else(|| "/".parse().ok());
    Uri::from_parts(parts).expect("scheme, authority and path together make a URI")
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const HTTP1: NextHop = NextHop::Http1 {
        host: HeaderValue::from_static("upstream:5052"),
    };

    fn hop(trusted: bool) -> Hop<'static> {
        Hop {
            peer: "::ffff:192.0.2.1".parse().expect("an address"),
            client: "192.0.2.1".parse().expect("an address"),
            id: "id-1",
            secure: true,
            trusted,
        }
    }

    fn rewritten(target: &str, lines: &[(&str, &str)], trusted: bool, next: &NextHop) -> Parts {
        let mut request = Request::builder().uri(target);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        rewrite(&mut parts, &hop(trusted), next);
        parts
    }

    fn all<'a>(parts: &'a Parts, name: &str) -> Vec<&'a str> {
        let values = parts.headers.get_all(name).iter();
        values.map(|value| value.to_str().expect("text")).collect()
    }

    #[test]
    fn targets_stay_as_they_came() {
        for target in [
            "/v1/prompts/model_configuration%2Fcheck",
            "/a//b/../c",
            "/a?",
            "/?q=%20&x=[1]",
            "/a%00%zz;x",
        ] {
            let plain = rewritten(target, &[("host", "edge")], false, &HTTP1);
            assert_eq!(plain.uri.to_string(), target);
            let absolute = format!("https://edge:8443{target}");
            let absolute = rewritten(&absolute, &[("host", "other")], false, &HTTP1);
            assert_eq!(absolute.uri.to_string(), target);
            assert_eq!(all(&absolute, "host"), ["edge:8443"]);
            assert_eq!(absolute.version, Version::HTTP_11);
        }
    }

    #[test]
    fn the_client_is_described_by_us() {
        let claims = [
            ("host", "edge"),
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-for", "203.0.113.10"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-host", "claimed"),
            ("x-real-ip", "203.0.113.9"),
            ("forwarded", "for=203.0.113.9"),
        ];
        let strange = rewritten("/", &claims, false, &HTTP1);
        assert_eq!(all(&strange, "x-forwarded-for"), ["192.0.2.1"]);
        assert_eq!(all(&strange, "x-forwarded-proto"), ["https"]);
        assert_eq!(all(&strange, "x-forwarded-host"), ["edge"]);
        assert_eq!(all(&strange, "x-real-ip"), ["192.0.2.1"]);
        assert!(all(&strange, "forwarded").is_empty());
        assert_eq!(all(&strange, "x-request-id"), ["id-1"]);
        assert_eq!(all(&strange, "via"), ["1.1 duogate"]);
        let trusted = rewritten("/", &claims, true, &HTTP1);
        assert_eq!(
            all(&trusted, "x-forwarded-for"),
            ["203.0.113.9, 203.0.113.10, 192.0.2.1"]
        );
        assert_eq!(all(&trusted, "x-forwarded-proto"), ["http"]);
        assert_eq!(all(&trusted, "x-forwarded-host"), ["claimed"]);
        assert_eq!(all(&trusted, "forwarded"), ["for=203.0.113.9"]);
    }

    #[test]
    fn crumbs_of_cookies_are_joined_and_expectations_met() {
        let lines = [
            ("cookie", "a=1"),
            ("cookie", "b=2"),
            ("expect", "100-continue"),
        ];
        let parts = rewritten("/", &lines, false, &HTTP1);
        assert_eq!(all(&parts, "cookie"), ["a=1; b=2"]);
        assert!(all(&parts, "expect").is_empty());
        assert_eq!(all(&parts, "host"), ["upstream:5052"]);
    }

    #[test]
    fn grpc_keeps_the_authority_and_the_wish_for_trailers() {
        let next = NextHop::Grpc {
            scheme: Scheme::HTTP,
            authority: Authority::from_static("upstream:50052"),
        };
        let lines = [("te", "Trailers"), ("host", "ignored")];
        let parts = rewritten("https://edge/DuoWorkflow/ListTools", &lines, false, &next);
        assert_eq!(parts.uri, "http://edge/DuoWorkflow/ListTools");
        assert_eq!(all(&parts, "te"), ["trailers"]);
        assert!(all(&parts, "host").is_empty());
    }
}
