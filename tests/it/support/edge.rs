//! The listener and the HTTP room on a loopback port, in clear, in front of a door that echoes.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use arc_swap::ArcSwap;
use duogate::{
    config::{Limits, Listen},
    foundation::{ListenerKind, Shutdown, ShutdownPhase, ShutdownTrigger, SystemRandomness, Tasks},
    http::{
        BodyError, Door, DoorFuture, Doors, HttpServer, HttpSettings, RequestBody, RequestContext,
        StreamKind, Surface, TokenTable, empty_body, full_body,
    },
    listener::{AcceptSettings, BindRequest, Incoming, InheritedSockets, bind, run},
    telemetry::{ExpositionFormat, Metrics, expose},
};
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;

/// A running edge; it ends with the value.
pub(crate) struct Edge {
    pub(crate) address: SocketAddr,
    metrics: Arc<Metrics>,
    pub(crate) door: Arc<EchoDoor>,
    trigger: ShutdownTrigger,
}

impl Edge {
    /// Starts one with the default limits and no trusted networks.
    pub(crate) fn start() -> Self {
        Self::with(&Limits::default(), &Listen::default())
    }

    /// A sample of its metrics, such as `duogate_connections_total{listener="gateway"}`; 0 if
    /// there is none.
    pub(crate) fn metric(&self, sample: &str) -> u64 {
        let text = expose(&self.metrics, ExpositionFormat::Text);
        text.lines()
            .filter_map(|line| line.strip_prefix(sample)?.trim().parse::<u64>().ok())
            .sum()
    }

    /// Starts one.
    pub(crate) fn with(limits: &Limits, listen: &Listen) -> Self {
        let (trigger, shutdown) = ShutdownTrigger::new();
        let metrics = Arc::new(Metrics::new());
        let door = Arc::new(EchoDoor::default());
        let server = http_server(limits, listen, &metrics, &shutdown);
        let surface = Surface::Doors(Arc::new(ArcSwap::from_pointee(Doors {
            gateway: Arc::clone(&door) as Arc<dyn Door>,
            agent: Arc::clone(&door) as Arc<dyn Door>,
            tokens: Arc::new(TokenTable::default()),
            strict_transport: false,
        })));
        let request = BindRequest {
            kind: ListenerKind::Gateway,
            address: "127.0.0.1:0".parse().expect("an address"),
        };
        let mut listeners = bind(&[request], InheritedSockets::default()).expect("a free port");
        let listener = listeners.pop().expect("one was asked for");
        let address = listener.address();
        let tasks = Tasks::new();
        let settings = AcceptSettings::new(listen, limits, Arc::clone(&metrics), tasks.clone());
        let settings = Arc::new(ArcSwap::from_pointee(settings));
        let connections = tasks.clone();
        let accept = run(
            listener,
            settings,
            move |incoming: Incoming| {
                let (server, surface) = (server.clone(), surface.clone());
                connections.spawn("connection", async move {
                    let facts = incoming.facts();
                    let _permit = incoming.permit;
                    server
                        .serve(incoming.stream, Arc::new(facts), surface)
                        .await;
                });
            },
            shutdown,
        );
        tasks.spawn("accept", accept);
        Self {
            address,
            metrics,
            door,
            trigger,
        }
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.trigger.advance(ShutdownPhase::Cut);
    }
}

fn http_server(
    limits: &Limits,
    listen: &Listen,
    metrics: &Arc<Metrics>,
    shutdown: &Shutdown,
) -> HttpServer {
    HttpServer::new(HttpSettings {
        limits: Arc::new(limits.clone()),
        trusted_proxies: listen.trusted_proxies.clone(),
        metrics: Arc::clone(metrics),
        shutdown: shutdown.clone(),
        randomness: Arc::new(SystemRandomness),
    })
}

/// Answers each request with what it saw of it. `/slow` answers after a minute,
/// `/refuse` reads no body, `/upgrade` switches to an echo of bytes, `/who` tells
/// the connection's addresses.
#[derive(Debug, Default)]
pub(crate) struct EchoDoor {
    /// Method and target of every request whose head was served.
    pub(crate) seen: Mutex<Vec<String>>,
    /// Requests being answered now.
    pub(crate) busy: Arc<AtomicUsize>,
    tasks: Tasks,
}

impl Door for EchoDoor {
    fn call(&self, mut request: Request<RequestBody>) -> DoorFuture {
        let line = format!("{} {}", request.method(), request.uri());
        self.seen
            .lock()
            .expect("no test panics in here")
            .push(line.clone());
        let busy = Busy::new(&self.busy);
        let path = request.uri().path().to_owned();
        let who = request
            .extensions()
            .get::<Arc<RequestContext>>()
            .map(|context| format!("{} {}", context.connection.peer, context.connection.local))
            .unwrap_or_default();
        if path == "/upgrade" {
            let upgrade = hyper::upgrade::on(&mut request);
            self.tasks.spawn("echo", async move {
                if let Ok(upgraded) = upgrade.await {
                    let (mut read, mut write) = tokio::io::split(TokioIo::new(upgraded));
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                    let _ = write.shutdown().await;
                }
            });
        }
        Box::pin(async move {
            let _busy = busy;
            match path.as_str() {
                "/upgrade" => switch(),
                "/refuse" => answer(StatusCode::PAYLOAD_TOO_LARGE, "too large"),
                "/who" => answer(StatusCode::OK, &who),
                "/slow" => {
                    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
                    answer(StatusCode::OK, &line)
                }
                _ => match request.into_body().collect().await {
                    Ok(body) => {
                        let length = body.to_bytes().len();
                        answer(StatusCode::OK, &format!("{line} {length}"))
                    }
                    Err(error) => refusal(&error),
                },
            }
        })
    }
}

fn answer(status: StatusCode, text: &str) -> Response<duogate::http::ResponseBody> {
    let mut response = Response::new(full_body(text.to_owned()));
    *response.status_mut() = status;
    response
}

fn refusal(error: &BodyError) -> Response<duogate::http::ResponseBody> {
    let mut response = answer(
        StatusCode::BAD_REQUEST,
        &format!("{{\"detail\":\"{error}\"}}"),
    );
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn switch() -> Response<duogate::http::ResponseBody> {
    let mut response = Response::new(empty_body());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.extensions_mut().insert(StreamKind::Tunnel);
    let headers = response.headers_mut();
    headers.insert(
        header::CONNECTION,
        header::HeaderValue::from_static("upgrade"),
    );
    headers.insert(header::UPGRADE, header::HeaderValue::from_static("echo"));
    response
}

struct Busy(Arc<AtomicUsize>);

impl Busy {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
