//! Which server: scheme, host and port.

use std::{net::IpAddr, sync::Arc};

use http::{HeaderValue, Uri};
use rustls_pki_types::ServerName;

use super::UpstreamError;

/// A server to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    secure: bool,
    host: Arc<str>,
    port: u16,
    authority: Arc<str>,
}

impl Origin {
    /// Reads scheme, host and port; anything else but an empty path is refused.
    pub fn from_uri(uri: &Uri) -> Result<Self, UpstreamError> {
        let problem = |reason| UpstreamError::Target {
            target: uri.to_string(),
            reason,
        };
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(_) => return Err(problem("the scheme is neither http nor https")),
            None => return Err(problem("there is no scheme")),
        };
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| problem("there is no host"))?;
        if uri
            .path_and_query()
            .is_some_and(|path| !matches!(path.as_str(), "" | "/"))
        {
            return Err(problem("a path is not possible here"));
        }
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Self {
            secure,
            host: bare.into(),
            port,
            authority: format!("{host}:{port}").into(),
        })
    }

    /// True when the bytes travel in TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The name or address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host:port`, with brackets around an IPv6 address.
    pub fn authority(&self) -> &Arc<str> {
        &self.authority
    }

    /// The host as an address, when it is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// What a certificate of the server has to be made for.
    pub(super) fn server_name(&self) -> Result<ServerName<'static>, UpstreamError> {
        ServerName::try_from(self.host.to_string()).map_err(|_| UpstreamError::Target {
            target: self.authority.to_string(),
            reason: "the host is not a DNS name or address",
        })
    }

    /// A Host header for requests that carry none.
    pub fn host_header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.authority).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Result<Origin, UpstreamError> {
        Origin::from_uri(&text.parse().expect("the tests write valid URIs"))
    }

    #[test]
    fn scheme_decides_the_port() {
        let clear = origin("http://gateway").expect("valid");
        assert_eq!((clear.port(), clear.is_secure()), (80, false));
        let secure = origin("https://gateway/").expect("valid");
        assert_eq!((secure.port(), secure.is_secure()), (443, true));
        assert_eq!(&**secure.authority(), "gateway:443");
    }

    #[test]
    fn ipv6_loses_its_brackets_only_for_lookups() {
        let origin = origin("http://[::1]:5052").expect("valid");
        assert_eq!(origin.host(), "::1");
        assert_eq!(&**origin.authority(), "[::1]:5052");
        assert!(origin.address().is_some());
    }

    #[test]
    fn what_is_no_origin_is_refused_with_a_reason() {
        for text in ["ftp://a", "http://a/path", "/path", "http://a/?q"] {
            assert!(
                matches!(origin(text), Err(UpstreamError::Target { .. })),
                "{text}"
            );
        }
    }
}
