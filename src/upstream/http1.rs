//! HTTP/1.1 connections to one origin, lent to one exchange at a time.

use std::{
    convert::Infallible,
    error::Error,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1},
};
use hyper_util::rt::TokioIo;
use tokio::{sync::oneshot, time::Instant};

use super::{
    Dialer, PoolMeasures, PoolSettings, UpstreamError, measures::Presence, pool::UPKEEP_INTERVAL,
};
use crate::foundation::{Shutdown, ShutdownPhase, Tasks};

/// A pool of kept-alive connections. The most recently used is lent first, so that a quiet hour
/// lets the others age and close.
pub struct Http1Pool<B> {
    shared: Arc<Shared<B>>,
}

struct Shared<B> {
    dialer: Dialer,
    settings: PoolSettings,
    measures: PoolMeasures,
    tasks: Tasks,
    shutdown: Shutdown,
    idle: Mutex<Vec<Idle<B>>>,
    in_use: AtomicUsize,
    upkeep_runs: AtomicBool,
    closed: AtomicBool,
}

struct Idle<B> {
    connection: Connection<B>,
    since: Instant,
}

struct Connection<B> {
    sender: http1::SendRequest<B>,
    born: Instant,
    presence: Presence,
    /// Dropped with the connection, which ends the task that drives it at once.
    _alive: oneshot::Sender<Infallible>,
}

/// A connection while it belongs to one exchange. Dropping it closes the connection, which is
/// how an exchange is cancelled; [`Http1Lease::release`] gives it back.
pub struct Http1Lease<B> {
    connection: Option<Connection<B>>,
    reused: bool,
    shared: Arc<Shared<B>>,
}

/// A failed attempt, with the request when nothing of it was sent.
struct Attempt<B> {
    error: UpstreamError,
    unsent: Option<Request<B>>,
}

impl<B> Http1Pool<B>
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
            idle: Mutex::default(),
            in_use: AtomicUsize::new(0),
            upkeep_runs: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Sends a request and returns the head of its answer, and the connection that the body of
    /// the answer comes by. A kept connection that turns out to be closed before anything was
    /// sent is replaced by a fresh one, once.
    pub async fn send(
        &self,
        request: Request<B>,
    ) -> Result<(Response<Incoming>, Http1Lease<B>), UpstreamError> {
        let mut lease = self.shared.lease(true).await?;
        let attempt = match lease.send(request).await {
            Ok(response) => return Ok((response, lease)),
            Err(attempt) => attempt,
        };
        match attempt.unsent {
            Some(request) if lease.reused => {
                drop(lease);
                let mut lease = self.shared.lease(false).await?;
                match lease.send(request).await {
                    Ok(response) => Ok((response, lease)),
                    Err(attempt) => Err(attempt.error),
                }
            }
            _ => Err(attempt.error),
        }
    }

    /// Connections that wait for a request.
    pub fn idle_connections(&self) -> usize {
        self.shared.idle().len()
    }
}

impl<B> Shared<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    async fn lease(self: &Arc<Self>, may_reuse: bool) -> Result<Http1Lease<B>, UpstreamError> {
        let in_use = self.in_use.fetch_add(1, Ordering::Relaxed);
        // From here on the lease gives the place back, whatever happens.
        let mut lease = Http1Lease {
            connection: None,
            reused: false,
            shared: self.clone(),
        };
        if in_use >= self.settings.connections {
            return Err(UpstreamError::Busy {
                origin: self.dialer.origin().authority().to_string(),
                limit: self.settings.connections,
            });
        }
        if may_reuse && let Some(connection) = self.take_idle() {
            lease.connection = Some(connection);
            lease.reused = true;
            return Ok(lease);
        }
        lease.connection = Some(self.connect().await?);
        Ok(lease)
    }

    fn take_idle(&self) -> Option<Connection<B>> {
        let now = Instant::now();
        let mut idle = self.idle();
        let mut position = idle.len();
        while let Some(below) = position.checked_sub(1) {
            position = below;
            let candidate = idle.get(position)?;
            if !self.is_usable(candidate, now) {
                idle.swap_remove(position);
            } else if candidate.connection.sender.is_ready() {
                let mut connection = idle.remove(position).connection;
                connection.presence.work();
                return Some(connection);
            }
        }
        None
    }

    async fn connect(self: &Arc<Self>) -> Result<Connection<B>, UpstreamError> {
        self.measures.attempted(self.try_connect().await)
    }

    async fn try_connect(self: &Arc<Self>) -> Result<Connection<B>, UpstreamError> {
        let stream = self.dialer.dial().await?;
        let (sender, connection) = http1::Builder::new()
            .max_header_size(HEAD_BYTES)
            .max_buf_size(BUFFER_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.exchange_error(&error, false))?;
        let (alive, ended) = oneshot::channel();
        self.tasks.spawn("upstream http1 connection", async move {
            tokio::select! {
                // What failed is told to the exchange; an idle connection may end as it likes.
                _ = connection.with_upgrades() => {}
                _ = ended => {}
            }
        });
        self.start_upkeep();
        Ok(Connection {
            sender,
            born: Instant::now(),
            presence: self.measures.opened(),
            _alive: alive,
        })
    }

    /// Closes what idles too long, and everything when the process drains.
    fn start_upkeep(self: &Arc<Self>) {
        if self.upkeep_runs.swap(true, Ordering::Relaxed) {
            return;
        }
        let pool: Weak<Self> = Arc::downgrade(self);
        let shutdown = self.shutdown.clone();
        self.tasks.spawn("upstream http1 upkeep", async move {
            loop {
                let draining = tokio::select! {
                    () = tokio::time::sleep(UPKEEP_INTERVAL) => false,
                    () = shutdown.reached(ShutdownPhase::Draining) => true,
                };
                let Some(pool) = pool.upgrade() else { return };
                if draining {
                    pool.closed.store(true, Ordering::Relaxed);
                    pool.idle().clear();
                    return;
                }
                let now = Instant::now();
                pool.idle().retain(|idle| pool.is_usable(idle, now));
            }
        });
    }

    fn is_usable(&self, idle: &Idle<B>, now: Instant) -> bool {
        !idle.connection.sender.is_closed()
            && now.duration_since(idle.since) < self.settings.idle
            && now.duration_since(idle.connection.born) < self.settings.age
    }
}

impl<B> Shared<B> {
    fn idle(&self) -> MutexGuard<'_, Vec<Idle<B>>> {
        // The list is valid after any panic: each change is one call.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exchange_error(&self, error: &hyper::Error, sent: bool) -> UpstreamError {
        self.dialer.forget_addresses();
        UpstreamError::from_exchange(self.dialer.origin().authority(), error, sent)
    }
}

impl<B> Http1Lease<B> {
    /// Gives the connection back after an exchange that both sides have finished.
    pub fn release(mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        let shared = &self.shared;
        if connection.sender.is_closed() || shared.closed.load(Ordering::Relaxed) {
            return;
        }
        connection.presence.rest();
        shared.idle().push(Idle {
            connection,
            since: Instant::now(),
        });
    }
}

impl<B> Http1Lease<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    async fn send(&mut self, request: Request<B>) -> Result<Response<Incoming>, Attempt<B>> {
        let deadline = self.shared.settings.headers;
        let connection = self.connection.as_mut();
        let sender = &mut connection
            .expect("a lease has its connection until it is released")
            .sender;
        let answer = sender.try_send_request(request);
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(failure)) => Err(self.failed(failure)),
            Err(_) => Err(Attempt {
                error: UpstreamError::HeaderTimeout {
                    origin: self.shared.dialer.origin().authority().to_string(),
                    deadline,
                },
                unsent: None,
            }),
        }
    }

    fn failed(&self, mut failure: TrySendError<Request<B>>) -> Attempt<B> {
        let unsent = failure.take_message();
        let error = self
            .shared
            .exchange_error(failure.error(), unsent.is_none());
        Attempt { error, unsent }
    }
}

impl<B> Drop for Http1Lease<B> {
    fn drop(&mut self) {
        self.shared.in_use.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<B> fmt::Debug for Http1Pool<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Http1Pool")
            .field("origin", self.shared.dialer.origin())
            .field("in_use", &self.shared.in_use)
            .finish_non_exhaustive()
    }
}

impl<B> fmt::Debug for Http1Lease<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Http1Lease")
    }
}

/// The head of an answer: as large as the heads of requests that we take.
const HEAD_BYTES: usize = 64 * 1024;

/// What is read ahead of a client that takes its answer slowly, and what waits for an upstream
/// that takes a body slowly: room for a head, and enough to fill a fast line. hyper's own bound is
/// 417 kB.
const BUFFER_BYTES: usize = 128 * 1024;
