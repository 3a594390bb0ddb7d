//! The HTTP API as GitLab's checks meet it.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Version, header};
use http_body_util::Full;

use super::{
    Finding, Place,
    answerer::{Answerer, shown},
};
use crate::{
    foundation::Tasks,
    upstream::{Exchange, UpstreamError, UpstreamStream, exchange},
};

/// What it takes to send a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller<'a> {
    pub(super) place: &'a Place,
    pub(super) tasks: &'a Tasks,
    pub(super) patience: Duration,
}

impl Caller<'_> {
    /// Sends a request without a token and reads the answer.
    pub(super) async fn ask(
        &self,
        stream: UpstreamStream,
        request: Request<Full<Bytes>>,
    ) -> Result<Exchange, UpstreamError> {
        let target = self.place.target();
        exchange(stream, target, request, self.tasks, self.patience).await
    }

    /// A request for a path, by HTTP/1.1 or HTTP/2.
    pub(super) fn request(
        &self,
        method: Method,
        path: &str,
        version: Version,
    ) -> Request<Full<Bytes>> {
        let place = self.place;
        let target = if version == Version::HTTP_2 {
            format!("{}{path}", place.url())
        } else {
            path.to_owned()
        };
        let mut request = Request::builder()
            .method(method)
            .version(version)
            .uri(target)
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::ACCEPT, "application/json");
        if version != Version::HTTP_2 {
            request = request
                .header(header::HOST, place.host_field())
                .header(header::CONNECTION, "close");
        }
        request
            .body(Full::default())
            .expect("a place is a valid authority, and the paths are ours")
    }
}

/// `HEAD /`: the host probe passes with any status (gitlab-clients 2.1).
pub(super) fn host_probe(outcome: &Result<Exchange, UpstreamError>) -> Finding {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(error) => return unanswered(HOST_PROBE, error),
    };
    let answerer = Answerer::of(&answer.head.headers);
    let seen = format!(
        "{} from {}; GitLab's host probe passes",
        answer.head.status,
        answerer.name()
    );
    if answerer.is_ours() {
        return Finding::ok(HOST_PROBE, seen);
    }
    Finding::warning(
        HOST_PROBE,
        format!("{seen}, but it was not Duogate that answered"),
        "if another proxy is wanted in front, let it forward TCP unchanged; otherwise stop it or \
         correct DNS, so that Duogate has port 443",
    )
}

/// `GET /monitoring/healthz`: exactly 200 and no JSON null (gitlab-clients 2.2).
pub(super) fn health(subject: &'static str, outcome: &Result<Exchange, UpstreamError>) -> Finding {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(error) => return unanswered(subject, error),
    };
    let answerer = Answerer::of(&answer.head.headers);
    let status = answer.head.status;
    if answerer.is_html() {
        return page(subject, status, &answerer);
    }
    match status {
        StatusCode::OK => healthy(subject, answer, &answerer),
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
            if answerer.is_ours() =>
        {
            Finding::problem(
                subject,
                format!(
                    "Duogate answers {}: {}",
                    status.as_u16(),
                    detail(&answer.body)
                ),
                "the AI gateway behind Duogate is down or elsewhere: is its container running \
                 (docker compose ps, docker compose logs gitlab-ai-gateway), and does `gateway` in \
                 Duogate's configuration name its host and port 5052?",
            )
        }
        StatusCode::NOT_FOUND => Finding::problem(
            subject,
            format!("404 from {}: this is no AI gateway", answerer.name()),
            "is this Duogate's name, and does `gateway` point to the AI gateway's port 5052?",
        ),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Finding::problem(
            subject,
            format!("{status} from {}: health asks for a login", answerer.name()),
            "let /monitoring/healthz pass without authentication; GitLab sends none",
        ),
        _ => Finding::problem(
            subject,
            format!("{status} from {} instead of 200", answerer.name()),
            "GitLab takes 200 alone for healthy; the log of whoever answers tells more",
        ),
    }
}

fn healthy(subject: &'static str, answer: &Exchange, answerer: &Answerer) -> Finding {
    match serde_json::from_slice::<serde_json::Value>(&answer.body) {
        Ok(serde_json::Value::Object(_)) => {
            Finding::ok(subject, format!("200 from {}", answerer.name()))
        }
        _ => Finding::warning(
            subject,
            format!("200 from {}, but no JSON object", answerer.name()),
            "an AI gateway answers with a JSON object; is something else answering in its place?",
        ),
    }
}

fn page(subject: &'static str, status: StatusCode, answerer: &Answerer) -> Finding {
    let seen = format!("{status} with a page of HTML from {}", answerer.name());
    let remedy = if status.is_server_error() {
        format!(
            "{} stands in front and cannot reach what is behind it: point it to Duogate, or let \
             Duogate have port 443 itself",
            answerer.name()
        )
    } else {
        "Duogate never sends HTML: a login page, a captive portal or another site answers in its \
         place; DNS or the load balancer point to the wrong host"
            .to_owned()
    };
    Finding::problem(subject, seen, remedy)
}

/// No answer although the connection stands.
pub(super) fn unanswered(subject: &'static str, error: &UpstreamError) -> Finding {
    let (seen, remedy) = match error {
        UpstreamError::HeaderTimeout { deadline, .. } => (
            format!("no answer within {deadline:?}"),
            "GitLab gives up after 5 to 10 seconds: the server behind hangs, or is overloaded; its \
             log and Duogate's access log tell where the time goes",
        ),
        UpstreamError::Reset { reason, .. } => (
            format!(
                "the connection was closed without an answer: {}",
                shown(reason)
            ),
            "a firewall or proxy in between cuts it, or the server restarts; look again, then into \
             its log",
        ),
        other => (
            shown(&other.to_string()),
            "whoever answers here does not speak HTTP; is this Duogate's port?",
        ),
    };
    Finding::problem(subject, seen, remedy)
}

/// The sentence of a problem of ours.
fn detail(body: &Bytes) -> String {
    let json = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
    let detail = json.get("detail").and_then(serde_json::Value::as_str);
    shown(detail.unwrap_or("no details"))
}

const HOST_PROBE: &str = "HEAD /";

/// Tells the log of the server who looked.
pub(super) const USER_AGENT: &str = concat!("duogate-doctor/", env!("CARGO_PKG_VERSION"));
