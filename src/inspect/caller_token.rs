//! A token of GitLab's, for the steps that need one.

use std::{fs, io, path::Path};

use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value;

/// A token and the headers that GitLab sends beside it. Shows nothing of itself.
#[derive(Clone)]
pub struct CallerToken(HeaderMap);

/// Why a file holds no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("{path} cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        cause: io::Error,
    },
    /// It is no token.
    #[error("{path} holds no token: three parts of letters with dots between, as GitLab sends it")]
    NoToken {
        /// The file.
        path: String,
    },
}

impl CallerToken {
    /// Reads a file that holds a token and nothing else.
    pub fn from_file(file: &Path) -> Result<Self, TokenFileError> {
        let path = file.display().to_string();
        let text = fs::read_to_string(file).map_err(|cause| TokenFileError::Unreadable {
            path: path.clone(),
            cause,
        })?;
        let token = text.trim();
        let token = token.strip_prefix("Bearer ").unwrap_or(token);
        headers(token)
            .map(Self)
            .ok_or(TokenFileError::NoToken { path })
    }

    /// What a request with it carries (http-api 3.2).
    pub(super) fn headers(&self) -> HeaderMap {
        self.0.clone()
    }
}

impl std::fmt::Debug for CallerToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("CallerToken(**********)")
    }
}

fn headers(token: &str) -> Option<HeaderMap> {
    let claims = claims(token)?;
    let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let sub = claim("sub");
    let instance = match claim("gitlab_instance_id") {
        "" => sub,
        instance => instance,
    };
    let mut headers = HeaderMap::new();
    let mut bearer = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    bearer.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, bearer);
    for (name, value) in [
        ("x-gitlab-authentication-type", "oidc"),
        ("x-gitlab-realm", claim("gitlab_realm")),
        ("x-gitlab-instance-id", instance),
        ("x-gitlab-global-user-id", sub),
    ] {
        let value = HeaderValue::from_str(value).ok()?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Some(headers)
}

/// What a token says of itself; whether it is true is for the gateway to judge.
fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
    serde_json::from_slice(&payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_brings_the_headers_that_belong_to_it() {
        let claims = r#"{"sub":"7a1c","gitlab_realm":"self-managed"}"#;
        let token = format!("h.{}.s", BASE64URL_NOPAD.encode(claims.as_bytes()));
        let found = headers(&token).unwrap();
        assert_eq!(found["x-gitlab-realm"], "self-managed");
        assert_eq!(found["x-gitlab-instance-id"], "7a1c");
        assert!(found["authorization"].is_sensitive());
        assert!(!format!("{:?}", CallerToken(found)).contains(&token));
        for wrong in ["", "a.b", "a.b.c", "a.e30.c.d"] {
            assert!(headers(wrong).is_none(), "{wrong}");
        }
    }
}
