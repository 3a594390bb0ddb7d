//! The follower of WebSocket frames finds the same ends however the bytes are cut, and the ends
//! that a plain reading of RFC 6455 5.2 finds.
#![no_main]

use duogate::forward::fuzzing::{Followed, follow};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let plain = read(bytes);
    for piece in [bytes.len().max(1), 1, 3] {
        assert_eq!(follow(bytes, piece), plain, "in pieces of {piece}");
    }
});

fn read(bytes: &[u8]) -> Followed {
    let mut followed = Followed::default();
    let mut start: usize = 0;
    while let Some((length, close)) = frame(&bytes[start..]) {
        followed.closed |= close;
        let end = u64::try_from(start).unwrap().checked_add(length);
        match end.and_then(|end| usize::try_from(end).ok()) {
            Some(end) if end <= bytes.len() => {
                followed.ends.push(end);
                start = end;
            }
            _ => break,
        }
    }
    followed
}

/// The length of the first frame with its head, and whether it is a Close, once its head is whole.
fn frame(bytes: &[u8]) -> Option<(u64, bool)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let (head, payload) = match second & 0x7f {
        126 => (
            4,
            u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap())),
        ),
        127 => (
            10,
            u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap()),
        ),
        short => (2, u64::from(short)),
    };
    let head = head + mask;
    bytes.get(..head)?;
    Some((payload.saturating_add(head as u64), first & 0x0f == 8))
}
