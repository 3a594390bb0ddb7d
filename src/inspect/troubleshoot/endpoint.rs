//! Where something is asked: the documented `localhost:5052`, or a URL.

use crate::upstream::Origin;

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    origin: Origin,
    /// Whether whoever wrote it said so: http or https.
    has_scheme: bool,
}

/// Why a text names no such place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no address ({0}); write HOST:PORT, such as localhost:5052, or https://NAME")]
pub struct EndpointError(String);

impl Endpoint {
    /// Reads `HOST:PORT` or a URL without a path. Without a scheme it is http, but https on the ports
    /// that are used for nothing else.
    pub fn read(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim().trim_end_matches('/');
        if !has_good_port(text) {
            return Err(EndpointError("its port is no number".to_owned()));
        }
        let has_scheme = text.contains("://");
        let url = if has_scheme {
            text.to_owned()
        } else {
            let port = text.rsplit_once(':').map_or("", |(_, port)| port);
            let scheme = if TLS_PORTS.contains(&port) {
                "https"
            } else {
                "http"
            };
            format!("{scheme}://{text}")
        };
        let uri = url
            .parse()
            .map_err(|error| EndpointError(format!("{error}")))?;
        let origin = Origin::from_uri(&uri);
        let origin = origin.map_err(|error| EndpointError(error.to_string()))?;
        Ok(Self { origin, has_scheme })
    }

    /// The same place in TLS, unless a scheme says otherwise.
    #[must_use]
    pub fn secured(self) -> Self {
        if self.has_scheme {
            return self;
        }
        Self::read(&format!("https://{}", self.origin.authority())).unwrap_or(self)
    }

    /// As the rooms below know it.
    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// A URL of a path there.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// Whether it is asked in TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.origin.is_secure()
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.origin.is_secure() {
            "https"
        } else {
            "http"
        };
        write!(formatter, "{scheme}://{}", self.origin.authority())
    }
}

/// Whether what stands behind the last colon can be a port; the libraries below take any word for none.
fn has_good_port(text: &str) -> bool {
    let behind_address = text.rsplit(']').next().unwrap_or_default();
    match behind_address.rsplit_once(':') {
        Some((_, rest)) => rest.starts_with("//") || rest.parse::<u16>().is_ok(),
        None => true,
    }
}

/// https, and ours in local mode.
const TLS_PORTS: [&str; 2] = ["443", "8443"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_forms_and_urls_are_read() {
        for (text, expected) in [
            ("localhost:5052", "http://localhost:5052"),
            ("http://localhost:5052/", "http://localhost:5052"),
            ("https://aigw.example.com", "https://aigw.example.com:443"),
            ("aigw.example.com:443", "https://aigw.example.com:443"),
            ("localhost:8443", "https://localhost:8443"),
            ("[::1]:50052", "http://[::1]:50052"),
        ] {
            assert_eq!(
                Endpoint::read(text).unwrap().to_string(),
                expected,
                "{text}"
            );
        }
        for text in ["", "https://a/b", "ftp://a", "a b", "localhost:port"] {
            assert!(Endpoint::read(text).is_err(), "{text}");
        }
        for (text, secured) in [
            ("localhost:5052", "https://localhost:5052"),
            ("http://localhost:5052", "http://localhost:5052"),
        ] {
            let endpoint = Endpoint::read(text).unwrap().secured();
            assert_eq!(endpoint.to_string(), secured);
        }
    }
}
