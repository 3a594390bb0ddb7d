//! One connection from its first byte to its last: HTTP/1 (`http1.rs`) or HTTP/2.

use std::{sync::Arc, time::Duration};

use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    time::{Instant, timeout},
};

use super::{
    HttpServer, Surface, ending::ending, frames::FrameWatch, rewind::Rewind,
    service::ConnectionService, untaken::UntakenAnswers,
};
use crate::{
    config::Limits,
    foundation::{ConnectionFacts, ShutdownPhase},
};

impl HttpServer {
    /// Serves one connection to its end: until the client leaves, a limit is met, or the process
    /// ends.
    pub async fn serve<S>(&self, stream: S, facts: Arc<ConnectionFacts>, surface: Surface)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = Arc::clone(&self.shared().settings.limits);
        let chosen = facts.tls.as_ref().and_then(|tls| tls.http2);
        let mut stream = Rewind::new(stream);
        let http2 = match chosen {
            Some(http2) => http2,
            None => match Box::pin(timeout(limits.request_head, sniff(&mut stream))).await {
                Ok(Some(http2)) => http2,
                Ok(None) | Err(_) => return,
            },
        };
        if http2 {
            // Boxed: else an idle connection of HTTP/1 keeps the room for one of HTTP/2.
            Box::pin(self.serve_http2(stream, facts, surface)).await;
        } else {
            self.serve_http1(stream, facts, surface).await;
        }
    }

    async fn serve_http2<S>(&self, stream: Rewind<S>, facts: Arc<ConnectionFacts>, surface: Surface)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let shared = Arc::clone(self.shared());
        let (limits, ends) = (&shared.settings.limits, surface.ends());
        let stream = FrameWatch::new(stream, limits, self.frames_hook(&facts));
        let untaken = Arc::new(UntakenAnswers::default());
        let mut watch = std::pin::pin!(untaken.watch(limits.response_body_idle));
        let service = ConnectionService {
            shared: Arc::clone(&shared),
            surface,
            facts,
            gate: None,
            untaken: Some(Arc::clone(&untaken)),
        };
        let builder = http2_builder(&shared.streams, limits);
        let mut connection =
            std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
        let (born, shutdown) = (Instant::now(), &shared.settings.shutdown);
        tokio::select! {
            _ = connection.as_mut() => return,
            () = watch.as_mut() => return,
            // Two GOAWAYs with a PING between them, so that no request in flight is lost.
            () = ending(shutdown, ends, born) => connection.as_mut().graceful_shutdown(),
        }
        tokio::select! {
            // First: connections to upstreams are cut in the same moment, and streams whose answer broke off
            // there would be reset, which gRPC clients take for INTERNAL and do not try again.
            biased;
            () = shutdown.reached(ShutdownPhase::Cut) => {}
            _ = connection => {}
            () = watch => {}
        }
    }
}

fn http2_builder(
    streams: &crate::foundation::Tasks,
    limits: &Limits,
) -> http2::Builder<crate::foundation::Tasks> {
    let mut builder = http2::Builder::new(streams.clone());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .max_concurrent_streams(limits.http2_streams)
        .max_header_list_size(u32::try_from(limits.request_head_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .enable_connect_protocol();
    builder
}

/// Whether the connection begins with the HTTP/2 preface; none when the client left first.
async fn sniff<S>(stream: &mut Rewind<S>) -> Option<bool>
where
    S: AsyncRead + Unpin,
{
    let mut seen = Vec::with_capacity(PREFACE.len());
    while seen.len() < PREFACE.len() {
        let mut byte = [0_u8; PREFACE.len()];
        let wanted = PREFACE.len() - seen.len();
        let length = stream
            .inner_mut()
            .read(byte.get_mut(..wanted)?)
            .await
            .ok()?;
        if length == 0 {
            return None;
        }
        seen.extend_from_slice(byte.get(..length)?);
        if !PREFACE.starts_with(&seen) {
            stream.rewind(&seen);
            return Some(false);
        }
    }
    stream.rewind(&seen);
    Some(true)
}

/// The first bytes of every HTTP/2 connection (RFC 9113 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A half-open HTTP/2 connection is found within a minute; clients of ours PING every 20 s.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// How long an answer to our PING may take.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// A megabyte in flight fills a fast line with a long way; memory is used only when it is full.
const STREAM_WINDOW: u32 = 1024 * 1024;

/// Four streams at full speed on one connection.
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// Bytes that wait for one slow reader, per stream.
const SEND_BUFFER: usize = 256 * 1024;
