//! One call of a model: its text passed on as it comes, its calls judged.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::Instant;

use super::{
    AiMessage, Call, Content, FlowError, InvalidCall, LogEntry, UsageMetadata, turn::Turn,
};
use crate::model::{Event, FinishReason, ModelError, ModelRequest, ToolCall, Usage};

/// What a model said, to its end. It belongs to no log, so it has no `Debug`.
#[derive(Default)]
pub(super) struct Reply {
    pub(super) text: String,
    pub(super) calls: Vec<Call>,
    /// Calls that cannot be carried out as they are.
    pub(super) invalid: Vec<InvalidCall>,
    usage: Option<Usage>,
}

impl Turn<'_> {
    /// Asks for an answer that people read as it comes.
    pub(super) async fn ask(&self, request: &ModelRequest, id: &str) -> Result<Reply, FlowError> {
        self.observer.before_model_call().await?;
        Ok(self.attempt(request, Some(id)).await?)
    }

    /// Asks until there is an answer or a failure that stays. The pauses are part of a budget that
    /// is shorter than a user's patience (agent-platform 8.5, 13). People read the answer as it
    /// comes where it has the `id` of an entry.
    pub(super) async fn attempt(
        &self,
        request: &ModelRequest,
        id: Option<&str>,
    ) -> Result<Reply, ModelError> {
        let began = Instant::now();
        let mut pause = self.limits.first_pause;
        for _ in 0..RETRIES {
            match self.hear(request, id).await {
                Ok(reply) => return Ok(reply),
                Err(error) if error.may_pass() && began.elapsed() + pause < RETRYING => {
                    tracing::debug!(error = error.log(), "a turn asks its model once more");
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.hear(request, id).await
    }

    async fn hear(&self, request: &ModelRequest, id: Option<&str>) -> Result<Reply, ModelError> {
        let budget = self.limits.budget();
        self.observer.calls(&[]);
        let asked = self.models.ask(self.target, request.clone(), budget);
        let mut answer = asked.await?;
        let mut hearing = Hearing::new(self.scribe.streamed(id.unwrap_or_default()));
        let mut begun = Vec::new();
        while let Some(event) = answer.next().await {
            let event = event?;
            if let (Event::ToolCall { id, name, .. }, Some(_)) = (&event, id) {
                begun.push(self.scribe.begun(id, name));
                self.observer.calls(&begun);
            }
            if hearing.take(event) && id.is_some() {
                self.observer.text(&hearing.entry);
            }
        }
        Ok(hearing.end())
    }
}

/// An answer as far as it has come.
struct Hearing {
    /// What people read of it.
    entry: LogEntry,
    calls: Vec<(usize, ToolCall)>,
    usage: Option<Usage>,
    finish: FinishReason,
}

impl Hearing {
    fn new(entry: LogEntry) -> Self {
        Self {
            entry,
            calls: Vec::new(),
            usage: None,
            finish: FinishReason::Unknown,
        }
    }

    /// Whether people have more to read.
    fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Text(text) => {
                self.entry.content.push_str(&text);
                return !self.entry.content.trim().is_empty();
            }
            Event::ToolCall { index, id, name } => {
                let arguments = String::new();
                let call = ToolCall {
                    id,
                    name,
                    arguments,
                };
                self.calls.push((index, call));
            }
            Event::Arguments { index, text } => {
                let mut calls = self.calls.iter_mut().rev();
                if let Some((_, call)) = calls.find(|(known, _)| *known == index) {
                    call.arguments.push_str(&text);
                }
            }
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Finish(reason) => self.finish = reason,
            Event::Reasoning(_) => {}
        }
        false
    }

    /// Judges the calls. An answer that met its bound of tokens was cut, and so was its last call.
    fn end(self) -> Reply {
        let mut reply = Reply {
            text: self.entry.content,
            usage: self.usage,
            ..Reply::default()
        };
        let count = self.calls.len();
        for (at, (_, mut call)) in self.calls.into_iter().enumerate() {
            if call.arguments.trim().is_empty() {
                "{}".clone_into(&mut call.arguments);
            }
            let judged = if self.finish == FinishReason::Length && at + 1 == count {
                let reason = "the answer was cut at its bound of tokens";
                Err(Box::new(InvalidCall::of(call, reason)))
            } else {
                Call::judge(call)
            };
            match judged {
                Ok(call) => reply.calls.push(call),
                Err(invalid) => reply.invalid.push(*invalid),
            }
        }
        reply
    }
}

impl Reply {
    /// Takes out the calls of tools that do not exist.
    pub(super) fn invalidate(&mut self, is_unknown: impl Fn(&str) -> bool) {
        for call in self.calls.extract_if(.., |call| is_unknown(&call.name)) {
            self.invalid.push(InvalidCall {
                name: call.name,
                arguments: call.arguments.into(),
                id: call.id,
                error: Some("there is no such tool".to_owned()),
            });
        }
    }

    /// Nothing that anybody could read or carry out.
    pub(super) fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && self.calls.is_empty() && self.invalid.is_empty()
    }

    /// Tokens read and said, as far as the server counts them.
    pub(super) fn tokens(&self) -> (u64, u64) {
        let usage = self.usage.unwrap_or_default();
        (usage.input_tokens, usage.output_tokens)
    }

    /// As the conversation keeps it.
    pub(super) fn into_message(self, id: &str) -> AiMessage {
        let usage = self.usage.map(|usage| UsageMetadata {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            total_tokens: usage.input_tokens + usage.output_tokens,
            ..UsageMetadata::default()
        });
        AiMessage {
            content: Content::Text(self.text),
            id: Some(id.to_owned()),
            tool_calls: self.calls,
            invalid_tool_calls: self.invalid,
            usage_metadata: usage,
            ..AiMessage::default()
        }
    }
}

/// After the first attempt (agent-platform 8.5); each has the attempts of the model room.
const RETRIES: u32 = 3;

/// No attempt begins later: the reference lets its users wait for 45 s.
const RETRYING: Duration = Duration::from_secs(12);
