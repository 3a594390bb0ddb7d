//! Writes the entries that people read.

use std::fmt;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{
    Call, ContextItem, EntryKind, EntryStatus, LogEntry, ToolInfo, ToolOutcome, compaction::Trigger,
};
use crate::foundation::{Clock, Randomness, random_uuid, timestamp};

/// Makes entries with time, identifier and correlation.
pub struct Scribe<'a> {
    /// Dates entries.
    pub clock: &'a dyn Clock,
    /// Makes identifiers.
    pub randomness: &'a dyn Randomness,
    /// Ties entries to GitLab's log lines.
    pub correlation_id: Option<&'a str>,
}

impl Scribe<'_> {
    /// What ends a failed session (agent-platform 3.13): the one entry that clients are sent.
    pub fn failure(&self, text: &str) -> LogEntry {
        let status = EntryStatus::Failure;
        self.entry(EntryKind::Agent, text, status, self.id("error-"))
    }

    /// What a user said.
    pub(super) fn user(&self, text: &str, context: &[ContextItem]) -> LogEntry {
        let (kind, status) = (EntryKind::User, EntryStatus::Success);
        LogEntry {
            additional_context: (!context.is_empty()).then(|| context.to_vec()),
            ..self.entry(kind, text, status, self.id("user-"))
        }
    }

    /// What the model said.
    pub(super) fn agent(&self, text: &str, status: EntryStatus, id: &str) -> LogEntry {
        self.entry(EntryKind::Agent, text, status, id.to_owned())
    }

    /// What the model says, before it has said anything.
    pub(super) fn streamed(&self, id: &str) -> LogEntry {
        LogEntry {
            status: None,
            ..self.agent("", EntryStatus::Pending, id)
        }
    }

    /// A call whose arguments are still coming.
    pub(super) fn begun(&self, id: &str, tool: &str) -> LogEntry {
        let text = format!("Preparing to use the tool {tool}");
        LogEntry {
            message_sub_type: Some(tool.to_owned()),
            tool_info: Some(ToolInfo {
                name: tool.to_owned(),
                args: Value::Object(Map::new()),
                tool_response: None,
                rest: Map::new(),
            }),
            ..self.entry(EntryKind::Tool, &text, EntryStatus::Pending, id.to_owned())
        }
    }

    /// Asks the user whether a call may run, or all calls of one of these patterns.
    pub(super) fn request(&self, call: &Call, patterns: Vec<String>) -> LogEntry {
        let text = format!(
            "Tool {} requires approval. Please confirm if you want to proceed.",
            call.name
        );
        let (kind, status) = (EntryKind::Request, EntryStatus::Success);
        let mut info = info(call);
        if !patterns.is_empty() {
            info.rest
                .insert("suggested_patterns".to_owned(), patterns.into());
        }
        LogEntry {
            tool_info: Some(info),
            ..self.entry(kind, &text, status, call.id.clone())
        }
    }

    /// What came of a call.
    pub(super) fn tool(&self, call: &Call, outcome: &ToolOutcome) -> LogEntry {
        let (text, status) = match &outcome.failure {
            None => (outcome.display.clone(), EntryStatus::Success),
            Some(failure) => (
                format!("Failed: {} - {}", outcome.display, failure.reason),
                failure.status.clone(),
            ),
        };
        // what the model is told of a failure stays between the tool and the model, but for what a
        // command printed
        let printed = outcome.command_output.as_deref();
        let said = match &outcome.failure {
            None => Some(printed.unwrap_or(&outcome.text)),
            Some(_) => printed.filter(|printed| !printed.is_empty()),
        };
        let response = said.map(|said| {
            json!({
                "content": keep_characters(said),
                "name": call.name,
                "tool_call_id": call.id,
                "type": "ToolMessage",
            })
        });
        let sub_type = printed.map_or(call.name.as_str(), |_| "command_output");
        LogEntry {
            message_sub_type: Some(sub_type.to_owned()),
            tool_info: Some(ToolInfo {
                tool_response: response,
                ..info(call)
            }),
            ..self.entry(EntryKind::Tool, &text, status, self.id("tool-"))
        }
    }

    /// A conversation was made short (agent-platform 8.6).
    pub(super) fn compaction(
        &self,
        trigger: Trigger,
        messages: usize,
        input_tokens: u64,
        output_tokens: u64,
    ) -> LogEntry {
        let args = json!({
            "trigger": match trigger {
                Trigger::Auto => "auto",
                Trigger::Manual => "manual",
            },
            "messages_summarized": messages,
            "compaction_input_tokens": input_tokens,
            "compaction_output_tokens": output_tokens,
        });
        let text = format!("Summarized {messages} message(s)");
        let (kind, status) = (EntryKind::Tool, EntryStatus::Success);
        LogEntry {
            message_sub_type: Some("compaction".to_owned()),
            tool_info: Some(ToolInfo {
                name: "compaction".to_owned(),
                args,
                tool_response: None,
                rest: Map::new(),
            }),
            ..self.entry(kind, &text, status, self.id("compaction-"))
        }
    }

    /// An identifier with a prefix.
    pub(super) fn id(&self, prefix: &str) -> String {
        format!("{prefix}{}", random_uuid(self.randomness))
    }

    /// The day: `2026-02-01`.
    pub(super) fn date(&self) -> String {
        let now = OffsetDateTime::from(self.clock.now());
        let (year, month, day) = now.to_calendar_date();
        format!("{year:04}-{:02}-{day:02}", u8::from(month))
    }

    fn entry(&self, kind: EntryKind, text: &str, status: EntryStatus, id: String) -> LogEntry {
        LogEntry {
            message_type: kind,
            message_sub_type: None,
            content: text.to_owned(),
            timestamp: timestamp(self.clock.now()),
            status: Some(status),
            correlation_id: self.correlation_id.map(ToOwned::to_owned),
            tool_info: None,
            additional_context: None,
            message_id: id,
            rest: Map::new(),
        }
    }
}

fn info(call: &Call) -> ToolInfo {
    ToolInfo {
        name: call.name.clone(),
        args: Value::Object(call.arguments.clone()),
        tool_response: None,
        rest: Map::new(),
    }
}

fn keep_characters(text: &str) -> &str {
    let end = text.char_indices().nth(RESPONSE).map(|(end, _)| end);
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

impl fmt::Debug for Scribe<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Scribe").finish_non_exhaustive()
    }
}

/// Characters of a tool's answer that clients are shown (agent-platform 4.9).
const RESPONSE: usize = 4096;
