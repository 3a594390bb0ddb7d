//! Behaviour from outside: one file per behaviour.

mod certificates;
mod support;
