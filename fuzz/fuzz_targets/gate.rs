//! The gate's scanners judge bytes the same way however they are cut, and never panic.
#![no_main]

use duogate::http::gate::{ChunkScanner, HeadLimits, HeadProgress, HeadScanner};
use libfuzzer_sys::fuzz_target;

const LIMITS: HeadLimits = HeadLimits {
    bytes: 65_536,
    fields: 200,
    target: 16_384,
};

fuzz_target!(|bytes: &[u8]| {
    let whole = head(bytes, bytes.len().max(1));
    let grown = head(bytes, 1);
    assert_eq!(
        whole.is_some(),
        grown.is_some(),
        "the cut changes what is accepted"
    );
    assert_eq!(whole, grown, "the cut changes where the head ends");
    let rest = bytes.get(whole.unwrap_or(0)..).unwrap_or_default();
    assert_eq!(
        chunks(rest, rest.len().max(1)),
        chunks(rest, 1),
        "the cut changes the body"
    );
});

/// Where the head ends, if it is complete and valid.
fn head(bytes: &[u8], step: usize) -> Option<usize> {
    let mut scanner = HeadScanner::new(LIMITS);
    let mut end = 0;
    while end < bytes.len() {
        end = (end + step).min(bytes.len());
        match scanner.advance(&bytes[..end]) {
            Ok(HeadProgress::Complete(head)) => return Some(head.length),
            Ok(HeadProgress::Incomplete) => {}
            Err(_) => return None,
        }
    }
    None
}

/// Whether the chunked body is valid as far as it goes, and whether it is complete.
fn chunks(bytes: &[u8], step: usize) -> Option<bool> {
    let mut scanner = ChunkScanner::new();
    for piece in bytes.chunks(step) {
        let mut piece = piece;
        while !piece.is_empty() && !scanner.is_done() {
            let passed = scanner.advance(piece).ok()?;
            if passed == 0 {
                break;
            }
            piece = &piece[passed..];
        }
        if scanner.is_done() {
            break;
        }
    }
    Some(scanner.is_done())
}
