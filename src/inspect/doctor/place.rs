//! The places that GitLab is told about.

use crate::upstream::Origin;

/// A name or address with a port, spoken to in TLS.
#[derive(Clone, Debug)]
pub struct Place(Origin);

/// Why a text names no such place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}; write {example}")]
pub struct PlaceError {
    fault: String,
    example: String,
}

impl Place {
    /// `https://NAME` or `https://NAME:PORT`, as GitLab's "Local AI Gateway URL".
    pub fn from_url(text: &str) -> Result<Self, PlaceError> {
        let problem = |fault: &str, example: String| PlaceError {
            fault: fault.to_owned(),
            example,
        };
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(problem("it has no scheme", format!("https://{text}")));
        };
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if scheme != "https" {
            let fault = "only https is looked at: tokens must not travel in clear";
            return Err(problem(fault, format!("https://{host}")));
        }
        Self::read(text).map_err(|reason| problem(&reason, format!("https://{host}")))
    }

    /// `NAME:PORT`, as GitLab's "Local URL for the GitLab Duo Agent Platform service".
    pub fn from_target(text: &str) -> Result<Self, PlaceError> {
        if let Some((_, rest)) = text.split_once("://") {
            let host = rest.split('/').next().unwrap_or_default();
            return Err(PlaceError {
                fault: "gRPC libraries take no scheme".to_owned(),
                example: host.to_owned(),
            });
        }
        let has_port = text
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        let inside_brackets = text.contains('[') && text.ends_with(']');
        if !has_port || inside_brackets {
            return Err(PlaceError {
                fault: "it has no port".to_owned(),
                example: format!("{text}:443"),
            });
        }
        Self::read(&format!("https://{text}")).map_err(|fault| PlaceError {
            fault,
            example: "NAME:PORT, such as aigw.example.com:443".to_owned(),
        })
    }

    fn read(text: &str) -> Result<Self, String> {
        let uri = text
            .parse()
            .map_err(|error| format!("it is no address: {error}"))?;
        let origin = Origin::from_uri(&uri).map_err(|error| error.to_string())?;
        Ok(Self(origin))
    }

    /// As the rooms below know it.
    pub(super) fn origin(&self) -> &Origin {
        &self.0
    }

    /// The name or address without brackets.
    pub(super) fn host(&self) -> &str {
        self.0.host()
    }

    /// `name:port`.
    pub(super) fn target(&self) -> &str {
        self.0.authority()
    }

    /// The name as a Host field carries it: without the port that is understood.
    pub(super) fn host_field(&self) -> &str {
        let target = self.target();
        target.strip_suffix(":443").unwrap_or(target)
    }

    /// `https://name`, with the port where it is not 443.
    pub(super) fn url(&self) -> String {
        format!("https://{}", self.host_field())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gitlab_is_told_is_read_back() {
        let place = Place::from_url("https://aigw.example.com").expect("a URL");
        assert_eq!(place.url(), "https://aigw.example.com");
        assert_eq!(place.target(), "aigw.example.com:443");
        let place = Place::from_url("https://[2001:db8::1]:8443/").expect("a URL");
        assert_eq!(place.url(), "https://[2001:db8::1]:8443");
        assert_eq!(place.host(), "2001:db8::1");
        let place = Place::from_target("aigw.example.com:50052").expect("a target");
        assert_eq!(place.target(), "aigw.example.com:50052");
    }

    #[test]
    fn the_usual_mistakes_are_answered_with_what_was_meant() {
        for (text, meant) in [
            ("aigw.example.com", "write https://aigw.example.com"),
            ("http://aigw.example.com", "write https://aigw.example.com"),
            (
                "https://aigw.example.com/v1",
                "write https://aigw.example.com",
            ),
        ] {
            let error = Place::from_url(text).expect_err(text).to_string();
            assert!(error.ends_with(meant), "{text}: {error}");
        }
        for (text, meant) in [
            ("aigw.example.com", "write aigw.example.com:443"),
            ("https://aigw.example.com:443", "write aigw.example.com:443"),
            ("[::1]", "write [::1]:443"),
        ] {
            let error = Place::from_target(text).expect_err(text).to_string();
            assert!(error.ends_with(meant), "{text}: {error}");
        }
    }
}
