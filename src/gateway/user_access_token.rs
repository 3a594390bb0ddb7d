//! `POST /v1/code/user_access_token` (http-api 2.9): a token of ours, with which an editor asks
//! for completions without the way through GitLab.

use http::{Response, StatusCode};
use serde_json::json;

use super::{answer, call::Call, refusal::Refusal};
use crate::{access::IssueError, foundation::Blame, http::ResponseBody};

/// Issues a token. No body is read.
pub(super) fn answer(call: &Call) -> Result<Response<ResponseBody>, Refusal> {
    let issued = call
        .services
        .access
        .issue_user_token(&call.caller, call.headers());
    match issued {
        Ok(token) => Ok(answer::json(&json!({
            "token": token.token,
            "expires_at": token.expires_at,
        }))),
        Err(IssueError::Unauthorized) => Err(Refusal::forbidden(
            "Unauthorized to create user access token",
        )),
        Err(error) => {
            call.note_failure(error.to_string());
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Err(Refusal::new(status, "Failed to generate JWT").blame(Blame::Us))
        }
    }
}
