//! From a user's words to the user's next turn (agent-platform 3.15).

use std::fmt;

use super::{
    AgentDefinition, Decision, FlowError, Message, Observer, Scribe, State, Status, Surroundings,
    Tools, TurnInput, TurnLimits,
    healing::{self, heal},
};
use crate::{
    model::{Models, Target},
    prompt::Prompts,
};

/// One turn of a session. First [`Self::begin`], whose state the observer may store as the graph's
/// input; then [`Self::run`].
pub struct Turn<'a> {
    /// Who talks.
    pub agent: &'a AgentDefinition,
    /// Where the agent works.
    pub surroundings: &'a Surroundings,
    /// Asks the model.
    pub models: &'a Models,
    /// Which model.
    pub target: &'a Target,
    /// What it is asked.
    pub prompts: &'a Prompts,
    /// What it may have done.
    pub tools: &'a dyn Tools,
    /// Who follows.
    pub observer: &'a dyn Observer,
    /// Writes what people read.
    pub scribe: Scribe<'a>,
    /// What bounds it.
    pub limits: TurnLimits,
}

/// Where a turn begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The agent's: the model is asked, if there is something to ask.
    Agent,
    /// The user has agreed: the calls that wait are carried out.
    Tools,
    /// A client came back without a decision: the calls go on waiting for one.
    Waiting,
}

/// What follows a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The calls of the last message are carried out.
    Tools,
    /// It is the user's turn.
    User,
}

impl Turn<'_> {
    /// Takes an event of the user's into the state. Every call of the past has an answer then, but
    /// for those that are carried out or wait next.
    pub fn begin(&self, state: &mut State, input: TurnInput) -> Entry {
        let messages = state.conversation.of_mut(&self.agent.name);
        let is_new = messages.is_empty() && state.status == Status::NotStarted;
        let is_waiting = state.status == Status::ToolCallApprovalRequired;
        if is_new {
            state.goal = Some(input.goal.clone());
        } else {
            state.status = Status::Execution;
        }
        state.preapproved_tools = input.preapproved_tools;
        state.denied_tools = input.denied_tools;
        state.project = input.project.or(state.project.take());
        state.namespace = input.namespace.or(state.namespace.take());
        let stored = state.rejection.take();
        let goal = input.goal.trim();
        let (last, words) = match input.decision {
            Some(Decision::Approve) if healing::has_open_calls(messages) => return Entry::Tools,
            Some(Decision::Approve) => (healing::INTERRUPTED.to_owned(), goal),
            Some(Decision::Reject(comment)) => {
                return self.reject(state, comment.as_deref().and_then(said));
            }
            None if goal.is_empty() && is_waiting && healing::has_open_calls(messages) => {
                return Entry::Waiting;
            }
            None => match stored {
                Some(rejection) => (refusal(rejection.message.as_deref()), goal),
                None if goal.is_empty() => (healing::INTERRUPTED.to_owned(), goal),
                None => (healing::TALKED_OVER.to_owned(), goal),
            },
        };
        heal(messages, &last);
        if !words.is_empty() {
            messages.push(Message::human(&*input.goal, &input.context));
            state
                .log
                .push(self.scribe.user(&input.goal, &input.context));
        }
        Entry::Agent
    }

    /// Runs until it is the user's turn. Dropping the future ends the call of a model or a tool
    /// that is under way and leaves the state of the last step, as a failure does.
    pub async fn run(&self, state: &mut State, entry: Entry) -> Result<(), FlowError> {
        let mut next = match entry {
            Entry::Waiting => return self.wait(state, Status::ToolCallApprovalRequired).await,
            Entry::Tools => Some(Next::Tools),
            Entry::Agent => None,
        };
        let offered = self.offered(state);
        for _ in 0..self.limits.steps {
            next = match next {
                None => Some(self.agent_step(state, &offered).await?),
                Some(Next::Tools) => {
                    self.tools_step(state, &offered).await?;
                    None
                }
                Some(Next::User) => return Ok(()),
            };
        }
        match next {
            Some(Next::User) => Ok(()),
            _ => Err(FlowError::TooManySteps(self.limits.steps)),
        }
    }

    /// Ends a turn without anything having been done.
    pub(super) async fn wait(&self, state: &mut State, status: Status) -> Result<(), FlowError> {
        state.status = status;
        Ok(self.observer.step(state).await?)
    }

    fn reject(&self, state: &mut State, comment: Option<&str>) -> Entry {
        let messages = state.conversation.of_mut(&self.agent.name);
        let is_open = healing::has_open_calls(messages);
        heal(messages, &refusal(comment));
        if let Some(comment) = comment {
            // without calls to refuse, the words are all there is
            if !is_open {
                messages.push(Message::human(comment, &[]));
            }
            state.log.push(self.scribe.user(comment, &[]));
        }
        Entry::Agent
    }
}

/// What a comment says; GitLab's pages write none as the word null.
fn said(comment: &str) -> Option<&str> {
    let comment = comment.trim();
    (!comment.is_empty() && comment != "null").then_some(comment)
}

/// What the model reads in the place of an answer.
fn refusal(comment: Option<&str>) -> String {
    match comment.and_then(said) {
        Some(comment) => healing::rejected_with(comment),
        None => healing::REJECTED.to_owned(),
    }
}

impl fmt::Debug for Turn<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Turn")
            .field("agent", &self.agent)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// In metrics: what agents ask of models.
pub(super) const FEATURE: &str = "duo_agent_platform";
