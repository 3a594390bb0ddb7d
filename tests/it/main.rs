//! Behaviour from outside: one file per behaviour.

mod configuration;
