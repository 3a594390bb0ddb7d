//! Port 80: challenges, else 308 to https. Nothing of the API passes here in clear.

use std::sync::Arc;

use http::{HeaderValue, Request, Response, StatusCode, header};

use super::{GrpcCode, Problem, ResponseBody, TokenTable, dispatch, full_body};
use crate::{config::Domain, foundation::Blame};

/// Where port 80 sends people.
#[derive(Debug)]
pub struct Redirect {
    domains: Vec<Domain>,
    https_port: Option<u16>,
    tokens: Arc<TokenTable>,
}

impl Redirect {
    /// `domains` are the names we answer for, the first one for anybody who asks for another.
    /// `https_port` stands in the target only in local mode; a public server is on 443.
    pub fn new(domains: Vec<Domain>, https_port: Option<u16>, tokens: Arc<TokenTable>) -> Self {
        Self {
            domains,
            https_port,
            tokens,
        }
    }

    /// The answer to one request on port 80. 308 keeps method and body (gitlab-clients 1.2).
    pub(super) fn answer<B>(&self, request: &Request<B>) -> Response<ResponseBody> {
        if let Some(answer) = dispatch::challenge(request, &self.tokens) {
            return answer;
        }
        let Some(host) = self.target_host(request) else {
            let detail = "the request names no valid host; open the https address instead";
            return Problem::new(
                StatusCode::BAD_REQUEST,
                GrpcCode::InvalidArgument,
                Blame::Client,
                detail,
            )
            .into_text();
        };
        let port = self
            .https_port
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path } else { "/" };
        let location = format!("https://{host}{port}{path}");
        let mut response = Response::new(full_body(format!("{location}\n")));
        *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
        let headers = response.headers_mut();
        if let Ok(location) = HeaderValue::from_str(&location) {
            headers.insert(header::LOCATION, location);
        }
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, text);
        response
    }

    /// The request's host if it is ours, else our first name; none for no or a bad host.
    fn target_host<B>(&self, request: &Request<B>) -> Option<String> {
        let authority = if let Some(authority) = request.uri().authority() {
            authority.clone()
        } else {
            let host = request.headers().get(header::HOST)?.to_str().ok()?;
            host.parse::<http::uri::Authority>().ok()?
        };
        let asked = authority
            .host()
            .trim_matches(['[', ']'])
            .trim_end_matches('.');
        let asked = asked.to_ascii_lowercase();
        let ours = self
            .domains
            .iter()
            .find(|domain| domain.to_string() == asked);
        match ours.or_else(|| self.domains.first())? {
            Domain::Address(std::net::IpAddr::V6(address)) => Some(format!("[{address}]")),
            other => Some(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(host: &str, target: &str) -> Option<String> {
        let domains = vec![
            Domain::Name("aigw.example.com".into()),
            Domain::Name("other.example.com".into()),
        ];
        let redirect = Redirect::new(domains, None, Arc::default());
        let request = Request::builder()
            .uri(target)
            .header("host", host)
            .body(())
            .expect("a request");
        let answer = redirect.answer(&request);
        let location = answer.headers().get("location")?;
        assert_eq!(answer.status(), 308);
        Some(location.to_str().expect("visible").to_owned())
    }

    #[test]
    fn our_names_are_kept_and_others_go_to_the_first() {
        let to = |host| location(host, "/a%2Fb?c=d");
        assert_eq!(
            to("other.example.com:80").as_deref(),
            Some("https://other.example.com/a%2Fb?c=d")
        );
        assert_eq!(
            to("OTHER.example.com.").as_deref(),
            Some("https://other.example.com/a%2Fb?c=d")
        );
        assert_eq!(
            to("evil.example").as_deref(),
            Some("https://aigw.example.com/a%2Fb?c=d")
        );
        assert_eq!(to("bad host"), None);
    }
}
