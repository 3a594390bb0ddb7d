//! Bodies: what comes from clients, bounded and timed, and what goes back.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full, combinators::UnsyncBoxBody};
use tokio::time::{Instant, Sleep};

use super::AccessEntry;
use crate::{
    config::Limits,
    foundation::{Blame, Tasks},
};

/// The body of a request. Its clock runs only while we wait for the client: an upstream that
/// takes bytes slowly is not the client's fault.
#[derive(Debug)]
pub struct RequestBody {
    /// Present until the body is dropped.
    incoming: Option<hyper::body::Incoming>,
    entry: Arc<AccessEntry>,
    /// Present on HTTP/2: who throws away what nobody read.
    leftovers: Option<Tasks>,
    pace: Option<Pace>,
    remaining: u64,
    maximum: u64,
}

impl RequestBody {
    /// A body of the API door: bounded in size, in its pauses and in its slowness.
    pub fn bounded(
        incoming: hyper::body::Incoming,
        entry: Arc<AccessEntry>,
        limits: &Limits,
    ) -> Self {
        let maximum = limits.api_body_bytes;
        Self {
            incoming: Some(incoming),
            entry,
            leftovers: None,
            pace: Some(Pace::new(limits)),
            remaining: maximum,
            maximum,
        }
    }

    /// A stream of messages (gRPC, WebSocket): silent for as long as it likes, with no bound on
    /// its sum.
    pub fn unbounded(incoming: hyper::body::Incoming, entry: Arc<AccessEntry>) -> Self {
        Self {
            incoming: Some(incoming),
            entry,
            leftovers: None,
            pace: None,
            remaining: u64::MAX,
            maximum: u64::MAX,
        }
    }

    /// On HTTP/2 an answer that comes before the body's end would reset the stream, and many
    /// clients then lose the answer. So what nobody read is taken for a moment and thrown away.
    pub(super) fn with_leftovers(mut self, tasks: &Tasks) -> Self {
        self.leftovers = Some(tasks.clone());
        self
    }

    /// The bound in bytes; `u64::MAX` without one.
    pub fn maximum(&self) -> u64 {
        self.maximum
    }

    fn account(&mut self, frame: &Frame<Bytes>) -> Result<(), BodyError> {
        let Some(data) = frame.data_ref() else {
            return Ok(());
        };
        let length = data.len() as u64;
        self.entry.add_bytes_in(length);
        if let Some(pace) = &mut self.pace {
            pace.received(length);
        }
        self.remaining = self
            .remaining
            .checked_sub(length)
            .ok_or(BodyError::TooLarge {
                limit: self.maximum,
            })?;
        Ok(())
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let Some(incoming) = &mut this.incoming else {
            return Poll::Ready(None);
        };
        match Pin::new(incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(this.account(&frame).map(|()| frame))),
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(BodyError::Broken))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match this.pace.as_mut().map(|pace| pace.poll_waiting(context)) {
                Some(Poll::Ready(error)) => Poll::Ready(Some(Err(error))),
                Some(Poll::Pending) | None => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming
            .as_ref()
            .map(Body::size_hint)
            .unwrap_or_default()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let (Some(incoming), Some(tasks)) = (self.incoming.take(), self.leftovers.take()) else {
            return;
        };
        if !incoming.is_end_stream() {
            tasks.spawn("leftovers of a body", throw_away(incoming));
        }
    }
}

async fn throw_away(mut incoming: hyper::body::Incoming) {
    let thrown = async {
        let mut left = LEFTOVER_BYTES;
        while let Some(Ok(frame)) = incoming.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            let Some(rest) = left.checked_sub(length) else {
                return;
            };
            left = rest;
        }
    };
    // Whatever is left after that is reset, which the client has then earned.
    let _ = tokio::time::timeout(LEFTOVER_TIME, thrown).await;
}

/// How long and how slowly a client may send.
#[derive(Debug)]
struct Pace {
    idle: Duration,
    minimum_rate: u64,
    rate_after: Duration,
    received: u64,
    waited: Duration,
    waiting_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    fn new(limits: &Limits) -> Self {
        Self {
            idle: limits.request_body_idle,
            minimum_rate: limits.request_body_minimum_rate,
            rate_after: limits.request_body_rate_after,
            received: 0,
            waited: Duration::ZERO,
            waiting_since: None,
            timer: None,
        }
    }

    fn received(&mut self, length: u64) {
        self.received += length;
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
        }
    }

    /// Ready with an error once the client paused or trickled for too long.
    fn poll_waiting(&mut self, context: &mut Context<'_>) -> Poll<BodyError> {
        loop {
            let now = Instant::now();
            let since = *self.waiting_since.get_or_insert(now);
            let pause = now - since;
            if pause >= self.idle {
                return Poll::Ready(BodyError::Idle {
                    seconds: self.idle.as_secs(),
                });
            }
            let waited = self.waited + pause;
            if waited > self.rate_after
                && self.received < self.minimum_rate.saturating_mul(waited.as_secs())
            {
                return Poll::Ready(BodyError::TooSlow {
                    rate: self.minimum_rate,
                });
            }
            let next = now + RATE_CHECK.min(self.idle.saturating_sub(pause));
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(next)));
            if timer.is_elapsed() {
                timer.as_mut().reset(next);
            }
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

/// Why a body ended early, in either direction.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The client sent more than the door takes.
    #[error("the request body is larger than {limit} bytes")]
    TooLarge {
        /// The bound in bytes.
        limit: u64,
    },
    /// The client paused for too long.
    #[error("the request body stood still for {seconds} s")]
    Idle {
        /// The bound in seconds.
        seconds: u64,
    },
    /// The client trickles.
    #[error("the request body arrives with less than {rate} bytes a second")]
    TooSlow {
        /// The bound in bytes per second.
        rate: u64,
    },
    /// The client broke the framing of the body or left in the middle of it.
    #[error("the request body broke off or is malformed")]
    Broken,
    /// The client takes nothing of its answer.
    #[error("the client took nothing of the answer for too long")]
    NotTaken,
    /// The server behind us broke off.
    #[error("the upstream's answer broke off: {0}")]
    Upstream(String),
    /// The server behind us paused for too long.
    #[error("the upstream's answer stood still for {seconds} s")]
    UpstreamIdle {
        /// The bound in seconds.
        seconds: u64,
    },
}

impl BodyError {
    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::TooLarge { .. }
            | Self::Idle { .. }
            | Self::TooSlow { .. }
            | Self::NotTaken
            | Self::Broken => Blame::Client,
            Self::Upstream(_) | Self::UpstreamIdle { .. } => Blame::Upstream,
        }
    }
}

/// The body of an answer.
pub type ResponseBody = UnsyncBoxBody<Bytes, BodyError>;

/// A body without bytes.
pub fn empty_body() -> ResponseBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body that is known whole.
pub fn full_body(bytes: impl Into<Bytes>) -> ResponseBody {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A stream window: what a client may have sent before it could read our answer.
const LEFTOVER_BYTES: usize = 1024 * 1024;

/// Time for an answer to reach a client far away.
const LEFTOVER_TIME: Duration = Duration::from_secs(2);

/// How often the rate is looked at while a client pauses: fine enough for a limit in minutes.
const RATE_CHECK: Duration = Duration::from_secs(5);
