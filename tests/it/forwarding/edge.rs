//! A forwarder behind hyper's own server: what the http room does around a door, and no more.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use duogate::{
    config::Limits,
    forward::{ForwardSettings, Forwarder},
    foundation::{
        ConnectionFacts, ListenerKind, RequestId, Shutdown, ShutdownTrigger, SystemRandomness,
        Tasks,
    },
    http::{AccessEntry, Door, DoorKind, RequestBody, RequestContext},
    telemetry::{ExpositionFormat, Metrics, expose},
    upstream::{Resolver, TrustRoots},
};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A running edge. Ends with the test's runtime.
pub(super) struct Edge {
    pub(super) address: SocketAddr,
    pub(super) metrics: Arc<Metrics>,
    pub(super) tasks: Tasks,
    pub(super) trigger: ShutdownTrigger,
}

/// Which forwarder stands behind the edge.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Http,
    Grpc,
}

struct Setting {
    door: Forwarder,
    kind: Kind,
    limits: Limits,
}

impl Edge {
    pub(super) async fn start(kind: Kind, target: &str, limits: Limits) -> Self {
        Self::resolved_by(kind, target, limits, Resolver::system()).await
    }

    pub(super) async fn resolved_by(
        kind: Kind,
        target: &str,
        limits: Limits,
        resolver: Resolver,
    ) -> Self {
        let (trigger, shutdown) = ShutdownTrigger::new();
        let (metrics, tasks) = (Arc::new(Metrics::new()), Tasks::new());
        let settings = settings(&metrics, &tasks, shutdown, limits.clone());
        let target = target.parse().unwrap();
        let door = match kind {
            Kind::Http => Forwarder::http_by(&target, settings, &resolver).unwrap(),
            Kind::Grpc => Forwarder::grpc_by(&target, settings, &resolver).unwrap(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let setting = Arc::new(Setting { door, kind, limits });
        Tasks::new().spawn("edge", async move {
            while let Ok((stream, peer)) = listener.accept().await {
                Tasks::new().spawn("edge connection", serve(stream, peer, setting.clone()));
            }
        });
        Self {
            address,
            metrics,
            tasks,
            trigger,
        }
    }

    /// A raw HTTP/1.1 exchange on a connection of its own; the edge is asked to close.
    pub(super) async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("the edge closes")
            .ok();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// `GET` of a path, answered as text.
    pub(super) async fn get(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: edge\r\nconnection: close\r\n\r\n");
        self.raw(&request).await
    }

    /// How many connections to the upstream carry an exchange or a tunnel.
    pub(super) fn connections_in_use(&self) -> i64 {
        let text = expose(&self.metrics, ExpositionFormat::Text);
        let sample = "duogate_upstream_connections{upstream=\"gateway\",state=\"in_use\"} ";
        let value = text.lines().find_map(|line| line.strip_prefix(sample));
        value.map_or(0, |value| value.parse().unwrap())
    }

    /// How many exchanges ended so.
    pub(super) fn outcomes(&self, outcome: &str) -> u64 {
        let text = expose(&self.metrics, ExpositionFormat::Text);
        let wanted = format!("outcome=\"{outcome}\"");
        text.lines()
            .filter(|line| {
                line.starts_with("duogate_upstream_requests_total") && line.contains(&wanted)
            })
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    }
}

fn settings(
    metrics: &Arc<Metrics>,
    tasks: &Tasks,
    shutdown: Shutdown,
    limits: Limits,
) -> ForwardSettings {
    ForwardSettings {
        roots: TrustRoots::load(&[]).unwrap(),
        limits: Arc::new(limits),
        trusted_proxies: Vec::new(),
        metrics: metrics.clone(),
        tasks: tasks.clone(),
        shutdown,
    }
}

/// HTTP/2 when the client begins with its preface.
async fn serve(stream: TcpStream, peer: SocketAddr, setting: Arc<Setting>) {
    let mut first = [0_u8; 3];
    let _ = stream.peek(&mut first).await;
    let local = stream.local_addr().unwrap();
    let facts = Arc::new(ConnectionFacts {
        listener: ListenerKind::Https,
        peer,
        local,
        tls: None,
    });
    let service = hyper::service::service_fn(move |request| {
        let (setting, facts) = (setting.clone(), facts.clone());
        async move { Ok::<_, Infallible>(answer(&setting, facts, request).await) }
    });
    if &first == b"PRI" {
        let _ = hyper::server::conn::http2::Builder::new(Executor)
            .timer(TokioTimer::new())
            .enable_connect_protocol()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    } else {
        let _ = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
            .await;
    }
}

async fn answer(
    setting: &Setting,
    connection: Arc<ConnectionFacts>,
    request: Request<Incoming>,
) -> Response<duogate::http::ResponseBody> {
    let entry = Arc::new(AccessEntry::default());
    let client: IpAddr = connection.peer.ip();
    let context = RequestContext {
        id: RequestId::new(&SystemRandomness),
        connection,
        client,
        door: match setting.kind {
            Kind::Http => DoorKind::Gateway,
            Kind::Grpc => DoorKind::Agent,
        },
        entry: entry.clone(),
    };
    let mut request = request.map(|incoming| match setting.kind {
        Kind::Http => RequestBody::bounded(incoming, entry, &setting.limits),
        Kind::Grpc => RequestBody::unbounded(incoming, entry),
    });
    request.extensions_mut().insert(Arc::new(context));
    setting.door.call(request).await
}

/// A client's HTTP/2 connection to `address`.
pub(super) async fn http2_client<B>(
    address: SocketAddr,
) -> hyper::client::conn::http2::SendRequest<B>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = hyper::client::conn::http2::Builder::new(Executor)
        .timer(TokioTimer::new())
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    Tasks::new().spawn("client", async move {
        let _ = connection.await;
    });
    sender
}

/// The whole body and the trailers.
pub(super) async fn collect(response: Response<Incoming>) -> (Bytes, http::HeaderMap) {
    let collected = response.into_body().collect().await.unwrap();
    let trailers = collected.trailers().cloned().unwrap_or_default();
    (collected.to_bytes(), trailers)
}

/// Runs hyper's tasks.
#[derive(Clone)]
pub(super) struct Executor;

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Executor {
    fn execute(&self, future: F) {
        Tasks::new().spawn("http2", future);
    }
}

/// Looks until it is so.
pub(super) async fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..200 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within two seconds: {what}");
}

/// Longer than anything that a test waits for.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
