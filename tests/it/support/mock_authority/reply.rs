//! Answers.

use std::time::Duration;

use serde_json::{Value, json};

/// One answer, made by the authority or by a test.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    /// How long the client waits for it.
    pub(crate) delay: Duration,
}

impl Reply {
    /// JSON.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    /// A problem document; `kind` without its prefix.
    pub(crate) fn problem(status: u16, kind: &str, detail: &str) -> Self {
        let problem = json!({
            "type": format!("urn:ietf:params:acme:error:{kind}"),
            "detail": detail,
            "status": status,
        });
        Self::text(status, "application/problem+json", problem.to_string())
    }

    /// A refusal because of too many requests; `retry_after` is seconds or a date of HTTP.
    pub(crate) fn rate_limited(detail: &str, retry_after: &str) -> Self {
        Self::problem(429, "rateLimited", detail).with("Retry-After", retry_after)
    }

    /// The page of a proxy whose server is gone.
    pub(crate) fn bad_gateway() -> Self {
        let page = "<html><head><title>502 Bad Gateway</title></head><body>oops</body></html>";
        Self::text(502, "text/html", page.to_owned())
    }

    /// Success with JSON that ends in the middle.
    pub(crate) fn broken_json() -> Self {
        Self::text(200, "application/json", "{\"status\": \"pen".to_owned())
    }

    pub(crate) fn text(status: u16, content_type: &str, body: String) -> Self {
        Self {
            status,
            headers: vec![("Content-Type", content_type.to_owned())],
            body,
            delay: Duration::ZERO,
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}
