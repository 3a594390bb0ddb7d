//! The body of an answer on its way out, watched to its end.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{AccessEntry, BodyError, ResponseBody, gate::GateControl};

/// Counts the bytes of an answer, notes how it ended, and tells the gate of an HTTP/1 connection
/// that the next request may come.
#[derive(Debug)]
pub(super) struct TrackedBody {
    inner: ResponseBody,
    entry: Arc<AccessEntry>,
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
            inner,
            entry,
            gate,
            ended: bodiless,
        }
    }

    fn note(&mut self, frame: &Frame<Bytes>) {
        if let Some(data) = frame.data_ref() {
            self.entry.add_bytes_out(data.len() as u64);
        } else if let Some(trailers) = frame.trailers_ref() {
            let status = trailers
                .get("grpc-status")
                .and_then(|status| status.to_str().ok());
            if let Some(status) = status.and_then(|status| status.parse().ok()) {
                let _ = self.entry.grpc_status.set(status);
            }
            self.ended = true;
        }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => this.note(frame),
            Poll::Ready(Some(Err(error))) => {
                let _ = this.entry.failure.set(error.to_string());
                this.ended = true;
            }
            Poll::Ready(None) => this.ended = true,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for TrackedBody {
    fn drop(&mut self) {
        if !self.ended && !self.inner.is_end_stream() {
            let _ = self
                .entry
                .failure
                .set("the client left before the answer's end".to_owned());
        }
        if let Some(gate) = &self.gate {
            gate.response_finished();
        }
    }
}
