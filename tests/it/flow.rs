//! The agent engine as a library, against a model server over a socket: the state after each step,
//! what clients are shown, and what the model is told.

mod deciding;
mod failures;
mod golden;
mod long;
mod script;
mod session;
mod stored;
mod talking;
mod working;
