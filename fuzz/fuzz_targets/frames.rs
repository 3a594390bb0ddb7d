//! The watch over HTTP/2 frames sees the same frames however the bytes are cut, and never panics.
#![no_main]

use duogate::http::fuzzing::watch_frames;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let whole = watch_frames(bytes, bytes.len().max(1));
    for piece in [1, 7, 10] {
        assert_eq!(watch_frames(bytes, piece), whole, "in pieces of {piece}");
    }
    // what is reported lies in what was sent
    let heads = whole.frames.len() * 9 + if whole.frames.is_empty() { 0 } else { 24 };
    assert!(heads <= bytes.len(), "more frames than bytes");
});
