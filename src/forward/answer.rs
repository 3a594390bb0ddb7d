//! The body of an answer on its way to the client.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
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
        let error = match Pin::new(&mut *this.incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                *this.waiting_since = None;
                if *this.grpc
                    && let Some(status) = frame.trailers_ref().and_then(grpc::status_of)
                {
                    let _ = this.entry.grpc_status.set(status);
                }
                if this.incoming.is_end_stream() {
                    *this.ended = true;
                    this.settlement.settle(OK);
                    release(this.hold.take(), this.request_body.as_deref());
                }
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(None) => {
                *this.ended = true;
                this.settlement.settle(OK);
                release(this.hold.take(), this.request_body.as_deref());
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Err(error))) => {
                this.settlement.settle(RESET);
                BodyError::Upstream(error.to_string())
            }
            Poll::Pending => {
                let since = *this.waiting_since.get_or_insert_with(Instant::now);
                if poll_idle(this.timer.as_mut(), since + *this.idle, context).is_pending() {
                    return Poll::Pending;
                }
                this.settlement.settle(IDLE);
                BodyError::UpstreamIdle {
                    seconds: this.idle.as_secs(),
                }
            }
        };
        *this.ended = true;
        // Dropping it closes the connection or resets the stream.
        drop(this.hold.take());
        let _ = this.entry.failure.set(error.to_string());
        if *this.grpc {
            Poll::Ready(Some(Ok(Frame::trailers(last_words(&error, this.entry)))))
        } else {
            Poll::Ready(Some(Err(error)))
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
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
