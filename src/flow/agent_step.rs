//! The step in which the model is asked.

use super::{
    AiMessage, Content, EntryStatus, FlowError, InvalidCall, Message, State, Status, ToolStatus,
    agent_prompt::AgentPrompt,
    command::Command,
    exchange::Reply,
    model_messages::model_messages,
    offered::Offered,
    turn::{FEATURE, Next, Turn},
};
use crate::{
    model::{ModelRequest, Purpose},
    prompt::estimate_tokens,
};

impl Turn<'_> {
    /// Asks the model, if there is something to ask, and takes its answer into the state.
    pub(super) async fn agent_step(
        &self,
        state: &mut State,
        offered: &Offered,
    ) -> Result<Next, FlowError> {
        let messages = state.conversation.of(&self.agent.name);
        match messages.last() {
            None | Some(Message::Ai(_)) => {
                self.wait(state, Status::InputRequired).await?;
                return Ok(Next::User);
            }
            Some(Message::Human(last)) => {
                let words = last.content.text().into_owned();
                match Command::read(&words) {
                    Command::Unknown(name) => {
                        let text = format!("The command '/{name}' does not exist.");
                        return self.give_up(state, Vec::new(), &text).await;
                    }
                    Command::Compact(words) => return self.compact(state, words).await,
                    Command::None | Command::Task(..) => {}
                }
            }
            Some(_) => {}
        }
        let date = self.scribe.date();
        let family = self.target.family();
        let (agent, surroundings) = (self.agent, self.surroundings);
        let prompt = AgentPrompt::find(self.prompts, family, agent, surroundings, date, state)?;
        let frame = estimate_tokens(&prompt.system) + offered.tokens;
        self.compact_if_long(state, frame).await?;
        // what came of answers that could not be used, for the model alone
        let mut corrections = Vec::new();
        for _ in 0..=CORRECTIONS {
            let id = self.scribe.id("msg_");
            let messages = state.conversation.of(&self.agent.name);
            let said = messages.iter().chain(&corrections);
            let mut reply = self.reply(&prompt, said, offered, &id).await?;
            reply.invalidate(|name| !offered.has(name));
            if reply.is_empty() {
                continue;
            }
            if reply.invalid.is_empty() {
                return self.take(state, corrections, reply, &id).await;
            }
            corrections.extend(correction(reply.into_message(&id)));
        }
        let text = if corrections.is_empty() {
            SILENT
        } else {
            CLUMSY
        };
        self.give_up(state, corrections, text).await
    }

    /// The model's answer. What turns out to be longer than its window is cut once more, since
    /// tokens are only estimated.
    async fn reply<'m>(
        &self,
        prompt: &AgentPrompt<'_>,
        said: impl Iterator<Item = &'m Message> + Clone,
        offered: &Offered,
        id: &str,
    ) -> Result<Reply, FlowError> {
        let family = self.target.family();
        let room = family.conversation_tokens();
        let room = room.saturating_sub(offered.tokens);
        let sampling = &prompt.prompt.sampling;
        let longest = self.limits.max_tokens.or(sampling.max_tokens);
        let mut request = ModelRequest {
            messages: model_messages(prompt, said.clone(), room)?,
            tools: offered.tools.clone(),
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            top_k: sampling.top_k,
            max_tokens: longest.map(|longest| longest.min(family.answer_tokens())),
            stop: sampling.stop.clone(),
            stream: true,
            purpose: Purpose::new(FEATURE, &prompt.prompt.unit_primitive),
        };
        match self.ask(&request, id).await {
            Err(FlowError::Model(error)) if error.is_prompt_too_long() => {
                request.messages = model_messages(prompt, said, room / 2)?;
                self.ask(&request, id).await
            }
            other => other,
        }
    }

    /// Takes an answer into the state.
    async fn take(
        &self,
        state: &mut State,
        corrections: Vec<Message>,
        mut reply: Reply,
        id: &str,
    ) -> Result<Next, FlowError> {
        // before anybody reads, approves or carries out a call
        for call in &mut reply.calls {
            let fixed = self.agent.fixed(&call.name).cloned();
            call.arguments.extend(fixed.unwrap_or_default());
        }
        if !reply.text.trim().is_empty() {
            let entry = self.scribe.agent(&reply.text, EntryStatus::Success, id);
            state.log.push(entry);
        }
        let mut needs_approval = false;
        for call in &reply.calls {
            let is_free = state.preapproved_tools.contains(&call.name);
            if !is_free && self.tools.needs_approval(call).await {
                needs_approval = true;
                let patterns = self.tools.suggested_patterns(call);
                state.log.push(self.scribe.request(call, patterns));
            }
        }
        let (status, next) = match (reply.calls.is_empty(), needs_approval) {
            (true, _) => (Status::InputRequired, Next::User),
            (false, true) => (Status::ToolCallApprovalRequired, Next::User),
            (false, false) => (Status::Execution, Next::Tools),
        };
        let messages = state.conversation.of_mut(&self.agent.name);
        messages.extend(corrections);
        messages.push(Message::Ai(reply.into_message(id)));
        self.wait(state, status).await?;
        Ok(next)
    }

    /// Says in the model's place why there is no answer.
    pub(super) async fn give_up(
        &self,
        state: &mut State,
        corrections: Vec<Message>,
        text: &str,
    ) -> Result<Next, FlowError> {
        let id = self.scribe.id("msg_");
        let messages = state.conversation.of_mut(&self.agent.name);
        messages.extend(corrections);
        messages.push(Message::Ai(AiMessage {
            content: Content::from(text),
            id: Some(id.clone()),
            ..AiMessage::default()
        }));
        let entry = self.scribe.agent(text, EntryStatus::Failure, &id);
        state.log.push(entry);
        self.wait(state, Status::InputRequired).await?;
        Ok(Next::User)
    }
}

/// An answer with calls that cannot be carried out, and what the model is told of each of its
/// calls. The others do not run either: they were meant together.
fn correction(message: AiMessage) -> Vec<Message> {
    let calls = message.tool_calls.iter();
    let calls = calls.map(|call| (&call.id, &call.name, NOT_RUN.to_owned()));
    let invalid = message.invalid_tool_calls.iter();
    let invalid = invalid.map(|call| (&call.id, &call.name, reason(call)));
    let answers = calls
        .chain(invalid)
        .map(|(id, name, text)| Message::tool(id, name, text, ToolStatus::Error));
    let answers: Vec<Message> = answers.collect();
    let mut messages = vec![Message::Ai(message)];
    messages.extend(answers);
    messages
}

fn reason(call: &InvalidCall) -> String {
    let error = call.error.as_deref().unwrap_or("the call is malformed");
    format!(
        "While processing your request, GitLab Duo Chat encountered a problem making a call to \
         the {} tool. It was not run: {error}. Call it again with arguments that are one complete \
         JSON object of the tool's schema, or go on without it.",
        call.name
    )
}

/// Calls after the first one for an answer that can be used (agent-platform 3.15).
const CORRECTIONS: u32 = 3;

/// For the model, of a call beside one that is none.
const NOT_RUN: &str =
    "Not run, because another call of the same message was malformed. Call it again.";

/// The model never says a word.
const SILENT: &str = "The model gave an empty answer several times. Please try again.";

/// The model cannot write a call.
const CLUMSY: &str = "The model tried several times to use a tool in a way that does not work. \
    Please say it in other words, or try again.";
