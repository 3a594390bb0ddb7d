//! The step in which calls are carried out.

use futures_util::future::join_all;
use tokio::time::Instant;

use super::{
    Call, EntryStatus, FlowError, InvalidCall, Message, State, Status, ToolFailure, ToolOutcome,
    ToolStatus, offered::Offered, turn::Turn,
};
use crate::prompt::{estimate_tokens, keep_start};

impl Turn<'_> {
    /// Carries out all calls of the last message in their order, since one may build on what the one
    /// before has changed; those that only read run beside each other.
    pub(super) async fn tools_step(
        &self,
        state: &mut State,
        offered: &Offered,
    ) -> Result<(), FlowError> {
        let messages = state.conversation.of(&self.agent.name);
        let Some(Message::Ai(said)) = messages.last() else {
            return Ok(());
        };
        let mut answers = Vec::with_capacity(said.tool_calls.len());
        let mut entries = Vec::with_capacity(said.tool_calls.len());
        let mut rest = said.tool_calls.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(self.together(rest));
            let outcomes = now.iter().map(|call| async {
                if offered.has(&call.name) {
                    self.measured(call).await
                } else {
                    not_found(call)
                }
            });
            for (call, outcome) in now.iter().zip(join_all(outcomes).await) {
                entries.push(self.scribe.tool(call, &outcome));
                answers.push(answer(call, outcome));
            }
            rest = later;
        }
        // an older state may hold both kinds
        answers.extend(said.invalid_tool_calls.iter().map(malformed));
        state.log.extend(entries);
        state.conversation.of_mut(&self.agent.name).extend(answers);
        self.wait(state, Status::Execution).await
    }

    async fn measured(&self, call: &Call) -> ToolOutcome {
        let began = Instant::now();
        let outcome = self.tools.call(call).await;
        let failure = outcome.failure.as_ref();
        self.observer.called(&call.name, began.elapsed(), failure);
        outcome
    }

    /// How many of these calls, at least one, run beside each other.
    fn together(&self, calls: &[Call]) -> usize {
        let reading = calls.iter().take(AT_ONCE);
        let reading = reading.take_while(|call| self.tools.only_reads(call));
        reading.count().max(1)
    }
}

fn answer(call: &Call, outcome: ToolOutcome) -> Message {
    let mut text = outcome.text;
    if estimate_tokens(&text) > LONGEST {
        text = format!("{}\n[… cut: too long …]", keep_start(&text, LONGEST));
    }
    let status = match outcome.failure {
        None => ToolStatus::Success,
        Some(_) => ToolStatus::Error,
    };
    Message::tool(&call.id, &call.name, text, status)
}

fn not_found(call: &Call) -> ToolOutcome {
    ToolOutcome {
        text: format!("Tool {} not found", call.name),
        display: format!("Use the tool `{}`", call.name),
        failure: Some(ToolFailure {
            reason: "this tool is not available in this session".to_owned(),
            kind: "not_found",
            status: EntryStatus::Failure,
        }),
        command_output: None,
    }
}

fn malformed(call: &InvalidCall) -> Message {
    let text = "Not run: the arguments are no JSON object.";
    Message::tool(&call.id, &call.name, text, ToolStatus::Error)
}

/// Calls beside each other. Clients answer one request after the other in the end, and each answer
/// is held until all are there.
const AT_ONCE: usize = 8;

/// Of a tool's answer, in tokens: about the 200 KiB of agent-platform 6.4. A state is stored whole
/// after each step.
const LONGEST: usize = 64_000;
