//! The body of an answer on its way out, watched to its end.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::{
    AccessEntry, BodyError, ResponseBody,
    gate::GateControl,
    untaken::{Held, SharedHeld, UntakenAnswers, not_taken},
};

/// Counts the bytes of an answer, notes how it ended, and tells the gate of an HTTP/1 connection
/// that the next request may come.
#[derive(Debug)]
pub(super) struct TrackedBody {
    held: SharedHeld,
    gate: Option<GateControl>,
    ended: bool,
}

impl TrackedBody {
    /// `bodiless` answers (to HEAD, 204, 304, switched protocols) are complete with their head:
    /// hyper never asks for their body.
    pub(super) fn new(
        inner: ResponseBody,
        entry: Arc<AccessEntry>,
        gate: Option<GateControl>,
        bodiless: bool,
    ) -> Self {
        Self {
            held: SharedHeld::new(inner, entry),
            gate,
            ended: bodiless,
        }
    }

    /// Gives the answer up once the client of this connection takes nothing of it for too long.
    pub(super) fn watched_by(self, answers: &UntakenAnswers) -> Self {
        if !self.ended {
            answers.add(&self.held);
        }
        self
    }
}

type PolledFrame = Poll<Option<Result<Frame<Bytes>, BodyError>>>;

impl Held {
    /// The next frame, noted; and whether it was the last.
    fn poll_frame(&mut self, context: &mut Context<'_>) -> (PolledFrame, bool) {
        let (Some(body), Some(entry)) = (&mut self.body, &self.entry) else {
            return (Poll::Ready(Some(Err(BodyError::NotTaken))), true);
        };
        let polled = Pin::new(body).poll_frame(context);
        let last = match &polled {
            Poll::Ready(Some(Ok(frame))) => note(entry, frame),
            Poll::Ready(Some(Err(error))) => {
                let _ = entry.failure.set(error.to_string());
                true
            }
            Poll::Ready(None) => true,
            Poll::Pending => false,
        };
        self.offered = polled.is_ready().then(Instant::now);
        (polled, last)
    }
}

/// Counts a frame; true for the last.
fn note(entry: &AccessEntry, frame: &Frame<Bytes>) -> bool {
    if let Some(data) = frame.data_ref() {
        entry.add_bytes_out(data.len() as u64);
        return false;
    }
    let trailers = frame.trailers_ref();
    let status = trailers.and_then(|trailers| trailers.get("grpc-status")?.to_str().ok());
    if let Some(status) = status.and_then(|status| status.parse().ok()) {
        let _ = entry.grpc_status.set(status);
    }
    trailers.is_some()
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let (polled, last) = this.held.lock().poll_frame(context);
        this.ended |= last;
        polled
    }

    fn is_end_stream(&self) -> bool {
        let held = self.held.lock();
        held.body.as_ref().is_some_and(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.lock();
        held.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for TrackedBody {
    fn drop(&mut self) {
        let complete = self.ended || self.is_end_stream();
        let untaken = self.gate.as_ref().and_then(GateControl::untaken);
        if let (false, Some(entry)) = (complete, &self.held.lock().entry) {
            let _ = entry.failure.set(match untaken {
                Some(patience) => not_taken(patience),
                None => "the client left before the answer's end".to_owned(),
            });
        }
        if let Some(gate) = &self.gate {
            gate.response_finished();
        }
    }
}
