//! Server-sent events of model servers: the same events however the bytes are cut, and none that is
//! larger than its bound.
#![no_main]

use duogate::upstream::{SseError, SseEvent, SseReader};
use libfuzzer_sys::fuzz_target;

fn read(bytes: &[u8], size: usize) -> Result<Vec<SseEvent>, SseError> {
    let mut reader = SseReader::new(LIMIT);
    let mut events = Vec::new();
    for piece in bytes.chunks(size) {
        reader.push(piece);
        while let Some(event) = reader.next_event()? {
            events.push(event);
        }
    }
    events.extend(reader.finish()?);
    Ok(events)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let cut = read(rest, usize::from(*first).max(1));
    let whole = read(rest, rest.len().max(1));
    // a line that is too long may be seen before an event that stands in the same piece
    if let (Ok(cut), Ok(whole)) = (&cut, &whole) {
        assert_eq!(cut, whole);
    }
    for event in cut.unwrap_or_default() {
        // bytes that are no UTF-8 become three each
        assert!(event.data.len() <= 3 * LIMIT + 2);
    }
});

const LIMIT: usize = 256;
