//! What callers of the built-in gateway send, and what models write: bodies are read or refused,
//! paths are looked up, and code is cleaned and the chat's form read to the same result however the
//! text is cut.
#![no_main]

use duogate::gateway::fuzzing::{body, chat, cleaning, path};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    body(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    path(text);
    cleaning(text, bytes.len() % 7);
    chat(text, bytes.len() % 11);
});
