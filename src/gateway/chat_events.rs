//! The lines that the chat answers in: one JSON object each, ASCII, with Python's spaces and never
//! a raw line break, for Rails searches them with a regular expression (models-and-prompts 5.5).

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    prompts::usage_of,
    react::{Outcome, React},
    spaced_json::spaced_json,
};
use crate::model::{FinishReason, ModelError, Usage};

/// One answer of a model as events for GitLab.
#[derive(Debug)]
pub(super) struct ChatEvents {
    react: React,
    /// Tools that the model may choose.
    offered: Vec<&'static str>,
    /// The key under `usage`.
    model: String,
    finish: FinishReason,
    /// By which the log's lines of a request are found.
    correlation_id: String,
}

impl ChatEvents {
    /// Before the first piece.
    pub(super) fn new(offered: Vec<&'static str>, correlation_id: &str) -> Self {
        Self {
            react: React::new(),
            offered,
            model: String::new(),
            finish: FinishReason::Unknown,
            correlation_id: correlation_id.to_owned(),
        }
    }

    /// Which model answers.
    pub(super) fn of_model(mut self, model: &str) -> Self {
        model.clone_into(&mut self.model);
        self
    }

    /// Whether nothing more counts, whatever the model writes.
    pub(super) fn is_ended(&self) -> bool {
        self.react.is_ended()
    }

    /// Takes a piece of the model's text.
    pub(super) fn text(&mut self, text: &str) -> Option<Bytes> {
        let text = self.react.push(text);
        (!text.is_empty()).then(|| answer(&text, None))
    }

    /// Why the model stopped.
    pub(super) fn stopped(&mut self, reason: FinishReason) {
        self.finish = reason;
    }

    /// The last lines of an answer that came to its end.
    pub(super) fn end(&mut self, usage: Option<&Usage>) -> Bytes {
        let react = std::mem::replace(&mut self.react, React::new());
        let is_guarded = self.finish == FinishReason::Guardrail;
        let (event, failed) = match react.finish() {
            Outcome::Answered => (self.end_of_answer(is_guarded), false),
            Outcome::Action { tool, .. } if !self.offered.contains(&tool.as_str()) => {
                // words that Rails looks for
                (error("tool not available", false), true)
            }
            Outcome::Action {
                tool,
                tool_input,
                thought,
            } => {
                tracing::info!(
                    target: "duogate::api",
                    correlation_id = self.correlation_id,
                    "duo_chat.agent_tool_action" = tool,
                    "the chat wants a tool"
                );
                (action(&tool, &tool_input, &thought), false)
            }
            Outcome::Unknown(text) if is_guarded => (unknown(&(text + GUARDED)), false),
            Outcome::Unknown(text) => (unknown(&text), false),
            Outcome::Empty if is_guarded => (unknown(GUARDED.trim_start()), false),
            Outcome::Empty => (error(self.why_empty(), false), true),
        };
        let usage = usage.filter(|_| !failed).map(|usage| {
            let usage = usage_of(&self.model, usage);
            line("usage", &json!({ "usage": usage }))
        });
        [event, usage.unwrap_or_default()].concat().into()
    }

    /// The last line where the model failed.
    pub(super) fn failed(failure: &ModelError) -> Bytes {
        let mut message = failure.wire();
        // words that Rails looks for, whatever the server said
        if failure.code() == 413 && !failure.is_prompt_too_long() {
            message += ": prompt is too long";
        }
        error(&message, failure.is_overloaded())
    }

    fn end_of_answer(&self, is_guarded: bool) -> Bytes {
        match self.finish {
            FinishReason::Unknown => Bytes::new(),
            _ if is_guarded => answer(GUARDED, Some(self.finish)),
            reason => answer("", Some(reason)),
        }
    }

    fn why_empty(&self) -> &'static str {
        match self.finish {
            FinishReason::Length => {
                "the model reached its longest answer before it said anything; it may think too long"
            }
            FinishReason::ContentFilter => {
                "a content filter of the model server held the answer back"
            }
            _ => "the model gave an empty answer",
        }
    }
}

fn answer(text: &str, reason: Option<FinishReason>) -> Bytes {
    let reason = reason.map(FinishReason::as_str);
    line(
        "final_answer_delta",
        &json!({ "text": text, "finish_reason": reason }),
    )
}

fn action(tool: &str, tool_input: &str, thought: &str) -> Bytes {
    line(
        "action",
        &json!({ "tool": tool, "tool_input": tool_input, "thought": thought }),
    )
}

fn unknown(text: &str) -> Bytes {
    line("unknown", &json!({ "text": text }))
}

fn error(message: &str, retryable: bool) -> Bytes {
    line(
        "error",
        &json!({ "message": message, "retryable": retryable }),
    )
}

fn line(kind: &str, data: &Value) -> Bytes {
    let event = json!({ "type": kind, "data": data });
    format!("{}\n", spaced_json(&event)).into()
}

/// Follows what the model said.
const GUARDED: &str = "\n\n> **Note:** a guardrail of the model's provider stepped in, so this answer \
                       may be blocked, cut or changed. If you did not expect that, word the question \
                       differently, or ask your administrator.";

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&str], finish: FinishReason, usage: bool) -> String {
        let mut events = ChatEvents::new(vec!["issue_reader"], "one").of_model("x");
        let mut all = Vec::new();
        for piece in pieces {
            all.extend(events.text(piece).unwrap_or_default());
        }
        events.stopped(finish);
        let usage = usage.then_some(Usage {
            input_tokens: 7,
            output_tokens: 5,
        });
        all.extend(events.end(usage.as_ref()));
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn events_are_written_byte_by_byte_as_python_writes_them() {
        assert_eq!(
            lines(
                &["Final Answer: he", "l\"l\né🙂\u{7f}"],
                FinishReason::Stop,
                true
            ),
            "{\"type\": \"final_answer_delta\", \"data\": {\"text\": \"he\", \"finish_reason\": null}}\n\
             {\"type\": \"final_answer_delta\", \"data\": {\"text\": \
             \"l\\\"l\\n\\u00e9\\ud83d\\ude42\u{7f}\", \"finish_reason\": null}}\n\
             {\"type\": \"final_answer_delta\", \"data\": {\"text\": \"\", \"finish_reason\": \"stop\"}}\n\
             {\"type\": \"usage\", \"data\": {\"usage\": {\"x\": {\"input_tokens\": 7, \
             \"output_tokens\": 5}}}}\n"
        );
        assert_eq!(
            lines(
                &["Thought: t\nAction: issue_reader\nAction", " Input: i"],
                FinishReason::Stop,
                true
            ),
            "{\"type\": \"action\", \"data\": {\"tool\": \"issue_reader\", \"tool_input\": \"i\", \
             \"thought\": \"t\"}}\n\
             {\"type\": \"usage\", \"data\": {\"usage\": {\"x\": {\"input_tokens\": 7, \
             \"output_tokens\": 5}}}}\n"
        );
    }

    #[test]
    fn what_is_no_answer_is_told() {
        let refused = "{\"type\": \"error\", \"data\": {\"message\": \"tool not available\", \
                       \"retryable\": false}}\n";
        let action = "Action: epic_reader\nAction Input: i";
        assert_eq!(lines(&[action], FinishReason::Stop, true), refused);
        let empty = lines(&[" "], FinishReason::Length, true);
        assert!(
            empty.contains("\"error\"") && empty.lines().count() == 1,
            "{empty}"
        );
        let plain = lines(&["Hi"], FinishReason::Unknown, false);
        assert_eq!(
            plain,
            "{\"type\": \"unknown\", \"data\": {\"text\": \"Hi\"}}\n"
        );
    }

    #[test]
    fn a_guardrail_is_told_behind_what_was_said() {
        for (text, kind) in [
            ("Final Answer: x", "final_answer_delta"),
            ("Blocked.", "unknown"),
            ("", "unknown"),
        ] {
            let told = lines(&[text], FinishReason::Guardrail, false);
            let last = told.lines().last().unwrap();
            let last: Value = serde_json::from_str(last).unwrap();
            assert_eq!(last["type"], kind);
            let text = last["data"]["text"].as_str().unwrap();
            assert!(
                text.contains("a guardrail of the model's provider"),
                "{text}"
            );
        }
    }
}
