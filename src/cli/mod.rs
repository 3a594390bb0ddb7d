//! The operator's commands.
//!
//! Reads the arguments, calls the rooms that do the work, and says the outcome in words and in
//! the exit code: 0 when all is well, 1 when there are problems, 2 when the command itself is
//! wrong. The only room that writes to the terminal; it must not know how things are found out, which is for `app`,
//! `inspect` or `config`.
//!
//! Limits: none of its own; every command ends by itself but `serve`.

mod arguments;
mod certificates;
mod configuration;
mod doctor;
mod documentation;
mod keys;
mod model_arguments;
mod run;
mod terminal;
mod troubleshoot;

pub use run::run;
