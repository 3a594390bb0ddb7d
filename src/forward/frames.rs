//! Where the frames of a WebSocket begin and end, without touching them (RFC 6455 5.2).

use crate::foundation::Randomness;

/// Follows one direction of a WebSocket.
#[derive(Debug, Default)]
pub(super) struct FrameFollower {
    head: Head,
    payload_left: u64,
    closed: bool,
}

/// The head of a frame as far as it has come.
#[derive(Debug, Default)]
struct Head {
    bytes: [u8; LONGEST_HEAD],
    length: usize,
}

impl FrameFollower {
    /// Follows bytes up to the end of the current frame, and returns how many those are.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> usize {
        let mut position = 0;
        for byte in bytes {
            if self.payload_left > 0 {
                break;
            }
            position += 1;
            if let Some(payload) = self.head.push(*byte) {
                self.closed |= self.head.is_close();
                self.head = Head::default();
                self.payload_left = payload;
                if payload == 0 {
                    return position;
                }
            }
        }
        let rest = bytes.len() - position;
        let taken = usize::try_from(self.payload_left).map_or(rest, |left| left.min(rest));
        self.payload_left -= taken as u64;
        position + taken
    }

    /// True between two frames, where another one may be put in.
    pub(super) fn is_between_frames(&self) -> bool {
        self.payload_left == 0 && self.head.length == 0
    }

    /// True once a Close frame has passed: nothing may follow it.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }
}

impl Head {
    /// Takes one more byte; returns the length of the payload when the head is complete.
    fn push(&mut self, byte: u8) -> Option<u64> {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
        }
        self.length += 1;
        let [_, second, extended @ ..] = &self.bytes;
        if self.length < 2 {
            return None;
        }
        let length_bytes = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask_bytes = if second & 0x80 == 0 { 0 } else { 4 };
        if self.length < 2 + length_bytes + mask_bytes {
            return None;
        }
        Some(match length_bytes {
            0 => u64::from(second & 0x7f),
            bytes => extended
                .iter()
                .take(bytes)
                .fold(0, |length, byte| (length << 8) | u64::from(*byte)),
        })
    }

    fn is_close(&self) -> bool {
        let [first, ..] = self.bytes;
        first & 0x0f == OPCODE_CLOSE
    }
}

/// A Close frame with code 1001, "going away"; clients mask their frames, servers do not.
pub(super) fn going_away(mask: Option<&dyn Randomness>) -> Vec<u8> {
    let [high, low] = GOING_AWAY.to_be_bytes();
    let Some(randomness) = mask else {
        return vec![0x80 | OPCODE_CLOSE, 2, high, low];
    };
    let mut key = [0_u8; 4];
    randomness.fill(&mut key);
    let [first, second, third, fourth] = key;
    vec![
        0x80 | OPCODE_CLOSE,
        0x80 | 2,
        first,
        second,
        third,
        fourth,
        high ^ first,
        low ^ second,
    ]
}

/// Two bytes, eight of length, four of mask.
const LONGEST_HEAD: usize = 14;

/// The opcode of Close.
const OPCODE_CLOSE: u8 = 8;

/// The close code of a server that goes away (RFC 6455 7.4.1); the client may dial again.
const GOING_AWAY: u16 = 1001;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::SystemRandomness;

    fn frame(opcode: u8, masked: bool, length: usize) -> Vec<u8> {
        let bit = if masked { 0x80 } else { 0 };
        let mut frame = vec![0x80 | opcode];
        match length {
            0..=125 => frame.push(bit | u8::try_from(length).expect("short")),
            126..=65_535 => {
                frame.push(bit | 0x7e);
                frame.extend(u16::try_from(length).expect("medium").to_be_bytes());
            }
            _ => {
                frame.push(bit | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        if masked {
            frame.extend([1, 2, 3, 4]);
        }
        frame.extend(std::iter::repeat_n(0x88, length));
        frame
    }

    #[test]
    fn ends_are_found_however_the_bytes_are_cut() {
        let lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 3];
        let frames: Vec<_> = lengths
            .iter()
            .map(|length| frame(2, length % 2 == 1, *length))
            .collect();
        let stream = frames.concat();
        for piece in [1, 2, 7, 1000, stream.len()] {
            let mut follower = FrameFollower::default();
            let mut ends = Vec::new();
            let (mut position, mut rest) = (0, Vec::new());
            for bytes in stream.chunks(piece) {
                rest.extend_from_slice(bytes);
                while !rest.is_empty() {
                    let taken = follower.follow(&rest);
                    rest.drain(..taken);
                    position += taken;
                    if follower.is_between_frames() {
                        ends.push(position);
                    }
                }
            }
            let mut sum = 0;
            let expected: Vec<_> = frames
                .iter()
                .map(|frame| {
                    sum += frame.len();
                    sum
                })
                .collect();
            assert_eq!(ends, expected, "in pieces of {piece}");
            assert!(!follower.is_closed());
        }
    }

    #[test]
    fn close_frames_are_seen_and_made() {
        let masked = going_away(Some(&SystemRandomness));
        for bytes in [going_away(None), masked, frame(8, false, 0)] {
            let mut follower = FrameFollower::default();
            assert_eq!(follower.follow(&bytes), bytes.len());
            assert!(follower.is_between_frames() && follower.is_closed());
        }
        assert_eq!(going_away(None), [0x88, 2, 0x03, 0xe9]);
    }

    #[test]
    fn the_longest_length_does_not_overflow() {
        let mut follower = FrameFollower::default();
        let head = [0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        assert_eq!(follower.follow(&head), head.len());
        assert!(!follower.is_between_frames());
    }
}
