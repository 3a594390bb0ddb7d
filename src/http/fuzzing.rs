//! Doors for the fuzz targets alone; nothing of it is in the server.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;
use tokio::time::Instant;

use super::{
    client_address,
    frames::{Counts, Scanner},
};
use crate::config::Limits;

/// What the watch of HTTP/2 frames makes of bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct WatchedFrames {
    /// Type, flags and length of each frame that began.
    pub frames: Vec<(u8, u8, u32)>,
    /// Why the connection is cut.
    pub cut: Option<&'static str>,
    /// True while something is incomplete that must not take long.
    pub waits: bool,
}

/// Watches over bytes that come in pieces of this length.
pub fn watch_frames(bytes: &[u8], piece: usize) -> WatchedFrames {
    let (mut scanner, mut counts) = (Scanner::default(), Counts::new(&Limits::default()));
    let (mut watched, now) = (WatchedFrames::default(), Instant::now());
    for piece in bytes.chunks(piece) {
        let scanned = scanner.scan(piece, |frame| {
            watched.frames.push((frame.kind, frame.flags, frame.length));
            counts.add(frame, now)
        });
        if let Err(violation) = scanned {
            watched.cut = Some(violation.reason);
            return watched;
        }
    }
    watched.waits = scanner.is_waiting();
    watched
}

/// The client's address by these `X-Forwarded-For` fields.
pub fn client(peer: IpAddr, fields: &[&[u8]], trusted: &[IpNet]) -> IpAddr {
    let mut headers = HeaderMap::new();
    for field in fields {
        if let Ok(value) = HeaderValue::from_bytes(field) {
            headers.append("x-forwarded-for", value);
        }
    }
    client_address::client_address(peer, &headers, trusted)
}
