//! The parser of PROXY headers never panics, and a prefix of a header is never refused.
#![no_main]

use duogate::listener::proxy_header::{Parsed, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(whole) = parse(bytes) else { return };
    for end in 0..bytes.len() {
        let part = parse(&bytes[..end]);
        assert!(
            part.is_ok(),
            "a prefix of what is accepted was refused: {part:?}, {whole:?}"
        );
    }
    if let Parsed::Incomplete = whole {
        assert!(bytes.len() < 16 + 65_536, "more is wanted without a bound");
    }
});
