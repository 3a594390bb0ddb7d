//! The prompts that are built in.

/// Every file below `config/prompts`: its path there and its text.
pub(super) const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/prompts.rs"));
