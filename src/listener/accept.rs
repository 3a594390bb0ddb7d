//! The accept loop.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use ipnet::IpNet;
use rustix::io::Errno;
use tokio::{net::TcpStream, time::Instant};

use super::{ConnectionCounts, ConnectionPermit, Listener, RawStream, Refusal, receive};
use crate::{
    config::{Limits, Listen},
    foundation::{ConnectionFacts, ListenerKind, Shutdown, ShutdownPhase, Tasks},
    telemetry::{Metrics, OutcomeLabels},
};

/// What all accept loops share.
#[derive(Clone, Debug)]
pub struct AcceptSettings {
    /// Networks whose PROXY header is believed, and demanded.
    pub proxy_protocol_from: Vec<IpNet>,
    /// Networks that carry many clients: no bound per client.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a PROXY header may take.
    pub proxy_header: Duration,
    /// Open connections.
    pub counts: Arc<ConnectionCounts>,
    /// Where refusals and errors are counted.
    pub metrics: Arc<Metrics>,
    /// Where connections wait for their PROXY header.
    pub tasks: Tasks,
}

impl AcceptSettings {
    /// The settings that the configuration asks for.
    pub fn new(listen: &Listen, limits: &Limits, metrics: Arc<Metrics>, tasks: Tasks) -> Self {
        let counts = ConnectionCounts::new(limits, Arc::clone(&metrics));
        Self::with_counts(listen, limits, counts, metrics, tasks)
    }

    /// The same, with connections counted together with those of earlier settings.
    pub fn with_counts(
        listen: &Listen,
        limits: &Limits,
        counts: Arc<ConnectionCounts>,
        metrics: Arc<Metrics>,
        tasks: Tasks,
    ) -> Self {
        Self {
            proxy_protocol_from: listen.proxy_protocol_from.clone(),
            trusted_proxies: listen.trusted_proxies.clone(),
            proxy_header: limits.proxy_header,
            counts,
            metrics,
            tasks,
        }
    }

    fn refuse(&self, refusal: Refusal) {
        let outcome = refusal.as_str();
        let labels = OutcomeLabels { outcome };
        self.metrics
            .connections_refused
            .get_or_create(&labels)
            .inc();
    }
}

/// A connection that was let in.
#[derive(Debug)]
pub struct Incoming {
    /// Its bytes.
    pub stream: RawStream,
    /// The listener it came by.
    pub listener: ListenerKind,
    /// Its place among the open connections; keep it as long as the connection lasts.
    pub permit: ConnectionPermit,
}

impl Incoming {
    /// What is known of it before TLS.
    pub fn facts(&self) -> ConnectionFacts {
        ConnectionFacts {
            listener: self.listener,
            peer: self.stream.peer(),
            local: self.stream.local(),
            tls: None,
        }
    }
}

/// Accepts until `shutdown` drains, for operators until it cuts, takes what still waits, and closes the socket. Each connection
/// gets the settings of its moment. `on_connection` must not block: it starts a task for each
/// connection.
pub async fn run<F>(
    listener: Listener,
    settings: Arc<ArcSwap<AcceptSettings>>,
    on_connection: F,
    shutdown: Shutdown,
) where
    F: Fn(Incoming) + Send + Sync + 'static,
{
    let kind = listener.kind();
    let (socket, handle) = match listener.into_parts() {
        Ok(parts) => parts,
        Err(error) => {
            tracing::error!(listener = kind.as_str(), %error, "cannot accept on this listener");
            return;
        }
    };
    let on_connection = Arc::new(on_connection);
    let mut failures = Failures::default();
    let last = shutdown.reached(last_phase(kind));
    tokio::pin!(last);
    loop {
        let accepted = tokio::select! {
            () = &mut last => break,
            accepted = socket.accept() => accepted,
        };
        let settings = settings.load_full();
        match accepted {
            Ok((socket, _)) => admit(socket, kind, &settings, &on_connection),
            Err(error) => {
                settings.metrics.accept_errors.inc();
                failures.note(kind, &error);
                if !is_of_one_connection(&error) {
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
    // Their handshake with the kernel is done: closing the socket now would reset them.
    for _ in 0..LEFT_IN_BACKLOG {
        let Some(Ok((socket, _))) = socket.accept().now_or_never() else {
            break;
        };
        admit(socket, kind, &settings.load_full(), &on_connection);
    }
    drop((socket, handle));
}

fn admit<F>(
    socket: TcpStream,
    listener: ListenerKind,
    settings: &Arc<AcceptSettings>,
    on_connection: &Arc<F>,
) where
    F: Fn(Incoming) + Send + Sync + 'static,
{
    let mut permit = match settings.counts.admit(listener) {
        Ok(permit) => permit,
        Err(refusal) => return settings.refuse(refusal),
    };
    // Fails only on a connection that is already gone; its first read will tell.
    let _ = socket.set_nodelay(true);
    let Ok(stream) = RawStream::new(socket) else {
        return;
    };
    if contains(&settings.proxy_protocol_from, stream.peer().ip()) {
        let settings = Arc::clone(settings);
        let on_connection = Arc::clone(on_connection);
        let tasks = settings.tasks.clone();
        return tasks.spawn("proxy header", async move {
            admit_proxied(stream, listener, permit, &settings, &*on_connection).await;
        });
    }
    if let Err(refusal) = charge(&mut permit, listener, stream.peer().ip(), settings) {
        return settings.refuse(refusal);
    }
    on_connection(Incoming {
        stream,
        listener,
        permit,
    });
}

async fn admit_proxied<F>(
    stream: RawStream,
    listener: ListenerKind,
    mut permit: ConnectionPermit,
    settings: &AcceptSettings,
    on_connection: &F,
) where
    F: Fn(Incoming) + Send + Sync + 'static,
{
    let proxy = stream.peer();
    let stream = match receive::receive_header(stream, settings.proxy_header).await {
        Ok(stream) => stream,
        Err(error) => {
            settings.refuse(Refusal::ProxyHeader);
            tracing::warn!(
                listener = listener.as_str(), %proxy, %error,
                "closed a connection from listen.proxy_protocol_from"
            );
            return;
        }
    };
    // Without addresses in the header it is the proxy's own connection, a health check.
    if stream.peer() != proxy
        && let Err(refusal) = charge(&mut permit, listener, stream.peer().ip(), settings)
    {
        return settings.refuse(refusal);
    }
    on_connection(Incoming {
        stream,
        listener,
        permit,
    });
}

fn charge(
    permit: &mut ConnectionPermit,
    listener: ListenerKind,
    client: IpAddr,
    settings: &AcceptSettings,
) -> Result<(), Refusal> {
    if listener.is_operators() || contains(&settings.trusted_proxies, client) {
        return Ok(());
    }
    permit.charge(client)
}

/// A drain is watched to its end.
fn last_phase(listener: ListenerKind) -> ShutdownPhase {
    if listener.is_operators() {
        ShutdownPhase::Cut
    } else {
        ShutdownPhase::Draining
    }
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// Failures of accept that concern one connection which is gone: the next may be fine at once.
/// All others (no descriptors, no memory) would come back in a tight loop.
fn is_of_one_connection(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        code,
        Some(Errno::CONNABORTED | Errno::CONNRESET | Errno::PROTO | Errno::PERM | Errno::INTR)
    )
}

/// Remembers what was said, so that a storm of failures makes one line in ten seconds.
#[derive(Default)]
struct Failures {
    said: Option<Instant>,
    unsaid: u64,
}

impl Failures {
    fn note(&mut self, listener: ListenerKind, error: &io::Error) {
        if self.said.is_some_and(|said| said.elapsed() < SILENCE) {
            self.unsaid += 1;
            return;
        }
        let more = std::mem::take(&mut self.unsaid);
        self.said = Some(Instant::now());
        tracing::warn!(listener = listener.as_str(), %error, more, "accept failed");
    }
}

/// As many connections as can wait in the backlog.
const LEFT_IN_BACKLOG: usize = 1024;

/// Long enough for some connections to end and give back descriptors, short enough that clients
/// do not notice.
const PAUSE: Duration = Duration::from_millis(100);

/// Between two log lines about failures of accept.
const SILENCE: Duration = Duration::from_secs(10);
