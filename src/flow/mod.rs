//! The agent engine: what happens between a user's words and the next time it is the user's turn.
//!
//! A [`State`] is a session as it is stored: status, conversation, log. Its serde forms are the
//! channels that the official service stores, so that either resumes what the other began; keys
//! that nobody here reads are kept. What is done to the world goes through [`Tools`], who stores
//! the state and tells clients is an [`Observer`].
//!
//! A [`Turn`] takes the user's words into the state ([`Turn::begin`]), asks the model, carries out
//! what it wants, and asks again, until it is the user's turn ([`Turn::run`]). After each step the
//! state is one from which the next turn works, also where this one fails or is dropped.
//!
//! This room must not know gRPC, GitLab's API, tokens or how often clients are told. What people
//! say to a model, and what it does for them, reaches no log, no error and no `Debug` text.
//!
//! Limits: 600 steps of a turn; 256 calls of one answer (the model room's), 64 000 tokens of a
//! tool's answer; three more calls for an answer that cannot be used; of a conversation the model
//! reads what fits in seven tenths of its window.

mod agent;
mod agent_prompt;
mod agent_step;
mod call;
mod command;
mod compaction;
mod context_item;
mod context_usage;
mod conversation;
mod error;
mod exchange;
mod healing;
mod input;
mod limits;
mod log_entry;
mod message;
mod model_messages;
mod null;
mod observer;
mod offered;
mod scribe;
mod state;
mod status;
mod tools;
mod tools_step;
mod turn;

pub use agent::AgentDefinition;
pub use agent_prompt::Surroundings;
pub use call::{Call, InvalidCall};
pub use context_item::ContextItem;
pub use conversation::Conversation;
pub use error::FlowError;
pub use input::{Decision, TurnInput};
pub use limits::TurnLimits;
pub use log_entry::{EntryKind, EntryStatus, LogEntry, ToolInfo};
pub use message::{
    AiMessage, Content, HumanMessage, Message, ToolMessage, ToolStatus, UsageMetadata,
};
pub use observer::{Observer, Stop};
pub use scribe::Scribe;
pub use state::{Namespace, Plan, Project, Rejection, State};
pub use status::Status;
pub use tools::{ToolFailure, ToolOutcome, Tools};
pub use turn::{Entry, Turn};
