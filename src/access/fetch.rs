//! The keys of one publisher over HTTP: discovery (OpenID Connect Discovery 4), then the key set.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url, header};
use serde::Deserialize;

use super::key::{KeySet, KeySetError};
use crate::upstream::innermost_cause;

/// Why a publisher's keys could not be fetched. Each says what to look at; none repeats a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FetchError {
    /// No connection, or none that is trusted.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// Who was asked.
        host: String,
        /// What the client says.
        reason: String,
    },
    /// It took too long altogether.
    #[error("did not answer within {} s", FETCH_TIME.as_secs())]
    TooSlow,
    /// Another status than 200.
    #[error("{url} answered {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The status.
        status: StatusCode,
    },
    /// It sends us round, or somewhere we do not go.
    #[error("{url} redirects {reason}")]
    Redirect {
        /// Who redirects.
        url: String,
        /// Where to, or how often.
        reason: &'static str,
    },
    /// More than any such document has.
    #[error("{url} answered more than {limit} bytes")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The bound.
        limit: usize,
    },
    /// The discovery document is none.
    #[error(
        "{url} is no discovery document with a jwks_uri; does the URL lead to GitLab, with the path it is installed under?"
    )]
    NoDiscovery {
        /// What was asked for.
        url: String,
    },
    /// The key set is to be fetched in a way that anybody could forge.
    #[error("names a key set ({url}) that is not https, though it is itself")]
    Downgrade {
        /// The key set.
        url: String,
    },
    /// The key set is none.
    #[error("{url} {reason}")]
    NoKeys {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        reason: KeySetError,
    },
}

impl FetchError {
    /// The word for the metric of fetches.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::TooSlow => "timeout",
            Self::Status { .. } => "status",
            Self::Redirect { .. } | Self::Downgrade { .. } => "redirect",
            Self::TooLarge { .. } => "too_large",
            Self::NoDiscovery { .. } | Self::NoKeys { .. } => "malformed",
        }
    }
}

/// Fetches the keys that `base` publishes; ends within ten seconds. A path in `base` is kept.
pub(super) async fn fetch(client: &Client, base: &str) -> Result<KeySet, FetchError> {
    let fetching = discover_and_read(client, base);
    match tokio::time::timeout(FETCH_TIME, fetching).await {
        Ok(keys) => keys,
        Err(_) => Err(FetchError::TooSlow),
    }
}

async fn discover_and_read(client: &Client, base: &str) -> Result<KeySet, FetchError> {
    let discovery = format!("{base}/.well-known/openid-configuration");
    let not_found = || FetchError::NoDiscovery {
        url: discovery.clone(),
    };
    let url = Url::parse(&discovery).map_err(|_| not_found())?;
    let (document, asked) = read(client, url, DISCOVERY_BYTES).await?;
    let document: Discovery = serde_json::from_slice(&document).map_err(|_| not_found())?;
    let keys = Url::parse(&document.jwks_uri).map_err(|_| not_found())?;
    let keys = guarded(keys, &asked)?;
    let (text, keys) = read(client, keys, KEY_SET_BYTES).await?;
    KeySet::read(&text).map_err(|reason| FetchError::NoKeys {
        url: keys.to_string(),
        reason,
    })
}

#[derive(Deserialize)]
struct Discovery {
    jwks_uri: String,
}

/// The URL of a key set, no less guarded than the document that names it. A GitLab behind a proxy
/// that ends TLS calls itself http where its external_url says so; its https is asked instead.
fn guarded(mut keys: Url, discovery: &Url) -> Result<Url, FetchError> {
    let downgrade = |keys: &Url| FetchError::Downgrade {
        url: keys.to_string(),
    };
    match (discovery.scheme(), keys.scheme()) {
        (_, "https") | ("http", "http") => Ok(keys),
        ("https", "http") if keys.host() == discovery.host() => {
            let changed =
                keys.set_scheme("https").is_ok() && keys.set_port(discovery.port()).is_ok();
            if changed {
                Ok(keys)
            } else {
                Err(downgrade(&keys))
            }
        }
        _ => Err(downgrade(&keys)),
    }
}

/// The body that a URL leads to, within bounds, and the URL that answered in the end.
async fn read(client: &Client, url: Url, limit: usize) -> Result<(Vec<u8>, Url), FetchError> {
    let mut url = url;
    for _ in 0..=REDIRECTS {
        let asking = client
            .get(url.clone())
            .header(header::ACCEPT, "application/json");
        let response = asking
            .send()
            .await
            .map_err(|error| unreachable(&url, &error))?;
        let status = response.status();
        if let Some(next) = redirect(&url, &response)? {
            url = next;
            continue;
        }
        if status != StatusCode::OK {
            let url = url.to_string();
            return Err(FetchError::Status { url, status });
        }
        let body = body(response, &url, limit).await?;
        return Ok((body, url));
    }
    Err(FetchError::Redirect {
        url: url.to_string(),
        reason: "too often",
    })
}

/// Where an answer sends us; the client follows nothing by itself. From http to https, as GitLab
/// does it, and never back.
fn redirect(url: &Url, response: &reqwest::Response) -> Result<Option<Url>, FetchError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let refused = |reason| FetchError::Redirect {
        url: url.to_string(),
        reason,
    };
    let location = response.headers().get(header::LOCATION);
    let location = location.and_then(|location| location.to_str().ok());
    let next = location
        .and_then(|location| url.join(location).ok())
        .ok_or(refused("to nowhere"))?;
    match (url.scheme(), next.scheme()) {
        (_, "https") | ("http", "http") => Ok(Some(next)),
        _ => Err(refused("away from https")),
    }
}

async fn body(
    mut response: reqwest::Response,
    url: &Url,
    limit: usize,
) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|error| unreachable(url, &error))?
    {
        if body.len() + piece.len() > limit {
            let url = url.to_string();
            return Err(FetchError::TooLarge { url, limit });
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn unreachable(url: &Url, error: &reqwest::Error) -> FetchError {
    if error.is_timeout() && !error.is_connect() {
        return FetchError::TooSlow;
    }
    FetchError::Unreachable {
        host: url.host_str().unwrap_or_default().to_owned(),
        reason: innermost_cause(error),
    }
}

/// Both documents together; they are small, and whoever needs longer is as good as down.
pub(super) const FETCH_TIME: Duration = Duration::from_secs(10);

/// http to https, a moved host, and one to spare.
const REDIRECTS: usize = 3;

/// GitLab's has 2 kB.
const DISCOVERY_BYTES: usize = 64 * 1024;

/// 64 keys of 8192 bits, the most that is accepted, take 100 kB.
const KEY_SET_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_set_is_no_less_guarded_than_its_discovery() {
        let judged = |keys: &str, discovery: &str| {
            let [keys, discovery] = [keys, discovery].map(|url| Url::parse(url).unwrap());
            guarded(keys, &discovery).map(|url| url.to_string()).ok()
        };
        let plain = "http://g.example/oauth/discovery/keys";
        let secure = Some("https://g.example/oauth/discovery/keys".to_owned());
        assert_eq!(
            judged(plain, "http://other.example/"),
            Some(plain.to_owned())
        );
        assert_eq!(judged(plain, "https://g.example/"), secure);
        assert_eq!(judged(plain, "https://other.example/"), None);
        assert_eq!(judged("file:///etc/passwd", "http://g.example/"), None);
        assert_eq!(
            judged("http://g.example:80/keys", "https://g.example:8443/").as_deref(),
            Some("https://g.example:8443/keys")
        );
        assert_eq!(
            judged("https://k.example/", "https://g.example/").as_deref(),
            Some("https://k.example/")
        );
    }
}
