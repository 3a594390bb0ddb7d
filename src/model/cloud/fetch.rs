//! Small files and small answers.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, Url};
use serde_json::Value;
use tokio::io::AsyncReadExt;

use super::CloudError;
use crate::{
    config::{Config, Proxies},
    model::redaction::Redaction,
    upstream::{ClientSettings, TrustRoots, innermost_cause, outgoing_client},
};

/// Who asks for credentials; made when the first are needed.
#[derive(Clone, Debug)]
pub(in crate::model) struct CloudClients(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ca_files: Vec<PathBuf>,
    proxies: Proxies,
    connect_timeout: Duration,
    public: OnceLock<Client>,
    machine: OnceLock<Client>,
}

impl CloudClients {
    /// With the operator's trusted roots and proxies.
    pub(in crate::model) fn new(config: &Config) -> Self {
        Self(Arc::new(Inner {
            ca_files: config.upstream.ca_files.clone(),
            proxies: config.upstream.proxies.clone(),
            connect_timeout: config.limits.upstream_connect,
            public: OnceLock::new(),
            machine: OnceLock::new(),
        }))
    }

    /// Asks services on the Internet.
    pub(super) fn public(&self) -> Result<&Client, CloudError> {
        let Inner {
            public,
            proxies,
            connect_timeout,
            ..
        } = &*self.0;
        self.made(public, proxies, *connect_timeout)
    }

    /// Asks servers of this machine, never through a proxy.
    pub(super) fn machine(&self) -> Result<&Client, CloudError> {
        self.made(&self.0.machine, &Proxies::default(), MACHINE_CONNECT)
    }

    fn made<'a>(
        &self,
        place: &'a OnceLock<Client>,
        proxies: &Proxies,
        connect_timeout: Duration,
    ) -> Result<&'a Client, CloudError> {
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let settings = ClientSettings {
            user_agent: concat!("duogate/", env!("CARGO_PKG_VERSION")).to_owned(),
            timeout: FETCH_TIME,
            connect_timeout,
        };
        let roots = TrustRoots::load(&self.0.ca_files);
        let client = roots.and_then(|roots| outgoing_client(&roots, proxies, settings));
        let client = client.map_err(|error| CloudError::Client(error.to_string()))?;
        Ok(place.get_or_init(|| client))
    }
}

/// Sends a form as browsers do and reads the answer. `secrets` are those of the fields that no error
/// repeats, whatever the server says.
pub(super) async fn post_form(
    clients: &CloudClients,
    url: &str,
    fields: &[(&str, &str)],
    secrets: &[&str],
) -> Result<Vec<u8>, CloudError> {
    let mut form = Url::parse("form:").expect("it is a URL");
    form.query_pairs_mut().extend_pairs(fields);
    let request = clients.public()?.post(url).header(CONTENT_TYPE, FORM);
    let request = request.body(form.query().unwrap_or_default().to_owned());
    receive(request, url, &Redaction::of_secrets(secrets)).await
}

/// Sends a request and reads its answer; `place` is what errors call it.
pub(super) async fn fetch(request: RequestBuilder, place: &str) -> Result<Vec<u8>, CloudError> {
    receive(request, place, &Redaction::default()).await
}

async fn receive(
    request: RequestBuilder,
    place: &str,
    redaction: &Redaction,
) -> Result<Vec<u8>, CloudError> {
    let unreachable = |error: reqwest::Error| CloudError::Unreachable {
        place: place.to_owned(),
        reason: innermost_cause(&error),
    };
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&piece);
        if body.len() > LARGEST {
            return Err(malformed(place));
        }
    }
    if !status.is_success() {
        return Err(CloudError::Refused {
            place: place.to_owned(),
            status,
            words: redaction.words(&words(&body)),
        });
    }
    Ok(body)
}

/// The same, as JSON.
pub(super) async fn fetch_json(request: RequestBuilder, place: &str) -> Result<Value, CloudError> {
    json(&fetch(request, place).await?, place)
}

/// What an answer says.
pub(super) fn json(body: &[u8], place: &str) -> Result<Value, CloudError> {
    serde_json::from_slice(body).map_err(|_| malformed(place))
}

pub(super) fn malformed(place: &str) -> CloudError {
    CloudError::Malformed {
        place: place.to_owned(),
    }
}

/// A file; none where there is none.
pub(super) async fn read_file(path: &Path) -> Result<Option<String>, CloudError> {
    let reading = async {
        let mut text = String::new();
        let file = tokio::fs::File::open(path).await?;
        file.take(LARGEST as u64).read_to_string(&mut text).await?;
        Ok::<_, std::io::Error>(text)
    };
    match reading.await {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CloudError::File {
            path: path.to_owned(),
            reason: error.to_string(),
        }),
    }
}

/// The same for a file that has to be there.
pub(super) async fn read_named_file(path: &Path) -> Result<String, CloudError> {
    let text = read_file(path).await?;
    text.ok_or_else(|| CloudError::File {
        path: path.to_owned(),
        reason: "there is no such file".to_owned(),
    })
}

/// What stands between two tags of Amazon's XML.
pub(super) fn tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = rest.split_once(&format!("</{name}>"))?;
    Some(inner.trim())
}

/// The reason that a refusal names: a few members or tags, never all of it.
fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let members = [
        "error",
        "error_description",
        "code",
        "message",
        "Code",
        "Message",
    ];
    let said = members.iter().filter_map(|name| {
        let member = json.as_ref().and_then(|json| json.get(name)?.as_str());
        member.or_else(|| tag(&text, name))
    });
    said.collect::<Vec<_>>().join(": ")
}

/// Credentials are a few kilobytes.
const LARGEST: usize = 64 * 1024;

/// A call waits for it, and a model check has three seconds of GitLab's.
const FETCH_TIME: Duration = Duration::from_secs(5);

/// It is one hop away, or not there at all.
const MACHINE_CONNECT: Duration = Duration::from_secs(1);

const FORM: &str = "application/x-www-form-urlencoded";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_give_their_reason_alone() {
        let xml = b"<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredTokenException</Code>\
                    <Message>Token expired</Message></Error><Secret>s</Secret></ErrorResponse>";
        assert_eq!(words(xml), "ExpiredTokenException: Token expired");
        let json =
            br#"{"error": "invalid_grant", "error_description": "Bad\nsignature", "a": "s"}"#;
        assert_eq!(words(json), "invalid_grant: Bad\nsignature");
        assert_eq!(words(b"<html>"), "");
    }
}
