//! What model servers of every provider answer: whole answers and streams, read to the same events
//! however they are cut.
#![no_main]

use duogate::model::fuzzing::{stream, whole};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    whole(bytes);
    stream(bytes, 1 + bytes.len() % 13);
});
