//! Behaviour from outside: one file per behaviour.

mod command_line;
mod commands;
mod configuration;
mod configuration_problems;
