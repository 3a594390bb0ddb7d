//! The questions over HTTP.

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};

use crate::{
    config::Proxies,
    upstream::{ClientSettings, TrustRoots, UpstreamError, innermost_cause, outgoing_client},
};

/// Asks, with the roots and perhaps the proxies of the configuration.
#[derive(Clone, Debug)]
pub(super) struct Client {
    direct: reqwest::Client,
    proxied: reqwest::Client,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// The beginning of the body, as text.
    pub(super) body: String,
}

/// A question.
pub(super) struct Question<'a> {
    pub(super) url: &'a str,
    /// Whether the proxies of the environment are for it.
    pub(super) outside: bool,
    pub(super) limit: Duration,
}

impl Client {
    pub(super) fn new(roots: &TrustRoots, proxies: &Proxies) -> Result<Self, UpstreamError> {
        let client = |proxies: &Proxies| {
            let settings = ClientSettings {
                user_agent: concat!("duogate-troubleshoot/", env!("CARGO_PKG_VERSION")).to_owned(),
                timeout: LONGEST,
                connect_timeout: LONGEST,
            };
            outgoing_client(roots, proxies, settings)
        };
        Ok(Self {
            direct: client(&Proxies::default())?,
            proxied: client(proxies)?,
        })
    }

    /// Fetches a page; the error is what the system or the library says, without the URL.
    pub(super) async fn get(&self, question: &Question<'_>) -> Result<Reply, String> {
        self.ask(Method::GET, question, HeaderMap::new(), None)
            .await
    }

    /// Posts JSON.
    pub(super) async fn post(
        &self,
        question: &Question<'_>,
        headers: HeaderMap,
        body: String,
    ) -> Result<Reply, String> {
        self.ask(Method::POST, question, headers, Some(body)).await
    }

    async fn ask(
        &self,
        method: Method,
        question: &Question<'_>,
        headers: HeaderMap,
        body: Option<String>,
    ) -> Result<Reply, String> {
        let client = if question.outside {
            &self.proxied
        } else {
            &self.direct
        };
        let mut request = client
            .request(method, question.url)
            .headers(headers)
            .timeout(question.limit);
        if let Some(body) = body {
            request = request
                .header(http::header::CONTENT_TYPE, "application/json")
                .body(body);
        }
        let told = |error: reqwest::Error| {
            if error.is_timeout() {
                format!("no answer within {:?}", question.limit)
            } else {
                innermost_cause(&error)
            }
        };
        let mut response = request.send().await.map_err(told)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(told)? {
            body.extend_from_slice(&piece);
            if body.len() > MOST_BYTES {
                body.truncate(MOST_BYTES);
                break;
            }
        }
        Ok(Reply {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }
}

/// Of an answer; more says nothing more.
const MOST_BYTES: usize = 64 * 1024;

/// No step takes longer.
const LONGEST: Duration = Duration::from_secs(30);
