//! Requests of browsers from other origins (http-api 4.3): any origin, POST only.

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header, request::Parts};

use crate::http::{ResponseBody, full_body};

/// The answer to a preflight, which comes before authentication; none for other requests.
pub(super) fn preflight(head: &Parts) -> Option<Response<ResponseBody>> {
    let asked = head.headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    if head.method != Method::OPTIONS || !head.headers.contains_key(header::ORIGIN) {
        return None;
    }
    let allowed = asked == Method::POST.as_str();
    let mut response = Response::new(full_body(if allowed {
        "OK"
    } else {
        "Disallowed CORS method"
    }));
    if !allowed {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    let headers = response.headers_mut();
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, text);
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("POST"),
    );
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("600"),
    );
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(names) = head.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    allow(&head.headers, headers);
    Some(response)
}

/// Lets the page that asked read the answer.
pub(super) fn allow(request: &HeaderMap, answer: &mut HeaderMap) {
    if request.contains_key(header::ORIGIN) {
        answer.insert(
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        );
    }
}
