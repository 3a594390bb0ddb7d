//! Doors for the fuzz targets alone; nothing of it is in the server.

use super::frames::FrameFollower;

/// What following a WebSocket finds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// Where frames end.
    pub ends: Vec<usize>,
    /// True once a Close frame has begun.
    pub closed: bool,
}

/// Follows bytes that come in pieces of this length.
pub fn follow(bytes: &[u8], piece: usize) -> Followed {
    let (mut follower, mut followed) = (FrameFollower::default(), Followed::default());
    let mut position = 0;
    for mut piece in bytes.chunks(piece) {
        while !piece.is_empty() {
            let length = follower.follow(piece);
            assert!(length > 0, "it stands still at {position}");
            position += length;
            if follower.is_between_frames() {
                followed.ends.push(position);
            }
            piece = piece.get(length..).expect("no more than there is");
        }
    }
    followed.closed = follower.is_closed();
    followed
}
