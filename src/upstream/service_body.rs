//! The body of an answer, with the connection that it comes by.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;

use super::{
    Http1Lease, UpstreamError,
    error::{error_chain, innermost_cause},
};

/// Bytes as they arrive. Read to its end, the connection serves the next call; dropped before,
/// the call ends at the server.
#[derive(Debug)]
pub struct ServiceBody(Kind);

#[derive(Debug)]
enum Kind {
    Direct(Incoming, Option<Http1Lease<Full<Bytes>>>),
    Proxied(reqwest::Body),
}

impl ServiceBody {
    /// Over a connection of ours.
    pub(super) fn direct(body: Incoming, lease: Http1Lease<Full<Bytes>>) -> Self {
        let mut lease = Some(lease);
        release_at_end(&body, &mut lease);
        Self(Kind::Direct(body, lease))
    }

    /// Over one of the general client's.
    pub(super) fn proxied(body: reqwest::Body) -> Self {
        Self(Kind::Proxied(body))
    }
}

impl Body for ServiceBody {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        Poll::Ready(match &mut self.get_mut().0 {
            Kind::Direct(body, lease) => {
                let frame = ready!(Pin::new(&mut *body).poll_frame(context));
                match &frame {
                    None => release(lease),
                    Some(Ok(_)) => release_at_end(body, lease),
                    Some(Err(_)) => *lease = None,
                }
                frame.map(|frame| frame.map_err(|error| broken(error_chain(&error))))
            }
            Kind::Proxied(body) => {
                let frame = ready!(Pin::new(body).poll_frame(context));
                frame.map(|frame| frame.map_err(|error| broken(innermost_cause(&error))))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Direct(body, _) => body.is_end_stream(),
            Kind::Proxied(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Direct(body, _) => body.size_hint(),
            Kind::Proxied(body) => body.size_hint(),
        }
    }
}

fn release_at_end(body: &Incoming, lease: &mut Option<Http1Lease<Full<Bytes>>>) {
    if body.is_end_stream() {
        release(lease);
    }
}

/// The request's body was a whole one, so that both sides have finished.
fn release(lease: &mut Option<Http1Lease<Full<Bytes>>>) {
    if let Some(lease) = lease.take() {
        lease.release();
    }
}

fn broken(reason: String) -> UpstreamError {
    UpstreamError::Cut { reason }
}
