//! The end of a connection that still has something to say: an answer of the gate's own, or
//! input that nobody will read.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{GateViolation, deadline::Deadline};

/// Writes the answer, ends the writing side, and throws away input for a while: a socket closed
/// with unread input sends a reset, which destroys the answer before the client has read it.
#[derive(Debug)]
pub(super) struct Farewell {
    answer: Bytes,
    stage: Stage,
    discarded: usize,
    deadline: Deadline,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Write,
    Shutdown,
    Discard,
    Done,
}

impl Farewell {
    /// Says what rule was broken.
    pub(super) fn answering(violation: GateViolation) -> Self {
        Self::new(answer(violation))
    }

    /// Says nothing.
    pub(super) fn silent() -> Self {
        Self::new(Bytes::new())
    }

    fn new(answer: Bytes) -> Self {
        let mut deadline = Deadline::default();
        deadline.set(LINGER);
        Self {
            answer,
            stage: Stage::Write,
            discarded: 0,
            deadline,
        }
    }

    /// Ready once the connection may be dropped.
    pub(super) fn poll<S>(&mut self, stream: &mut S, context: &mut Context<'_>) -> Poll<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if self.stage == Stage::Done {
            return Poll::Ready(());
        }
        // An error says that the client is gone: nothing is left to do either.
        if self.poll_stages(stream, context).is_ready() || self.deadline.is_over(context) {
            self.stage = Stage::Done;
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn poll_stages<S>(&mut self, stream: &mut S, context: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut stream = Pin::new(stream);
        if self.stage == Stage::Write {
            while !self.answer.is_empty() {
                let written = ready!(stream.as_mut().poll_write(context, &self.answer))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.answer.advance(written);
            }
            ready!(stream.as_mut().poll_flush(context))?;
            self.stage = Stage::Shutdown;
        }
        if self.stage == Stage::Shutdown {
            ready!(stream.as_mut().poll_shutdown(context))?;
            self.stage = Stage::Discard;
        }
        self.poll_discard(stream, context)
    }

    fn poll_discard<S>(
        &mut self,
        mut stream: Pin<&mut S>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>>
    where
        S: AsyncRead,
    {
        let mut scratch = [0_u8; SCRATCH];
        while self.discarded < LINGER_BYTES {
            let mut buffer = ReadBuf::new(&mut scratch);
            ready!(stream.as_mut().poll_read(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                break;
            }
            self.discarded += buffer.filled().len();
        }
        Poll::Ready(Ok(()))
    }
}

fn answer(violation: GateViolation) -> Bytes {
    let body = format!("{{\"detail\":\"{}\"}}", violation.detail);
    let status = violation.status;
    let reason = status.canonical_reason().unwrap_or_default();
    Bytes::from(format!(
        "HTTP/1.1 {} {reason}\r\n\
         Server: duogate/{}\r\n\
         Content-Type: application/json\r\n\
         Content-Length: {}\r\n\
         Connection: close\r\n\
         \r\n\
         {body}",
        status.as_u16(),
        env!("CARGO_PKG_VERSION"),
        body.len(),
    ))
}

/// Longer than a round trip over any network with room for a lost packet; what nginx waits for
/// between two reads is 5 s.
const LINGER: Duration = Duration::from_secs(2);

/// More than a socket's buffers hold on a common path; who sends on after that sends for ever.
const LINGER_BYTES: usize = 256 * 1024;

/// On the stack; discarding is rare.
const SCRATCH: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_complete_messages() {
        let answer = answer(GateViolation::HOST_MISSING);
        let text = std::str::from_utf8(&answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\nServer: duogate/"));
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
        let json: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(json["detail"], GateViolation::HOST_MISSING.detail);
    }
}
