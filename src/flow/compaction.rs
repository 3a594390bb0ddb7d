//! Long conversations, made short: the older part becomes a summary (agent-platform 8.6).

use std::fmt::Write;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    AiMessage, Content, EntryStatus, FlowError, Message, State, Status,
    exchange::Reply,
    turn::{FEATURE, Next, Turn},
};
use crate::{
    model::{Message as ModelMessage, ModelError, ModelRequest, Purpose},
    prompt::{Role, estimate_tokens, keep_end, keep_start},
};

/// Who asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// The conversation outgrew the model's window.
    Auto,
    /// The user.
    Manual,
}

impl Turn<'_> {
    /// Shortens a conversation that outgrew the model's window. Where that fails, the turn goes on:
    /// what is too long is then left out of the request. `frame` is what the model reads beside the
    /// conversation, in tokens: were it not counted, the oldest part would be left out before it is
    /// summarized, and the summary with it.
    pub(super) async fn compact_if_long(
        &self,
        state: &mut State,
        frame: usize,
    ) -> Result<(), FlowError> {
        let messages = state.conversation.of(&self.agent.name);
        let family = self.target.family();
        let tokens = state.conversation.tokens_with(&self.agent.name, frame);
        if messages.len() <= FEW || tokens <= family.conversation_tokens() {
            return Ok(());
        }
        let from = recent(
            messages,
            KEPT_TOKENS.min(family.max_context_tokens as usize / 3),
        );
        let Some(older) = messages.get(..from).filter(|older| older.len() > 1) else {
            return Ok(());
        };
        let request = self.summary_request(AUTO, older, "")?;
        match self.summary(&request).await {
            Ok(summary) if !summary.is_empty() => {
                self.replace(state, from, &summary, Trigger::Auto);
                Ok(self.observer.step(state).await?)
            }
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(
                    error = error.log(),
                    "a conversation could not be summarized"
                );
                Ok(())
            }
        }
    }

    /// `/compact`: all that was said becomes a summary, and it is the user's turn.
    pub(super) async fn compact(&self, state: &mut State, words: &str) -> Result<Next, FlowError> {
        let messages = state.conversation.of(&self.agent.name);
        let all = messages.len().saturating_sub(1);
        let older = messages.get(..all).unwrap_or_default();
        let text = if older.is_empty() {
            NOTHING
        } else {
            let request = self.summary_request(MANUAL, older, words)?;
            self.observer.before_model_call().await?;
            let summary = self.summary(&request).await?;
            if summary.is_empty() {
                return self.give_up(state, Vec::new(), FAILED).await;
            }
            // the command goes too: it was carried out
            self.replace(state, messages.len(), &summary, Trigger::Manual);
            DONE
        };
        let id = self.scribe.id("msg_");
        let said = Message::Ai(AiMessage {
            content: Content::from(text),
            id: Some(id.clone()),
            ..AiMessage::default()
        });
        state.conversation.of_mut(&self.agent.name).push(said);
        state
            .log
            .push(self.scribe.agent(text, EntryStatus::Success, &id));
        self.wait(state, Status::InputRequired).await?;
        Ok(Next::User)
    }

    async fn summary(&self, request: &ModelRequest) -> Result<Reply, ModelError> {
        let began = Instant::now();
        let summary = self.attempt(request, None).await;
        let is_done = summary.as_ref().is_ok_and(|summary| !summary.is_empty());
        self.observer
            .compacted(&self.agent.name, began.elapsed(), is_done);
        summary
    }

    fn summary_request(
        &self,
        id: &str,
        older: &[Message],
        instructions: &str,
    ) -> Result<ModelRequest, FlowError> {
        let family = self.target.family();
        let folders: Vec<&str> = family.folders.iter().map(String::as_str).collect();
        let prompt = self.prompts.find(id, &folders, None)?;
        let room = family.conversation_tokens();
        let mut inputs = Map::new();
        inputs.insert("conversation".to_owned(), transcript(older, room).into());
        inputs.insert("instructions".to_owned(), Value::from(instructions));
        let turns = prompt.render(&inputs)?;
        let messages = turns.into_iter().map(|turn| match turn.role {
            Role::System => ModelMessage::System(turn.text),
            Role::User => ModelMessage::User(turn.text),
            Role::Assistant => ModelMessage::assistant(turn.text),
        });
        let longest = prompt.sampling.max_tokens;
        Ok(ModelRequest {
            messages: messages.collect(),
            temperature: prompt.sampling.temperature,
            max_tokens: longest.map(|longest| longest.min(family.answer_tokens())),
            stream: true,
            purpose: Purpose::new(FEATURE, &prompt.unit_primitive),
            ..ModelRequest::default()
        })
    }

    /// Puts a summary in the place of the messages before a place, and tells people so.
    fn replace(&self, state: &mut State, from: usize, summary: &Reply, trigger: Trigger) {
        let (input, output) = summary.tokens();
        let text = format!("{SUMMARY}{}", summary.text.trim());
        let messages = state.conversation.of_mut(&self.agent.name);
        let from = from.min(messages.len());
        messages.splice(..from, [Message::human(text, &[])]);
        for message in messages {
            // the server counted what is gone
            if let Message::Ai(message) = message {
                message.usage_metadata = None;
            }
        }
        // the command that asked for it is none of what was summarized
        let count = from - usize::from(trigger == Trigger::Manual);
        let entry = self.scribe.compaction(trigger, count, input, output);
        state.log.push(entry);
    }
}

/// Where the messages begin that stay as they are; never between a call and its answer.
fn recent(messages: &[Message], tokens: usize) -> usize {
    let mut taken = 0;
    let newest = messages.iter().enumerate().rev().take(FEW);
    let fitting = newest.take_while(|(_, message)| {
        taken += estimate_tokens(&message.text());
        taken <= tokens
    });
    let mut from = fitting.last().map_or(messages.len(), |(at, _)| at);
    from = from.min(messages.len().saturating_sub(1));
    while from > 0 && matches!(messages.get(from), Some(Message::Tool(_))) {
        from -= 1;
    }
    from
}

/// A conversation as one text within a number of tokens, its newest part.
fn transcript(messages: &[Message], tokens: usize) -> String {
    let mut text = String::new();
    for message in messages {
        let who = match message {
            Message::Human(_) => "User".to_owned(),
            Message::Ai(_) => "Agent".to_owned(),
            Message::Tool(message) => {
                format!("Tool {}", message.name.as_deref().unwrap_or_default())
            }
            Message::Other(_) => continue,
        };
        let said = message.text();
        if !said.is_empty() {
            let _ = writeln!(text, "{who}: {}", keep_start(&said, LONGEST));
        }
        if let Message::Ai(message) = message {
            for call in &message.tool_calls {
                let arguments = Value::Object(call.arguments.clone()).to_string();
                let arguments = keep_start(&arguments, LONGEST);
                let _ = writeln!(text, "Agent calls {}: {arguments}", call.name);
            }
        }
    }
    keep_end(text.trim_end(), tokens).to_owned()
}

/// A conversation of so few messages is not summarized, and so many stay (agent-platform 8.6).
const FEW: usize = 10;

/// Tokens that stay at most (agent-platform 8.6); less where the window is small.
const KEPT_TOKENS: usize = 40_000;

/// Tokens of one message that a summary is made of: a file that was read is not worth more.
const LONGEST: usize = 4000;

const AUTO: &str = "conversation_compaction";

const MANUAL: &str = "conversation_compaction_manual";

/// What the agent reads before a summary.
const SUMMARY: &str = "Summary of the conversation so far:\n\n";

const DONE: &str = "The conversation so far was summarized. The next answers build on the summary.";

const NOTHING: &str = "There is nothing to summarize yet.";

const FAILED: &str = "The model gave no summary. The conversation is as it was; please try again.";
