//! Bodies: what comes from clients, bounded and timed, and what goes back.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full, combinators::UnsyncBoxBody};

use crate::foundation::Blame;

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
            Self::TooLarge { .. } | Self::Idle { .. } | Self::TooSlow { .. } | Self::Broken => {
                Blame::Client
            }
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

/// The body of a request.
#[derive(Debug)]
pub struct RequestBody {
    incoming: hyper::body::Incoming,
}

impl RequestBody {
    /// A body straight from a connection.
    pub fn new(incoming: hyper::body::Incoming) -> Self {
        Self { incoming }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut self.incoming)
            .poll_frame(context)
            .map_err(|_| BodyError::Broken)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
