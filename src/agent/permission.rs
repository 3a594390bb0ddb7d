//! What a token permits, method by method (agent-platform 2.4).

use tonic::Status;

use crate::access::Caller;

/// Whether the caller may run this; `definition` is the flow's older name, such as `chat` or
/// `developer/v1`, empty where there is none.
pub(super) fn may_run(caller: &Caller, definition: &str) -> bool {
    if definition == CHAT {
        return caller.can("duo_chat");
    }
    caller.can("duo_agent_platform") || caller.can("duo_workflow_execute_workflow")
}

/// Refuses a session that the caller may not run.
pub(super) fn check_run(caller: &Caller, definition: &str) -> Result<(), Status> {
    if may_run(caller, definition) {
        return Ok(());
    }
    let what = if definition.is_empty() {
        "workflow"
    } else {
        definition
    };
    let text = format!("Unauthorized to execute {what}");
    Err(Status::permission_denied(text))
}

/// Refuses a token. Whoever came with one of ours gets no other, or it would live forever.
pub(super) fn check_token(caller: &Caller, definition: &str) -> Result<(), Status> {
    if !caller.is_issued_by_us() && may_run(caller, definition) {
        return Ok(());
    }
    Err(Status::permission_denied("Unauthorized to generate token"))
}

/// Refuses to note the model calls of others.
pub(super) fn check_tracking(caller: &Caller) -> Result<(), Status> {
    if !caller.is_issued_by_us() && may_run(caller, "") {
        return Ok(());
    }
    Err(Status::permission_denied(
        "Unauthorized to track self-hosted workflow execution",
    ))
}

/// The definition that has a permission of its own.
pub(super) const CHAT: &str = "chat";
