//! A watch over the frames of an HTTP/2 connection on their way in.
//!
//! hyper and h2 judge what frames mean; this looks only at the preface and at the nine bytes
//! that begin each frame (RFC 9113 4.1), without copying, and ends a connection that takes too
//! long over its preface or a header block, or that floods us with frames that cost us more than
//! its sender. Such a connection is cut: GOAWAY would have to wait for a frame boundary on the
//! side that hyper owns.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

use crate::config::Limits;

/// Is told why a connection was cut.
pub(super) type FrameHook = Arc<dyn Fn(FrameViolation) + Send + Sync>;

/// A rule of ours for HTTP/2 that a client broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameViolation {
    /// The name of its constant, for metrics.
    pub(super) rule: &'static str,
    /// For the log.
    pub(super) reason: &'static str,
}

macro_rules! violations {
    ($($name:ident = $reason:literal;)*) => {
        impl FrameViolation {
            $(const $name: Self = Self { rule: stringify!($name), reason: $reason };)*
        }
    };
}

violations! {
    PREFACE_OR_HEADERS_TIMEOUT = "a preface or header block was not completed in time";
    NO_SETTINGS = "no SETTINGS behind the preface";
    RESET_FLOOD = "too many streams reset";
    SETTINGS_FLOOD = "a flood of SETTINGS";
    PING_FLOOD = "a flood of PING";
    PRIORITY_FLOOD = "a flood of PRIORITY";
    EMPTY_DATA_FLOOD = "a flood of empty DATA";
    CONTINUATION_FLOOD = "a flood of CONTINUATION";
}

/// The stream below an HTTP/2 connection, watched.
pub(super) struct FrameWatch<S> {
    inner: S,
    scanner: Scanner,
    counts: Counts,
    /// While a preface or a header block is incomplete.
    deadline: Option<Pin<Box<Sleep>>>,
    patience: Duration,
    hook: FrameHook,
}

impl<S> FrameWatch<S> {
    pub(super) fn new(inner: S, limits: &Limits, hook: FrameHook) -> Self {
        let patience = limits.request_head;
        Self {
            inner,
            scanner: Scanner::default(),
            counts: Counts::new(limits),
            deadline: Some(Box::pin(tokio::time::sleep(patience))),
            patience,
            hook,
        }
    }

    fn watch(&mut self, bytes: &[u8]) -> Result<(), FrameViolation> {
        let now = Instant::now();
        let counts = &mut self.counts;
        self.scanner.scan(bytes, |frame| counts.add(frame, now))?;
        match (self.scanner.is_waiting(), &self.deadline) {
            (true, None) => self.deadline = Some(Box::pin(tokio::time::sleep(self.patience))),
            (false, Some(_)) => self.deadline = None,
            _ => {}
        }
        Ok(())
    }

    fn cut(&self, violation: FrameViolation) -> io::Error {
        (self.hook)(violation);
        io::Error::new(io::ErrorKind::InvalidData, violation.reason)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FrameWatch<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.inner).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                let new = buffer.filled().get(before..).unwrap_or_default();
                match this.watch(new) {
                    Ok(()) => Poll::Ready(Ok(())),
                    Err(violation) => Poll::Ready(Err(this.cut(violation))),
                }
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let late = this
                    .deadline
                    .as_mut()
                    .is_some_and(|deadline| deadline.as_mut().poll(context).is_ready());
                if late {
                    let violation = FrameViolation::PREFACE_OR_HEADERS_TIMEOUT;
                    return Poll::Ready(Err(this.cut(violation)));
                }
                Poll::Pending
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FrameWatch<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// What of a frame matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub(super) length: u32,
    pub(super) kind: u8,
    pub(super) flags: u8,
}

/// Where in the byte stream we are.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// Bytes of the preface seen, up to [`PREFACE_LENGTH`].
    preface: usize,
    head: [u8; HEAD_LENGTH],
    head_seen: usize,
    payload_left: u32,
    in_header_block: bool,
    started: bool,
}

impl Scanner {
    /// Follows the bytes and reports each frame as its head is complete.
    pub(super) fn scan(
        &mut self,
        mut bytes: &[u8],
        mut on_frame: impl FnMut(FrameHead) -> Result<(), FrameViolation>,
    ) -> Result<(), FrameViolation> {
        let preface = bytes.len().min(PREFACE_LENGTH - self.preface);
        self.preface += preface;
        bytes = bytes.get(preface..).unwrap_or_default();
        while !bytes.is_empty() {
            if self.payload_left > 0 {
                let step = bytes.len().min(self.payload_left as usize);
                self.payload_left -= u32::try_from(step).unwrap_or(self.payload_left);
                bytes = bytes.get(step..).unwrap_or_default();
                continue;
            }
            let Some((byte, rest)) = bytes.split_first() else {
                return Ok(());
            };
            bytes = rest;
            if let Some(slot) = self.head.get_mut(self.head_seen) {
                *slot = *byte;
            }
            self.head_seen += 1;
            if self.head_seen == HEAD_LENGTH {
                self.head_seen = 0;
                let first = !self.started;
                let frame = self.begin_frame();
                if first && frame.kind != SETTINGS {
                    return Err(FrameViolation::NO_SETTINGS);
                }
                on_frame(frame)?;
            }
        }
        Ok(())
    }

    fn begin_frame(&mut self) -> FrameHead {
        let [a, b, c, kind, flags, ..] = self.head;
        let length = u32::from_be_bytes([0, a, b, c]);
        self.payload_left = length;
        self.started = true;
        if matches!(kind, HEADERS | CONTINUATION) {
            self.in_header_block = flags & END_HEADERS == 0;
        }
        FrameHead {
            length,
            kind,
            flags,
        }
    }

    /// True while something is incomplete that must not take long: the preface and the first
    /// SETTINGS, a frame's head, or a header block.
    pub(super) fn is_waiting(&self) -> bool {
        let frame_of_headers = self.payload_left > 0
            && self
                .head
                .get(3)
                .is_some_and(|kind| matches!(*kind, HEADERS | CONTINUATION));
        !self.started || self.in_header_block || self.head_seen > 0 || frame_of_headers
    }
}

/// Frames that are cheap to send and cost us work, within a window of time.
#[derive(Debug)]
pub(super) struct Counts {
    window: Duration,
    began: Option<Instant>,
    resets: u32,
    maximum_resets: u32,
    settings: u32,
    pings: u32,
    empty: u32,
    continuations: u32,
}

impl Counts {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            window: limits.http2_reset_window,
            began: None,
            resets: 0,
            maximum_resets: limits.http2_resets,
            settings: 0,
            pings: 0,
            empty: 0,
            continuations: 0,
        }
    }

    pub(super) fn add(&mut self, frame: FrameHead, now: Instant) -> Result<(), FrameViolation> {
        let fresh = self
            .began
            .is_none_or(|began| now.duration_since(began) > self.window);
        if fresh {
            self.began = Some(now);
            (self.resets, self.settings, self.pings, self.empty) = (0, 0, 0, 0);
        }
        match frame.kind {
            RST_STREAM => bump(
                &mut self.resets,
                self.maximum_resets,
                FrameViolation::RESET_FLOOD,
            ),
            SETTINGS => bump(
                &mut self.settings,
                MAXIMUM_SETTINGS,
                FrameViolation::SETTINGS_FLOOD,
            ),
            PING => bump(&mut self.pings, MAXIMUM_PINGS, FrameViolation::PING_FLOOD),
            PRIORITY | PRIORITY_UPDATE => bump(
                &mut self.empty,
                MAXIMUM_EMPTY,
                FrameViolation::PRIORITY_FLOOD,
            ),
            DATA if frame.length == 0 && frame.flags & END_STREAM == 0 => bump(
                &mut self.empty,
                MAXIMUM_EMPTY,
                FrameViolation::EMPTY_DATA_FLOOD,
            ),
            HEADERS => {
                self.continuations = 0;
                Ok(())
            }
            CONTINUATION => bump(
                &mut self.continuations,
                MAXIMUM_CONTINUATIONS,
                FrameViolation::CONTINUATION_FLOOD,
            ),
            _ => Ok(()),
        }
    }
}

fn bump(count: &mut u32, maximum: u32, violation: FrameViolation) -> Result<(), FrameViolation> {
    *count += 1;
    if *count > maximum {
        Err(violation)
    } else {
        Ok(())
    }
}

const PREFACE_LENGTH: usize = 24;
const HEAD_LENGTH: usize = 9;

// Frame types and flags of RFC 9113 6; PRIORITY_UPDATE of RFC 9218 7.1.
const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const PRIORITY: u8 = 0x2;
const RST_STREAM: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const PING: u8 = 0x6;
const CONTINUATION: u8 = 0x9;
const PRIORITY_UPDATE: u8 = 0x10;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// A client changes its settings once or twice in a connection's life.
const MAXIMUM_SETTINGS: u32 = 50;

/// gRPC clients that estimate bandwidth PING with each burst of DATA; 100 a second is beyond any.
const MAXIMUM_PINGS: u32 = 1000;

/// Frames that carry nothing; browsers send a PRIORITY per request.
const MAXIMUM_EMPTY: u32 = 2000;

/// A header list of 64 KiB fits into five frames of 16 KiB; some clients use smaller ones.
const MAXIMUM_CONTINUATIONS: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        let mut bytes = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, 1];
        bytes.extend_from_slice(payload);
        bytes
    }

    fn kinds(chunk: usize, bytes: &[u8]) -> (Vec<(u8, u32)>, bool) {
        let mut scanner = Scanner::default();
        let mut seen = Vec::new();
        for part in bytes.chunks(chunk) {
            scanner
                .scan(part, |frame| {
                    seen.push((frame.kind, frame.length));
                    Ok(())
                })
                .expect("no bound is met");
        }
        (seen, scanner.is_waiting())
    }

    #[test]
    fn any_split_shows_the_same_frames() {
        let mut bytes = vec![b'x'; PREFACE_LENGTH];
        bytes.extend(frame(SETTINGS, 0, &[0; 12]));
        bytes.extend(frame(HEADERS, END_HEADERS, b"abc"));
        bytes.extend(frame(DATA, END_STREAM, &[7; 300]));
        let whole = kinds(bytes.len(), &bytes);
        assert_eq!(
            whole,
            (vec![(SETTINGS, 12), (HEADERS, 3), (DATA, 300)], false)
        );
        for chunk in 1..40 {
            assert_eq!(kinds(chunk, &bytes), whole, "in chunks of {chunk}");
        }
    }

    #[test]
    fn an_open_header_block_is_waited_for() {
        let mut bytes = vec![b'x'; PREFACE_LENGTH];
        assert!(kinds(99, &bytes).1, "SETTINGS are due");
        bytes.extend(frame(SETTINGS, 0, &[]));
        assert!(!kinds(99, &bytes).1);
        bytes.extend(frame(HEADERS, 0, b"abc"));
        assert!(kinds(99, &bytes).1);
        bytes.extend(frame(CONTINUATION, END_HEADERS, b"abc"));
        assert!(!kinds(99, &bytes).1);
    }

    #[tokio::test(start_paused = true)]
    async fn resets_are_bounded_in_their_window() {
        let limits = Limits {
            http2_resets: 3,
            ..Limits::default()
        };
        let mut counts = Counts::new(&limits);
        let reset = FrameHead {
            length: 4,
            kind: RST_STREAM,
            flags: 0,
        };
        for _ in 0..3 {
            assert!(counts.add(reset, Instant::now()).is_ok());
        }
        assert!(counts.add(reset, Instant::now()).is_err());
        tokio::time::advance(Duration::from_secs(11)).await;
        assert!(counts.add(reset, Instant::now()).is_ok());
    }
}
