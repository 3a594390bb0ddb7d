//! How far a session is.

use serde::{Deserialize, Serialize};

/// The internal status, as it stands in stored states (agent-platform 5.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Nothing has run.
    #[default]
    #[serde(rename = "Not Started")]
    NotStarted,
    /// A plan is being made.
    Planning,
    /// The agent works.
    Execution,
    /// The work is done.
    Completed,
    /// It failed.
    Error,
    /// The user ended it.
    Cancelled,
    /// The user holds it.
    Paused,
    /// It is the user's turn.
    #[serde(rename = "input_required")]
    InputRequired,
    /// The user judges a plan.
    #[serde(rename = "plan_approval_required")]
    PlanApprovalRequired,
    /// The user judges calls of tools.
    #[serde(rename = "tool_call_approval_required")]
    ToolCallApprovalRequired,
    /// A user's judgement could not be read.
    #[serde(rename = "approval_error")]
    ApprovalError,
}
