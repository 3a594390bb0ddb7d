//! What is known of a call beside its messages.

use std::sync::{Arc, OnceLock};

use http::{Extensions, HeaderMap, HeaderValue};
use tonic::Status;

use crate::{access::Caller, foundation::RequestId, telemetry::ClientLabels};

/// A call of somebody who was let in. Travels in the request's extensions.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) caller: Arc<Caller>,
    pub(super) id: RequestId,
    pub(super) facts: Arc<CallFacts>,
}

/// What becomes known of a call on its way, for its line in the log and its metrics.
#[derive(Debug, Default)]
pub(super) struct CallFacts {
    /// The session's number in GitLab.
    pub(super) workflow_id: OnceLock<String>,
    /// What should run, such as `chat` or `developer/v1`.
    pub(super) definition: OnceLock<String>,
    /// What metrics say of the client.
    pub(super) client: OnceLock<ClientLabels>,
}

impl Call {
    /// The call of a request that came through the door.
    pub(super) fn of(extensions: &Extensions) -> Result<&Self, Status> {
        let call = extensions.get::<Self>();
        call.ok_or_else(|| Status::internal("the call lost its caller; this is a fault of ours"))
    }
}

/// The identifier that GitLab's lines have too, if the client says one.
pub(super) fn correlation_id(headers: &HeaderMap) -> Option<RequestId> {
    let names = ["x-request-id", "x-gitlab-correlation-id"];
    names.into_iter().find_map(|name| {
        let value = headers.get(name).map(HeaderValue::as_bytes)?;
        RequestId::from_caller(value)
    })
}

/// A header's value as text, if it says something.
pub(super) fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    Some(value).filter(|value| !value.is_empty())
}
