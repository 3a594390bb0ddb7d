//! Which paths exist.

use http::{HeaderValue, Method, Request, Response, StatusCode, header};

use crate::http::{Door, DoorFuture, RequestBody, ResponseBody, full_body};

/// The built-in AI gateway.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gateway;

impl Door for Gateway {
    fn call(&self, request: Request<RequestBody>) -> DoorFuture {
        let response = answer(&request);
        Box::pin(std::future::ready(response))
    }
}

fn answer<B>(request: &Request<B>) -> Response<ResponseBody> {
    if request.uri().path() == "/monitoring/healthz" {
        return match *request.method() {
            Method::GET | Method::HEAD => json(StatusCode::OK, r#"{"status":"ok"}"#),
            _ => json(
                StatusCode::METHOD_NOT_ALLOWED,
                r#"{"detail":"Method Not Allowed"}"#,
            ),
        };
    }
    if !request.headers().contains_key(header::AUTHORIZATION) {
        // The text that GitLab's installation page tells people to look for.
        let body = r#"{"error":"No authorization header presented"}"#;
        return json(StatusCode::UNAUTHORIZED, body);
    }
    json(StatusCode::NOT_FOUND, r#"{"detail":"Not Found"}"#)
}

fn json(status: StatusCode, body: &'static str) -> Response<ResponseBody> {
    let mut response = Response::new(full_body(body));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}
