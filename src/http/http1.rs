//! An HTTP/1 connection: behind the gate, and taken apart while it idles.
//!
//! hyper keeps its buffers and its state for as long as it has a connection, 9 kB of it. So it
//! has one only while there is something to do: between requests the bare stream waits for the
//! next byte, and hyper is built anew when that comes.

use std::{future::poll_fn, sync::Arc, time::Duration};

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::{Instant, sleep, timeout},
};

use super::{
    HttpServer, Surface,
    ending::ending,
    gate::{GateControl, GateStream, Wake},
    rewind::Rewind,
    service::ConnectionService,
};
use crate::{
    config::Limits,
    foundation::{ConnectionFacts, ShutdownPhase},
};

impl HttpServer {
    pub(super) async fn serve_http1<S>(
        &self,
        stream: Rewind<S>,
        facts: Arc<ConnectionFacts>,
        surface: Surface,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let shared = self.shared();
        let control = GateControl::new();
        let hook = self.gate_hook(&facts);
        let limits = &shared.settings.limits;
        let service = ConnectionService {
            shared: Arc::clone(shared),
            surface,
            facts,
            gate: Some(control.clone()),
            untaken: None,
        };
        let visit = Visit {
            ends: service.surface.ends(),
            service,
            control: control.clone(),
            born: Instant::now(),
        };
        let mut stream = GateStream::new(stream, limits, control, hook);
        while visit.is_woken(&mut stream).await {
            // Boxed: else a waiting connection would keep the room for a busy one.
            match Box::pin(visit.converse(stream)).await {
                Next::Idle(idle) => stream = idle,
                Next::Broken(broken) => {
                    stream = broken;
                    break;
                }
                Next::Gone => return,
            }
        }
        // The peer may be gone, or not read any more; there is nothing to tell then.
        let _ = timeout(GOODBYE, stream.shutdown()).await;
    }
}

/// What is left of a conversation.
enum Next<S> {
    /// Nothing is to do for now.
    Idle(S),
    /// An answer broke off: its client has to see the end of the connection in the middle of it,
    /// and not a fault of TLS, which GitLab takes for another kind of trouble.
    Broken(S),
    /// Nothing.
    Gone,
}

/// One client on one connection.
struct Visit {
    service: ConnectionService,
    control: GateControl,
    ends: ShutdownPhase,
    born: Instant,
}

impl Visit {
    /// Waits without hyper. False: the connection is over.
    async fn is_woken<S>(&self, stream: &mut GateStream<S>) -> bool
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let shutdown = &self.service.shared.settings.shutdown;
        tokio::select! {
            // A request that came before the end is answered.
            biased;
            wake = poll_fn(|context| stream.poll_wake(context)) => wake == Wake::Bytes,
            () = ending(shutdown, self.ends, self.born) => false,
        }
    }

    /// Answers requests until none has come for a while, or the connection ends.
    async fn converse<S>(&self, stream: GateStream<S>) -> Next<GateStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = &self.service.shared.settings.limits;
        let mut connection = builder(limits)
            .serve_connection(TokioIo::new(stream), self.service.clone())
            .with_upgrades();
        let shutdown = &self.service.shared.settings.shutdown;
        tokio::select! {
            // What has come is read before the end is told.
            biased;
            outcome = &mut connection => {
                return match connection.into_parts() {
                    Some(parts) if outcome.is_err() => Next::Broken(parts.io.into_inner()),
                    _ => Next::Gone,
                };
            }
            () = self.rest() => {
                return match connection.into_parts() {
                    // Bytes that hyper has not looked at belong to a request that it gave up.
                    Some(parts) if parts.read_buf.is_empty() => Next::Idle(parts.io.into_inner()),
                    _ => Next::Gone,
                };
            }
            () = ending(shutdown, self.ends, self.born) => {}
        }
        let mut connection = std::pin::pin!(connection);
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ = connection => {}
            () = shutdown.reached(ShutdownPhase::Cut) => {}
        }
        Next::Gone
    }

    /// Returns once nothing was left to do, and nothing new came, for a whole pause.
    async fn rest(&self) {
        let (mut before, mut pause) = (None, REST_AFTER);
        loop {
            sleep(pause).await;
            let now = Some(self.control.standing());
            if now != before {
                (before, pause) = (now, REST_AFTER);
            } else if self.control.is_idle() {
                return;
            } else {
                // A stream of hours is not looked after every second.
                pause = (pause * 2).min(REST_AFTER_STREAM);
            }
        }
    }
}

fn builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // The gate keeps the deadlines of heads and of idle connections itself.
        .header_read_timeout(None)
        .max_headers(limits.request_head_fields)
        .max_header_size(limits.request_head_bytes + HEAD_SLACK)
        // Bounds what waits for a slow reader too; hyper's own bound is 417 kB.
        .max_buf_size(limits.request_head_bytes + HEAD_SLACK)
        .half_close(false);
    builder
}

/// Requests of one conversation come closer together; taking hyper apart and building it anew
/// costs some microseconds, less than the wait is worth.
const REST_AFTER: Duration = Duration::from_secs(1);

/// The longest pause between two looks at a connection that is busy with one answer.
const REST_AFTER_STREAM: Duration = Duration::from_secs(32);

/// For the last bytes of a closing connection: a round trip of a slow network.
const GOODBYE: Duration = Duration::from_secs(1);

/// hyper counts the request line as well; the gate has judged the head already.
const HEAD_SLACK: usize = 1024;
