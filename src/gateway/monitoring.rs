//! `GET /monitoring/healthz` and `GET /monitoring/ready` (http-api 2.15).

use http::{Response, StatusCode};
use serde_json::json;

use super::{answer, settings::Services};
use crate::http::ResponseBody;

/// We live. Rails' rake task prints what stands under `status`.
pub(super) fn health() -> Response<ResponseBody> {
    answer::bytes(&br#"{"status":"ok"}"#[..], "application/json")
}

/// Tokens can be judged: some source of keys has answered, or none is needed. What the parts say
/// stands on the operator's own listener.
pub(super) fn readiness(services: &Services) -> Response<ResponseBody> {
    if services.access.is_ready() {
        return health();
    }
    let body = json!({"status": "no source of keys has answered yet"});
    let mut response = answer::json(&body);
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}
