//! The gate around a connection.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    BodyFraming, ChunkScanner, GateControl, GateVerdict, GateViolation, HeadLimits, HeadProgress,
    HeadScanner, deadline::Deadline, farewell::Farewell,
};
use crate::config::Limits;

/// Told of every violation, for the log and the metrics.
pub type GateHook = Arc<dyn Fn(&GateVerdict) + Send + Sync>;

/// A connection from which hyper reads only what the gate found valid.
pub struct GateStream<S> {
    stream: S,
    head_limits: HeadLimits,
    request_head: Duration,
    keep_alive_idle: Duration,
    control: GateControl,
    hook: GateHook,
    state: State,
    /// Bytes that were read and not passed: a partial head, or what is held behind a request.
    waiting: BytesMut,
    /// How many of them may pass.
    cleared: usize,
    /// True if everything was flushed after the present answer was complete.
    flushed: bool,
    deadline: Deadline,
    response_idle: Duration,
    /// While the socket takes nothing.
    untaken: Deadline,
}

/// Why a wait between requests is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Something to read has come.
    Bytes,
    /// Nothing will come any more.
    Ended,
}

enum State {
    /// Between requests or in a head.
    Head(HeadScanner),
    /// In a body of known length.
    Length(u64),
    /// In a chunked body.
    Chunks(ChunkScanner),
    /// Behind a request, until its answer is complete.
    Held,
    /// Behind a broken body: nothing passes any more.
    Broken(GateViolation),
    /// Everything passes.
    Tunnel,
    /// Saying farewell; hyper reads the end afterwards.
    Leaving(Box<Farewell>),
}

impl<S> GateStream<S> {
    /// Puts a gate before a new connection.
    pub fn new(stream: S, limits: &Limits, control: GateControl, hook: GateHook) -> Self {
        let head_limits = HeadLimits {
            bytes: limits.request_head_bytes,
            fields: limits.request_head_fields,
            target: limits.request_target_bytes,
        };
        let mut deadline = Deadline::default();
        deadline.set(limits.request_head);
        Self {
            state: State::Head(HeadScanner::new(head_limits)),
            stream,
            head_limits,
            request_head: limits.request_head,
            keep_alive_idle: limits.keep_alive_idle,
            control,
            hook,
            waiting: BytesMut::new(),
            cleared: 0,
            flushed: true,
            deadline,
            response_idle: limits.response_body_idle,
            untaken: Deadline::default(),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> GateStream<S> {
    /// Reads along with `bytes`, all that is not cleared yet, and returns how many may pass.
    fn scan(&mut self, bytes: &[u8]) -> usize {
        let mut passed = 0;
        loop {
            let rest = bytes.get(passed..).unwrap_or_default();
            let step = match &mut self.state {
                _ if rest.is_empty() => return passed,
                State::Head(scanner) => match scanner.advance(rest) {
                    Ok(HeadProgress::Incomplete) => return passed,
                    Ok(HeadProgress::Complete(head)) => {
                        self.begin_request(head.body);
                        Ok(head.length)
                    }
                    Err(violation) => Err(violation),
                },
                State::Length(left) => {
                    let length = usize::try_from(*left).map_or(rest.len(), |n| n.min(rest.len()));
                    *left -= length as u64;
                    Ok(length)
                }
                State::Chunks(scanner) => scanner.advance(rest),
                _ => return passed,
            };
            match step {
                Ok(length) => passed += length,
                Err(violation) => {
                    self.refuse(violation);
                    return passed;
                }
            }
            self.end_body();
        }
    }

    fn begin_request(&mut self, body: BodyFraming) {
        self.control.begin();
        self.control.set_idle(false);
        self.flushed = false;
        self.deadline.clear();
        self.state = match body {
            BodyFraming::Length(length) => State::Length(length),
            BodyFraming::Chunked => State::Chunks(ChunkScanner::new()),
        };
    }

    fn end_body(&mut self) {
        let ended = match &self.state {
            State::Length(left) => *left == 0,
            State::Chunks(scanner) => scanner.is_done(),
            _ => false,
        };
        if ended {
            self.state = State::Held;
        }
    }

    fn refuse(&mut self, violation: GateViolation) {
        (self.hook)(&violation.into());
        self.state = match self.state {
            // The head is with hyper, so the door has to answer.
            State::Length(_) | State::Chunks(_) => {
                self.control.mark_broken();
                State::Broken(violation)
            }
            _ => State::Leaving(Box::new(Farewell::answering(violation))),
        };
    }

    /// Lets the next head in if the present answer is complete and out.
    fn release(&mut self) {
        if !self.flushed || !matches!(self.state, State::Held) {
            return;
        }
        self.state = State::Head(HeadScanner::new(self.head_limits));
        let idle = self.waiting.is_empty();
        self.control.set_idle(idle);
        self.deadline.set(if idle {
            self.keep_alive_idle
        } else {
            self.request_head
        });
    }

    /// Takes over what was read behind the bytes that pass.
    fn keep(&mut self, bytes: &[u8]) {
        let starts_head = self.waiting.is_empty() && matches!(self.state, State::Head(_));
        if starts_head && self.control.has_begun() {
            self.deadline.set(self.request_head);
        }
        self.control.set_idle(false);
        self.waiting.extend_from_slice(bytes);
    }

    /// Scans what waits; it lies still meanwhile.
    fn scan_waiting(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.cleared = self.scan(&waiting);
        self.waiting = waiting;
    }

    /// Passes cleared bytes on; true if there were any.
    fn pass(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let length = self.cleared.min(buffer.remaining());
        if length == 0 {
            return false;
        }
        buffer.put_slice(self.waiting.get(..length).unwrap_or_default());
        self.waiting.advance(length);
        self.cleared -= length;
        if self.waiting.is_empty() {
            // An idle connection holds no buffer.
            self.waiting = BytesMut::new();
        }
        true
    }

    /// Reads from the connection, lets pass what may, keeps the rest. None: go on.
    fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Option<io::Result<()>>> {
        let start = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
            Poll::Pending if self.deadline.is_over(context) => {
                self.expire();
                return Poll::Ready(None);
            }
            Poll::Pending => return Poll::Pending,
        }
        let filled = buffer.filled().len();
        if filled == start {
            return Poll::Ready(Some(Ok(())));
        }
        let bytes = buffer.filled().get(start..).unwrap_or_default();
        let passed = if self.waiting.is_empty() {
            self.scan(bytes)
        } else {
            0
        };
        self.keep(bytes.get(passed..).unwrap_or_default());
        buffer.set_filled(start + passed);
        Poll::Ready((passed > 0).then_some(Ok(())))
    }

    /// Reads on behind a request, so that a client that leaves is noticed. Ready at the end only.
    fn poll_hold(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while let Some(room @ 1..) = MAXIMUM_HELD.checked_sub(self.waiting.len()) {
            let mut scratch = buffer.take(room);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut scratch))?;
            if scratch.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.waiting.extend_from_slice(scratch.filled());
        }
        Poll::Pending
    }

    /// Waits between requests, without hyper and without a buffer.
    pub fn poll_wake(&mut self, context: &mut Context<'_>) -> Poll<Wake> {
        loop {
            if let State::Leaving(farewell) = &mut self.state {
                ready!(farewell.poll(&mut self.stream, context));
                return Poll::Ready(Wake::Ended);
            }
            if !self.waiting.is_empty() {
                return Poll::Ready(Wake::Bytes);
            }
            let mut scratch = [0_u8; WAKING_READ];
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => self.keep(buffer.filled()),
                Poll::Ready(_) => return Poll::Ready(Wake::Ended),
                Poll::Pending if self.deadline.is_over(context) => self.expire(),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// The deadline passed. Who has sent nothing gets no answer: it did not ask for one.
    fn expire(&mut self) {
        self.control.set_idle(false);
        self.deadline.clear();
        if self.waiting.is_empty() {
            self.state = State::Leaving(Box::new(Farewell::silent()));
        } else {
            self.refuse(GateViolation::HEAD_TIMEOUT);
        }
    }

    fn poll_gate(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if self.control.is_tunnel() && !matches!(self.state, State::Tunnel) {
                self.state = State::Tunnel;
                self.cleared = self.waiting.len();
                self.deadline.clear();
            }
            if self.pass(buffer) {
                return Poll::Ready(Ok(()));
            }
            self.release();
            match &mut self.state {
                State::Tunnel => return Pin::new(&mut self.stream).poll_read(context, buffer),
                State::Leaving(farewell) => {
                    ready!(farewell.poll(&mut self.stream, context));
                    return Poll::Ready(Ok(()));
                }
                State::Broken(violation) => {
                    let violation = *violation;
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, violation)));
                }
                State::Held => {
                    self.control.register(context);
                    if self.control.is_tunnel() {
                        continue;
                    }
                    return self.poll_hold(context, buffer);
                }
                State::Head(_) | State::Length(_) | State::Chunks(_) => {
                    if !self.waiting.is_empty() {
                        self.scan_waiting();
                        if self.cleared > 0 || !self.wants_more() {
                            continue;
                        }
                    }
                }
            }
            if let Some(result) = ready!(self.poll_fill(context, buffer)) {
                return Poll::Ready(result);
            }
        }
    }

    /// Ends a connection whose client takes nothing for too long. A tunnel has times of its own.
    fn poll_taken<T>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.untaken.clear();
            return polled;
        }
        if self.control.is_tunnel() {
            return Poll::Pending;
        }
        self.untaken.start(self.response_idle);
        if self.untaken.is_over(context) {
            self.control.mark_untaken(self.response_idle);
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }

    fn wants_more(&self) -> bool {
        matches!(
            self.state,
            State::Head(_) | State::Length(_) | State::Chunks(_)
        )
    }

    /// True if bytes came, or will come, that nobody is going to read.
    fn has_unread_input(&self) -> bool {
        let in_body = matches!(
            self.state,
            State::Length(_) | State::Chunks(_) | State::Broken(_)
        );
        in_body || !self.waiting.is_empty()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for GateStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_gate(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for GateStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.poll_taken(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.poll_taken(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes after it has written everything it has. The first flush after the answer
    /// was complete therefore says that the answer is out.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        ready!(self.poll_taken(context, polled))?;
        if !self.flushed && self.control.is_finished() {
            self.flushed = true;
            self.release();
            // hyper does not read again by itself: what waits needs a turn, and so does the timer.
            if !self.waiting.is_empty() || self.deadline.is_over(context) {
                context.waker().wake_by_ref();
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if matches!(this.state, State::Tunnel) || this.control.is_tunnel() {
            return Pin::new(&mut this.stream).poll_shutdown(context);
        }
        if !matches!(this.state, State::Leaving(_)) {
            if !this.has_unread_input() {
                return Pin::new(&mut this.stream).poll_shutdown(context);
            }
            this.state = State::Leaving(Box::new(Farewell::silent()));
        }
        if let State::Leaving(farewell) = &mut this.state {
            ready!(farewell.poll(&mut this.stream, context));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S> fmt::Debug for GateStream<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GateStream")
            .field("waiting", &self.waiting.len())
            .field("cleared", &self.cleared)
            .finish_non_exhaustive()
    }
}

/// What is read on behind a request before its answer is complete, unless one read brought more;
/// the rest stays in the socket. It is enough to notice a client that leaves.
const MAXIMUM_HELD: usize = 4 * 1024;

/// A request of GitLab's fits in with most of its head; on the stack.
const WAKING_READ: usize = 1024;
