//! Where a session stands: GitLab's events, and which of them begins a turn.

use super::{SessionError, Workflow};
use crate::flow::Status;

/// What GitLab is told of a session (agent-platform 4.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::agent) enum StatusEvent {
    /// It begins.
    Start,
    /// It goes on after it waited for its user.
    Resume,
    /// It goes on after it stopped, failed or was cut off.
    Retry,
    /// It is done.
    Finish,
    /// It failed.
    Drop,
    /// Its user stopped it.
    Stop,
    /// It pauses.
    Pause,
    /// It waits for its user.
    RequireInput,
    /// It waits for its user's word on a plan.
    RequirePlanApproval,
    /// It waits for its user's word on tool calls.
    RequireToolCallApproval,
}

impl StatusEvent {
    /// The word on the wire.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Resume => "resume",
            Self::Retry => "retry",
            Self::Finish => "finish",
            Self::Drop => "drop",
            Self::Stop => "stop",
            Self::Pause => "pause",
            Self::RequireInput => "require_input",
            Self::RequirePlanApproval => "require_plan_approval",
            Self::RequireToolCallApproval => "require_tool_call_approval",
        }
    }

    /// The status that a session has after it (agent-platform 5.1).
    pub(super) fn leads_to(self) -> &'static str {
        match self {
            Self::Start | Self::Resume | Self::Retry => "running",
            Self::Finish => "finished",
            Self::Drop => "failed",
            Self::Stop => "stopped",
            Self::Pause => "paused",
            Self::RequireInput => "input_required",
            Self::RequirePlanApproval => "plan_approval_required",
            Self::RequireToolCallApproval => "tool_call_approval_required",
        }
    }

    /// With which of them the next turn of this session begins (agent-platform 3.14).
    pub(super) fn beginning(workflow: &Workflow) -> Result<Self, SessionError> {
        if workflow.archived {
            return Err(SessionError::Unsupported("Archived"));
        }
        if workflow.stalled {
            return Err(SessionError::Unsupported("Stalled"));
        }
        match workflow.status.as_str() {
            "input_required" | "plan_approval_required" | "tool_call_approval_required" => {
                Ok(Self::Resume)
            }
            "created" if workflow.latest.is_some() || workflow.has_checkpoints => {
                Err(SessionError::AlreadyBegun)
            }
            "created" => Ok(Self::Start),
            _ => Ok(Self::Retry),
        }
    }

    /// Whether turns begin with it.
    pub(super) fn begins(self) -> bool {
        matches!(self, Self::Start | Self::Resume | Self::Retry)
    }

    /// Whether a turn that ends with it went well (agent-platform 3.11).
    pub(super) fn ends_well(self) -> bool {
        matches!(
            self,
            Self::Finish
                | Self::Stop
                | Self::RequireInput
                | Self::RequirePlanApproval
                | Self::RequireToolCallApproval
        )
    }
}

/// What clients read for a status (agent-platform 5.2).
pub(super) fn shown_status(status: Status) -> &'static str {
    match status {
        Status::NotStarted => "CREATED",
        Status::Planning | Status::Execution | Status::ApprovalError => "RUNNING",
        Status::Completed => "FINISHED",
        Status::Error => FAILED,
        Status::Cancelled => STOPPED,
        Status::Paused => "PAUSED",
        Status::InputRequired => "INPUT_REQUIRED",
        Status::PlanApprovalRequired => "PLAN_APPROVAL_REQUIRED",
        Status::ToolCallApprovalRequired => "TOOL_CALL_APPROVAL_REQUIRED",
    }
}

/// What GitLab is told when a step sets a status (agent-platform 5.2).
pub(super) fn event_of(status: Status) -> Option<StatusEvent> {
    match status {
        Status::NotStarted | Status::Planning | Status::Execution | Status::ApprovalError => None,
        Status::Completed => Some(StatusEvent::Finish),
        Status::Error => Some(StatusEvent::Drop),
        Status::Cancelled => Some(StatusEvent::Stop),
        Status::Paused => Some(StatusEvent::Pause),
        Status::InputRequired => Some(StatusEvent::RequireInput),
        Status::PlanApprovalRequired => Some(StatusEvent::RequirePlanApproval),
        Status::ToolCallApprovalRequired => Some(StatusEvent::RequireToolCallApproval),
    }
}

/// Whether the session waits for its user.
pub(super) fn is_pause(status: Status) -> bool {
    matches!(
        status,
        Status::InputRequired | Status::PlanApprovalRequired | Status::ToolCallApprovalRequired
    )
}

/// A turn that failed, as clients read it.
pub(super) const FAILED: &str = "FAILED";

/// A turn that its user stopped.
pub(super) const STOPPED: &str = "STOPPED";

#[cfg(test)]
mod tests {
    use super::*;

    fn beginning(status: &str) -> Result<StatusEvent, SessionError> {
        StatusEvent::beginning(&Workflow {
            status: status.to_owned(),
            ..Workflow::default()
        })
    }

    #[test]
    fn each_status_has_its_beginning() {
        for (status, event) in [
            ("created", StatusEvent::Start),
            ("input_required", StatusEvent::Resume),
            ("tool_call_approval_required", StatusEvent::Resume),
            ("plan_approval_required", StatusEvent::Resume),
            ("stopped", StatusEvent::Retry),
            ("running", StatusEvent::Retry),
            ("failed", StatusEvent::Retry),
            ("paused", StatusEvent::Retry),
            ("of the future", StatusEvent::Retry),
        ] {
            assert_eq!(beginning(status).unwrap(), event, "{status}");
        }
    }

    #[test]
    fn what_cannot_go_on_is_refused() {
        let refused = |workflow: Workflow| StatusEvent::beginning(&workflow).unwrap_err();
        let archived = refused(Workflow {
            archived: true,
            ..Workflow::default()
        });
        assert_eq!(
            archived.to_string(),
            "Archived workflow can not be executed. Please create a new workflow."
        );
        let begun = refused(Workflow {
            status: "created".to_owned(),
            has_checkpoints: true,
            ..Workflow::default()
        });
        assert!(matches!(begun, SessionError::AlreadyBegun));
    }
}
