//! Tokens, claims and sets of keys are read or refused in peace, and what is accepted keeps the bounds.
#![no_main]

use duogate::access::fuzzing::{claims, key_set, token};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    token(bytes);
    claims(bytes);
    key_set(bytes);
});
