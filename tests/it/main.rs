//! Behaviour from outside: one file per behaviour.
