//! The body of a request on its way to the upstream.

use std::{
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::http::{BodyError, RequestBody};

/// A client's body as the pools send it. What goes wrong with it is kept where the exchange can
/// see it, since HTTP/2 reports a failed body only as a reset stream.
#[derive(Debug)]
pub(super) struct OutgoingBody(Option<(RequestBody, Arc<BodyWatch>)>);

/// What became of a request's body.
#[derive(Debug, Default)]
pub(super) struct BodyWatch {
    failure: OnceLock<BodyError>,
    finished: AtomicBool,
}

impl OutgoingBody {
    /// A body, and its watch unless it is empty.
    pub(super) fn new(body: RequestBody) -> (Self, Option<Arc<BodyWatch>>) {
        if body.is_end_stream() {
            return (Self::empty(), None);
        }
        let watch = Arc::new(BodyWatch::default());
        (Self(Some((body, watch.clone()))), Some(watch))
    }

    /// A body without bytes.
    pub(super) fn empty() -> Self {
        Self(None)
    }

    /// True when it has no bytes.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl BodyWatch {
    /// What went wrong on the client's side.
    pub(super) fn failure(&self) -> Option<&BodyError> {
        self.failure.get()
    }

    /// True when its last byte was taken.
    pub(super) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }
}

impl Body for OutgoingBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some((body, watch)) = &mut self.get_mut().0 else {
            return Poll::Ready(None);
        };
        match Pin::new(&mut *body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                // With a known length, nobody asks for what comes after the last byte.
                if body.is_end_stream() || body.size_hint().exact() == Some(0) {
                    watch.finished.store(true, Ordering::Release);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let _ = watch.failure.set(error);
                Poll::Ready(Some(Err(BodyError::Broken)))
            }
            Poll::Ready(None) => {
                watch.finished.store(true, Ordering::Release);
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Some((body, _)) => body.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}
