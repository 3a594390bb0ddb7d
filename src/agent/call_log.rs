//! What is told of a call when it is over: a line in the log and a count (agent-platform 9). No
//! content, and of its metadata only what says who called.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Instant, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tonic::{Code, Status};

use super::{
    call::{CallFacts, text},
    measures::AgentMeasures,
    method::Method,
    status,
};
use crate::{
    foundation::RequestId,
    http::{BodyError, ResponseBody},
};

/// Writes when it is dropped: with the body of the answer, or before there is one.
pub(super) struct CallLog {
    method: Method,
    id: RequestId,
    facts: Arc<CallFacts>,
    measures: Arc<AgentMeasures>,
    arrived: SystemTime,
    began: Instant,
    /// Values of headers by the name they have in the log.
    said: Vec<Option<String>>,
    is_answered: bool,
    outcome: Option<Status>,
}

impl CallLog {
    /// Begins with a call's head.
    pub(super) fn begin(
        method: Method,
        id: &RequestId,
        headers: &HeaderMap,
        facts: &Arc<CallFacts>,
        measures: Arc<AgentMeasures>,
        now: SystemTime,
    ) -> Self {
        let said = HEADERS.map(|name| text(headers, name).map(beginning));
        Self {
            method,
            id: id.clone(),
            facts: Arc::clone(facts),
            measures,
            arrived: now,
            began: Instant::now(),
            said: said.to_vec(),
            is_answered: false,
            outcome: None,
        }
    }

    /// The caller is known. Before that nothing that the call says of itself becomes a label.
    pub(super) fn is_let_in(&self, headers: &HeaderMap) {
        let _ = self.facts.client.set(self.measures.client(headers));
    }

    /// Follows the answer to its end.
    pub(super) fn watch(mut self, response: Response<ResponseBody>) -> Response<ResponseBody> {
        self.is_answered = true;
        self.outcome = Status::from_header_map(response.headers());
        response.map(|inner| WatchedBody { inner, log: self }.boxed_unsync())
    }

    fn said(&self, name: &str) -> Option<&str> {
        let place = HEADERS.iter().position(|header| *header == name)?;
        self.said.get(place)?.as_deref()
    }

    fn write(&self, code: Code, details: &str) {
        let arrived = OffsetDateTime::from(self.arrived).format(&Rfc3339);
        let details = Some(details).filter(|details| !details.is_empty());
        tracing::info!(
            target: "duogate::agent",
            correlation_id = self.id.as_str(),
            workflow_id = self.facts.workflow_id.get().map(String::as_str),
            workflow_definition = self.facts.definition.get().map(String::as_str),
            duration_s = self.began.elapsed().as_secs_f64(),
            request_arrived_at = arrived.unwrap_or_default(),
            grpc_type = self.method.kind,
            grpc_service_name = "DuoWorkflow",
            grpc_method_name = self.method.name,
            servicer_context_code = status::name(code),
            servicer_context_details = details,
            gitlab_global_user_id = self.said("x-gitlab-global-user-id"),
            gitlab_realm = self.said("x-gitlab-realm"),
            gitlab_instance_id = self.said("x-gitlab-instance-id"),
            gitlab_host_name = self.said("x-gitlab-host-name"),
            gitlab_version = self.said("x-gitlab-version"),
            gitlab_language_server_version = self.said("x-gitlab-language-server-version"),
            gitlab_client_type = self.said("x-gitlab-client-type"),
            gitlab_client_name = self.said("x-gitlab-client-name"),
            gitlab_client_version = self.said("x-gitlab-client-version"),
            gitlab_project_id = self.said("x-gitlab-project-id"),
            gitlab_namespace_id = self.said("x-gitlab-namespace-id"),
            gitlab_root_namespace_id = self.said("x-gitlab-root-namespace-id"),
            gitlab_organization_id = self.said("x-gitlab-organization-id"),
            gitlab_feature_enablement_type = self.said("x-gitlab-feature-enablement-type"),
            is_gitlab_team_member = self.said("x-gitlab-is-team-member"),
            "Finished {} RPC", self.method.name
        );
    }
}

impl Drop for CallLog {
    fn drop(&mut self) {
        // a call that was given up before it was answered never began, as far as GitLab tells
        if !self.is_answered {
            return;
        }
        let (code, details) = match &self.outcome {
            Some(outcome) => (outcome.code(), outcome.message()),
            None => (Code::Cancelled, "RPC cancelled by client"),
        };
        self.measures.finished(self.method, code, &self.facts);
        self.write(code, details);
    }
}

/// The body of an answer, whose trailers say how the call ended.
struct WatchedBody {
    inner: ResponseBody,
    log: CallLog,
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(trailers) = frame.trailers_ref()
        {
            this.log.outcome = Status::from_header_map(trailers);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn beginning(value: &str) -> String {
    value.chars().take(LONGEST_VALUE).collect()
}

/// Headers that the line repeats; none of them is a secret.
const HEADERS: [&str; 15] = [
    "x-gitlab-global-user-id",
    "x-gitlab-realm",
    "x-gitlab-instance-id",
    "x-gitlab-host-name",
    "x-gitlab-version",
    "x-gitlab-language-server-version",
    "x-gitlab-client-type",
    "x-gitlab-client-name",
    "x-gitlab-client-version",
    "x-gitlab-project-id",
    "x-gitlab-namespace-id",
    "x-gitlab-root-namespace-id",
    "x-gitlab-organization-id",
    "x-gitlab-feature-enablement-type",
    "x-gitlab-is-team-member",
];

/// Characters of a header's value that are logged: identifiers are shorter.
const LONGEST_VALUE: usize = 256;
