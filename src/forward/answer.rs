//! The body of an answer on its way to the client.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::{
    grpc,
    outcome::{IDLE, OK, RESET, Settlement},
    outgoing::{BodyWatch, OutgoingBody},
};
use crate::{
    http::{AccessEntry, BodyError, GrpcCode},
    upstream::{Http1Lease, Http2Slot},
};

/// What has to be held until the answer's last byte.
#[derive(Debug)]
pub(super) enum Hold {
    /// A connection of HTTP/1.1, given back when both bodies are finished.
    Http1(Http1Lease<OutgoingBody>),
    /// A place on a connection of HTTP/2.
    Http2(#[expect(dead_code, reason = "held for its drop")] Http2Slot<OutgoingBody>),
}

/// What an answer's body needs beside its bytes.
#[derive(Debug)]
pub(super) struct AnswerParts {
    pub(super) hold: Hold,
    pub(super) request_body: Option<Arc<BodyWatch>>,
    pub(super) idle: Duration,
    pub(super) grpc: bool,
    pub(super) entry: Arc<AccessEntry>,
    pub(super) settlement: Settlement,
}

pin_project_lite::pin_project! {
    /// Passes frames on as they come. Its clock runs only while we wait for the upstream.
    #[project = AnswerProjection]
    pub(super) struct AnswerBody {
        incoming: Incoming,
        hold: Option<Hold>,
        request_body: Option<Arc<BodyWatch>>,
        idle: Duration,
        waiting_since: Option<Instant>,
        #[pin]
        timer: Option<Sleep>,
        grpc: bool,
        ended: bool,
        entry: Arc<AccessEntry>,
        settlement: Settlement,
    }
}

impl AnswerBody {
    pub(super) fn new(incoming: Incoming, parts: AnswerParts) -> Self {
        let mut body = Self {
            incoming,
            hold: Some(parts.hold),
            request_body: parts.request_body,
            idle: parts.idle,
            waiting_since: None,
            timer: None,
            grpc: parts.grpc,
            ended: false,
            entry: parts.entry,
            settlement: parts.settlement,
        };
        if body.incoming.is_end_stream() {
            body.ended = true;
            body.settlement.settle(OK);
            release(body.hold.take(), body.request_body.as_deref());
        }
        body
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(this.poll_upstream(context)) {
            Some(Ok(frame)) => {
                this.passed(&frame);
                Some(Ok(frame))
            }
            Some(Err(error)) => Some(this.broke(error)),
            None => {
                this.finished();
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl AnswerProjection<'_> {
    fn poll_upstream(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut *self.incoming).poll_frame(context) {
            Poll::Ready(Some(Err(error))) => {
                self.settlement.settle(RESET);
                Poll::Ready(Some(Err(BodyError::Upstream(error.to_string()))))
            }
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(frame))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let since = *self.waiting_since.get_or_insert_with(Instant::now);
                ready!(poll_idle(self.timer.as_mut(), since + *self.idle, context));
                self.settlement.settle(IDLE);
                let seconds = self.idle.as_secs();
                Poll::Ready(Some(Err(BodyError::UpstreamIdle { seconds })))
            }
        }
    }

    fn passed(&mut self, frame: &Frame<Bytes>) {
        *self.waiting_since = None;
        if *self.grpc
            && let Some(status) = frame.trailers_ref().and_then(grpc::status_of)
        {
            let _ = self.entry.grpc_status.set(status);
        }
        if self.incoming.is_end_stream() {
            self.finished();
        }
    }

    fn finished(&mut self) {
        *self.ended = true;
        self.settlement.settle(OK);
        release(self.hold.take(), self.request_body.as_deref());
    }

    /// The end that the client sees when the upstream's side broke.
    fn broke(&mut self, error: BodyError) -> Result<Frame<Bytes>, BodyError> {
        *self.ended = true;
        // Dropping it closes the connection or resets the stream.
        drop(self.hold.take());
        let _ = self.entry.failure.set(error.to_string());
        if *self.grpc {
            Ok(Frame::trailers(last_words(&error, self.entry)))
        } else {
            Err(error)
        }
    }
}

/// Ready once `end` has passed. The timer is set when it is first needed and moved only when it
/// rings too early, so a stream of many small frames costs no timer operations.
fn poll_idle(
    mut timer: Pin<&mut Option<Sleep>>,
    end: Instant,
    context: &mut Context<'_>,
) -> Poll<()> {
    loop {
        if timer.is_none() {
            timer.set(Some(tokio::time::sleep_until(end)));
        }
        let Some(mut sleep) = timer.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        if sleep.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        if Instant::now() >= end {
            return Poll::Ready(());
        }
        sleep.reset(end);
    }
}

/// Gives a connection back if the request's body is finished too; otherwise it is closed, since
/// nobody knows what of it is still on its way.
fn release(hold: Option<Hold>, request_body: Option<&BodyWatch>) {
    if let Some(Hold::Http1(lease)) = hold
        && request_body.is_none_or(BodyWatch::is_finished)
    {
        lease.release();
    }
}

fn last_words(error: &BodyError, entry: &AccessEntry) -> http::HeaderMap {
    let (code, words) = match error {
        BodyError::UpstreamIdle { .. } => (
            GrpcCode::DeadlineExceeded,
            "the server behind this gateway fell silent",
        ),
        _ => (
            GrpcCode::Unavailable,
            "the server behind this gateway closed the stream before its end",
        ),
    };
    let _ = entry.grpc_status.set(code as u16);
    grpc::broken_trailers(code, words)
}
