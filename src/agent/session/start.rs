//! What a session begins with: the first event, judged.

use std::{collections::HashSet, fmt, sync::Arc};

use crate::{
    access::Caller,
    agent::proto::StartWorkflowRequest,
    flow::{AgentDefinition, ContextItem},
    foundation::{ReleaseVersion, RequestId},
    model::Metadata,
};

/// A first event that passed (agent-platform 3.2).
pub struct SessionStart {
    /// As it came; its `workflow_id` is not empty.
    pub request: Box<StartWorkflowRequest>,
    /// What runs.
    pub flow: FlowChoice,
    /// What the call's metadata say.
    pub metadata: RequestMetadata,
    /// Whose token it is.
    pub caller: Arc<Caller>,
    /// `additional_context` with its metadata read.
    pub contexts: Vec<ContextItem>,
}

/// The flow that a first event asks for (agent-platform 3.3).
#[derive(Clone, PartialEq)]
pub enum FlowChoice {
    /// The chat that GitLab's pages and editors open.
    Chat,
    /// The same with another agent: of a configuration of environment `chat-partial`.
    ChatPartial(AgentDefinition),
}

/// What the metadata of a call say (agent-platform 2.2).
#[derive(Clone, Debug)]
pub struct RequestMetadata {
    /// Which GitLab calls; none where it does not say so readably.
    pub version: Option<ReleaseVersion>,
    /// The version of the editor's language server, where one calls.
    pub language_server: Option<ReleaseVersion>,
    /// What the client can do; empty below GitLab 18.7, whatever it says.
    pub capabilities: HashSet<String>,
    /// The model; none: the configured one.
    pub model: Option<Metadata>,
    /// Ties GitLab's log lines to ours.
    pub correlation_id: RequestId,
    /// Whether each model call is reported to GitLab's own service first.
    pub is_billed: bool,
}

// Without goals, contexts and configurations, which are the user's.

impl fmt::Debug for SessionStart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SessionStart")
            .field("workflow_id", &self.request.workflow_id)
            .field("flow", &self.flow)
            .field("metadata", &self.metadata)
            .field("contexts", &self.contexts)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for FlowChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Chat => "Chat",
            Self::ChatPartial(_) => "ChatPartial",
        })
    }
}
