//! HTTP/2 connections to one origin, each shared by many streams.

use std::{
    error::Error,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http2},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time::Instant;

use super::{Dialer, PoolMeasures, PoolSettings, UpstreamError, pool::UPKEEP_INTERVAL};
use crate::foundation::{Shutdown, ShutdownPhase, Tasks};

/// A pool of HTTP/2 connections. A new one is made when every other carries 90 streams; an aged
/// one takes no new streams and closes when its last one ends.
pub struct Http2Pool<B> {
    shared: Arc<Shared<B>>,
}

struct Shared<B> {
    dialer: Dialer,
    settings: PoolSettings,
    measures: PoolMeasures,
    tasks: Tasks,
    shutdown: Shutdown,
    connections: Mutex<Vec<Arc<Connection<B>>>>,
    /// Held while connecting, so that streams that come at once share one connection.
    connecting: tokio::sync::Mutex<()>,
    upkeep_runs: AtomicBool,
    closed: AtomicBool,
}

struct Connection<B> {
    sender: http2::SendRequest<B>,
    born: Instant,
    streams: AtomicUsize,
    measures: PoolMeasures,
}

/// A place on a connection, held until the stream's last byte.
pub struct Http2Slot<B> {
    connection: Arc<Connection<B>>,
    reused: bool,
}

/// A failed attempt, with the request when nothing of it was sent.
struct Attempt<B> {
    error: UpstreamError,
    unsent: Option<Request<B>>,
}

impl<B> Http2Pool<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// An empty pool.
    pub fn new(
        dialer: Dialer,
        settings: PoolSettings,
        measures: PoolMeasures,
        tasks: Tasks,
        shutdown: Shutdown,
    ) -> Self {
        measures.bound(settings.connections);
        let shared = Shared {
            dialer,
            settings,
            measures,
            tasks,
            shutdown,
            connections: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
            upkeep_runs: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Sends a request and returns the head of its answer, and the place that its body comes by.
    /// A kept connection that turns out to be closed before anything was sent is replaced by
    /// another one, once.
    pub async fn send(
        &self,
        request: Request<B>,
    ) -> Result<(Response<Incoming>, Http2Slot<B>), UpstreamError> {
        let slot = self.shared.slot().await?;
        let attempt = match self.shared.send_by(&slot, request).await {
            Ok(response) => return Ok((response, slot)),
            Err(attempt) => attempt,
        };
        match attempt.unsent {
            Some(request) if slot.reused => {
                self.shared.discard(&slot);
                let slot = self.shared.slot().await?;
                match self.shared.send_by(&slot, request).await {
                    Ok(response) => Ok((response, slot)),
                    Err(attempt) => Err(attempt.error),
                }
            }
            _ => Err(attempt.error),
        }
    }

    /// Connections that take new streams.
    pub fn connections(&self) -> usize {
        self.shared.connections().len()
    }
}

impl<B> Shared<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    async fn slot(self: &Arc<Self>) -> Result<Http2Slot<B>, UpstreamError> {
        if let Some(slot) = self.free_slot() {
            return Ok(slot);
        }
        let deadline = self.dialer.deadline();
        let _turn = tokio::time::timeout(deadline, self.connecting.lock())
            .await
            .map_err(|_| UpstreamError::ConnectTimeout {
                origin: self.dialer.origin().authority().to_string(),
                deadline,
            })?;
        if let Some(slot) = self.free_slot() {
            return Ok(slot);
        }
        if self.connections().len() >= self.settings.connections {
            return Err(UpstreamError::Busy {
                origin: self.dialer.origin().authority().to_string(),
                limit: self.settings.connections,
            });
        }
        let connection = Arc::new(self.measures.attempted(self.connect().await)?);
        let slot = Http2Slot::take(&connection, false);
        if !self.closed.load(Ordering::Relaxed) {
            self.connections().push(connection);
        }
        Ok(slot)
    }

    fn free_slot(&self) -> Option<Http2Slot<B>> {
        let now = Instant::now();
        let mut connections = self.connections();
        connections.retain(|connection| self.takes_streams(connection, now));
        connections
            .iter()
            .find(|connection| connection.streams.load(Ordering::Relaxed) < STREAMS_PER_CONNECTION)
            .map(|connection| Http2Slot::take(connection, true))
    }

    async fn send_by(
        &self,
        slot: &Http2Slot<B>,
        request: Request<B>,
    ) -> Result<Response<Incoming>, Attempt<B>> {
        let deadline = self.settings.headers;
        let answer = slot.connection.sender.clone().try_send_request(request);
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(failure)) => Err(self.failed(failure)),
            Err(_) => Err(Attempt {
                error: UpstreamError::HeaderTimeout {
                    origin: self.dialer.origin().authority().to_string(),
                    deadline,
                },
                unsent: None,
            }),
        }
    }

    fn failed(&self, mut failure: TrySendError<Request<B>>) -> Attempt<B> {
        let unsent = failure.take_message();
        self.dialer.forget_addresses();
        let origin = self.dialer.origin().authority();
        let error = UpstreamError::from_exchange(origin, failure.error(), unsent.is_none());
        Attempt { error, unsent }
    }

    async fn connect(self: &Arc<Self>) -> Result<Connection<B>, UpstreamError> {
        let stream = self.dialer.dial().await?;
        let (sender, connection) = http2::Builder::new(self.tasks.clone())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME_BYTES)
            .max_header_list_size(HEADER_LIST_BYTES)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| {
                UpstreamError::from_exchange(self.dialer.origin().authority(), &error, false)
            })?;
        self.tasks.spawn("upstream http2 connection", async move {
            // What failed is told to the streams; an idle connection may end as it likes.
            let _ = connection.await;
        });
        self.start_upkeep();
        self.measures.appeared();
        Ok(Connection {
            sender,
            born: Instant::now(),
            streams: AtomicUsize::new(0),
            measures: self.measures.clone(),
        })
    }

    /// Lets go of what is closed or aged, and of everything when the process drains: a
    /// connection ends when nobody holds its sender any more, so streams are not cut.
    fn start_upkeep(self: &Arc<Self>) {
        if self.upkeep_runs.swap(true, Ordering::Relaxed) {
            return;
        }
        let pool: Weak<Self> = Arc::downgrade(self);
        let shutdown = self.shutdown.clone();
        self.tasks.spawn("upstream http2 upkeep", async move {
            loop {
                let draining = tokio::select! {
                    () = tokio::time::sleep(UPKEEP_INTERVAL) => false,
                    () = shutdown.reached(ShutdownPhase::Draining) => true,
                };
                let Some(pool) = pool.upgrade() else { return };
                if draining {
                    pool.closed.store(true, Ordering::Relaxed);
                    pool.connections().clear();
                    return;
                }
                let now = Instant::now();
                pool.connections()
                    .retain(|connection| pool.takes_streams(connection, now));
            }
        });
    }

    fn takes_streams(&self, connection: &Connection<B>, now: Instant) -> bool {
        !connection.sender.is_closed() && now.duration_since(connection.born) < self.settings.age
    }
}

impl<B> Shared<B> {
    fn connections(&self) -> MutexGuard<'_, Vec<Arc<Connection<B>>>> {
        // The list is valid after any panic: each change is one call.
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn discard(&self, slot: &Http2Slot<B>) {
        self.connections()
            .retain(|connection| !Arc::ptr_eq(connection, &slot.connection));
    }
}

impl<B> Http2Slot<B> {
    fn take(connection: &Arc<Connection<B>>, reused: bool) -> Self {
        if connection.streams.fetch_add(1, Ordering::Relaxed) == 0 {
            connection.measures.begins();
        }
        Self {
            connection: connection.clone(),
            reused,
        }
    }
}

impl<B> Drop for Http2Slot<B> {
    fn drop(&mut self) {
        if self.connection.streams.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.connection.measures.ends();
        }
    }
}

impl<B> Drop for Connection<B> {
    fn drop(&mut self) {
        // Streams hold their connection: none is left.
        self.measures.vanished();
    }
}

impl<B> fmt::Debug for Http2Pool<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Http2Pool")
            .field("origin", self.shared.dialer.origin())
            .finish_non_exhaustive()
    }
}

impl<B> fmt::Debug for Http2Slot<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Http2Slot")
    }
}

/// Servers commonly allow 100 streams on a connection; some are left for those that end late.
const STREAMS_PER_CONNECTION: usize = 90;

/// Holds the largest gRPC message of 4 MiB in a few round trips without a pause between them.
const STREAM_WINDOW: u32 = 1024 * 1024;

/// Four busy streams at full window.
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// The protocol's own least value; larger frames would let one stream delay the others.
const FRAME_BYTES: u32 = 16 * 1024;

/// As much as we take from clients: gRPC metadata of 64 KiB.
const HEADER_LIST_BYTES: u32 = 64 * 1024;

/// Above the 10 s at which strict servers of gRPC call a client rude, below common idle limits.
const PING_INTERVAL: Duration = Duration::from_secs(25);

/// A server that does not answer a PING in this time is gone.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
