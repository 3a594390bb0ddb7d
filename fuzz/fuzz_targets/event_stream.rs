//! Amazon's event streams: the same frames, or the same fault, however the bytes are cut, and none
//! that is larger than its bound. Bytes are read as they are, and as the inside of a frame whose
//! checksums are right, which hardly any bytes have by chance.
#![no_main]

use duogate::{
    foundation::CRC32,
    upstream::{EventStreamError, EventStreamFrame, EventStreamReader},
};
use libfuzzer_sys::fuzz_target;

fn read(bytes: &[u8], size: usize) -> Result<(Vec<EventStreamFrame>, bool), EventStreamError> {
    let mut reader = EventStreamReader::new(LIMIT);
    let mut frames = Vec::new();
    for piece in bytes.chunks(size) {
        reader.push(piece);
        while let Some(frame) = reader.next_frame()? {
            frames.push(frame);
        }
    }
    Ok((frames, reader.is_between_frames()))
}

fn judge(bytes: &[u8], size: usize) {
    let cut = read(bytes, size);
    assert_eq!(cut, read(bytes, bytes.len().max(1)));
    for frame in cut.map(|(frames, _)| frames).unwrap_or_default() {
        assert!(frame.payload.len() <= LIMIT);
        // bytes that are no UTF-8 become three each
        assert!(frame.name.len() <= 3 * LIMIT && frame.message.len() <= 3 * LIMIT);
    }
}

fn framed(content: &[u8], headers: usize) -> Vec<u8> {
    let mut bytes = u32::try_from(content.len() + 16).unwrap().to_be_bytes().to_vec();
    bytes.extend(u32::try_from(headers).unwrap().to_be_bytes());
    bytes.extend(CRC32.of(bytes.iter().copied()).to_be_bytes());
    bytes.extend(content);
    bytes.extend(CRC32.of(bytes.iter().copied()).to_be_bytes());
    bytes
}

fuzz_target!(|bytes: &[u8]| {
    let [size, headers, rest @ ..] = bytes else {
        return;
    };
    let size = usize::from(*size).max(1);
    judge(rest, size);
    let frame = framed(rest, usize::from(*headers));
    judge(&[frame.as_slice(), &frame, rest].concat(), size);
});

const LIMIT: usize = 512;
