//! What tools bring to agents, and flows that others wrote.
#![no_main]

use duogate::agent::fuzzing::{flow, tool_result};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    tool_result(text);
    flow(text);
});
