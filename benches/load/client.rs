//! A client that asks at a steady rate, whether or not the answers keep up.
//!
//! Requests are due at even distances and their times count from then, so that a server that falls
//! behind cannot hide it by making the client ask less.

use std::{
    cell::{Cell, RefCell},
    path::PathBuf,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    runtime,
    sync::mpsc,
    task::{self, LocalSet},
};

use crate::times::{Timing, Watch, summary};

/// See [`crate::Command::Ask`].
#[derive(Args)]
pub(crate) struct Ask {
    /// Address and port.
    #[arg(long)]
    to: String,
    #[arg(long)]
    path: String,
    /// The file that every request carries.
    #[arg(long)]
    body: PathBuf,
    #[arg(long)]
    requests: usize,
    /// How many are due in a second.
    #[arg(long)]
    rate: f64,
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// The server's certificate: TLS and HTTP/2. Without it HTTP/1.1 in clear.
    #[arg(long)]
    tls: Option<PathBuf>,
    /// More fields, such as "authorization: Bearer …".
    #[arg(long = "header")]
    headers: Vec<String>,
    /// What an answer may take.
    #[arg(long, default_value_t = 60)]
    patience: u64,
}

impl Ask {
    /// Asks everything and gives what was seen.
    pub(crate) fn run(self) -> serde_json::Value {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        LocalSet::new().block_on(&runtime, self.ask())
    }

    async fn ask(self) -> serde_json::Value {
        let request = self.request();
        let patience = Duration::from_secs(self.patience);
        let connections = Rc::new(self.connect().await);
        let seen = Rc::new(Seen::default());
        let mut due = due_times(self.requests, self.rate);
        let begun = Instant::now();
        let mut asked = task::JoinSet::new();
        while let Some(due) = due.recv().await {
            let (connections, seen) = (Rc::clone(&connections), Rc::clone(&seen));
            let request = request.clone();
            asked.spawn_local(async move {
                seen.open.set(seen.open.get() + 1);
                seen.peak.set(seen.peak.get().max(seen.open.get()));
                let answer = tokio::time::timeout(patience, connections.ask(request, due)).await;
                seen.open.set(seen.open.get() - 1);
                match answer.unwrap_or_else(|_| Err("took too long".into())) {
                    Ok(timing) => seen.timings.borrow_mut().push(timing),
                    Err(failure) => seen.failures.borrow_mut().push(failure),
                }
            });
            while asked.try_join_next().is_some() {}
        }
        asked.join_all().await;
        let (timings, failures) = (seen.timings.borrow(), seen.failures.borrow());
        summary(&timings, &failures, seen.peak.get(), begun.elapsed())
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let body = Bytes::from(std::fs::read(&self.body).unwrap());
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        for header in &self.headers {
            let (name, value) = header.split_once(": ").unwrap();
            headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        let uri = if self.tls.is_some() {
            format!("{scheme}://{NAME}{}", self.path)
        } else {
            headers.insert("host", HeaderValue::from_static(NAME));
            self.path.clone()
        };
        let mut request = Request::post(uri.parse::<Uri>().unwrap())
            .body(Full::new(body))
            .unwrap();
        *request.headers_mut() = headers;
        request
    }

    async fn connect(&self) -> Connections {
        let tls = self.tls.as_ref().map(|certificate| {
            let mut roots = RootCertStore::empty();
            let certificate = CertificateDer::from_pem_file(certificate).unwrap();
            roots.add(certificate).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let mut config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            config.alpn_protocols = vec![b"h2".to_vec()];
            tokio_rustls::TlsConnector::from(Arc::new(config))
        });
        let (give_back, free) = mpsc::unbounded_channel();
        let mut shared = Vec::new();
        for _ in 0..self.connections {
            let stream = TcpStream::connect(&self.to).await.unwrap();
            stream.set_nodelay(true).unwrap();
            if let Some(tls) = &tls {
                let name = ServerName::try_from(NAME).unwrap();
                let stream = tls.connect(name, stream).await.unwrap();
                shared.push(http2(stream).await);
            } else {
                give_back.send(http1(stream).await).unwrap();
            }
        }
        Connections {
            shared,
            next: Cell::new(0),
            free: tokio::sync::Mutex::new(free),
            give_back,
        }
    }
}

/// What is counted while requests are open.
#[derive(Default)]
struct Seen {
    open: Cell<usize>,
    peak: Cell<usize>,
    timings: RefCell<Vec<Timing>>,
    failures: RefCell<Vec<String>>,
}

type Sender1 = conn::http1::SendRequest<Full<Bytes>>;
type Sender2 = conn::http2::SendRequest<Full<Bytes>>;

/// HTTP/2 connections are taken in turn; one of HTTP/1 is lent until its answer has ended.
struct Connections {
    shared: Vec<Sender2>,
    next: Cell<usize>,
    free: tokio::sync::Mutex<mpsc::UnboundedReceiver<Sender1>>,
    give_back: mpsc::UnboundedSender<Sender1>,
}

impl Connections {
    async fn ask(&self, request: Request<Full<Bytes>>, due: Instant) -> Result<Timing, String> {
        if self.shared.is_empty() {
            let mut sender = self.free.lock().await.recv().await.unwrap();
            sender.ready().await.map_err(|error| error.to_string())?;
            let timing = read(sender.send_request(request).await, due).await?;
            let _ = self.give_back.send(sender);
            return Ok(timing);
        }
        let turn = self.next.get();
        self.next.set((turn + 1) % self.shared.len());
        let mut sender = self.shared[turn].clone();
        sender.ready().await.map_err(|error| error.to_string())?;
        read(sender.send_request(request).await, due).await
    }
}

async fn read(
    answer: hyper::Result<hyper::Response<Incoming>>,
    due: Instant,
) -> Result<Timing, String> {
    let answer = answer.map_err(|error| format!("{error:?}"))?;
    let status = answer.status();
    let mut watch = Watch::new(due);
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("{error:?}"))?;
        if let Some(data) = frame.data_ref().filter(|data| !data.is_empty()) {
            if status != 200 {
                return Err(format!("{status}: {}", String::from_utf8_lossy(data)));
            }
            watch.piece(data.len());
        }
    }
    if status != 200 {
        return Err(status.to_string());
    }
    Ok(watch.end())
}

async fn http1(stream: TcpStream) -> Sender1 {
    let (sender, connection) = conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    task::spawn_local(connection);
    sender
}

async fn http2(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Sender2 {
    let (sender, connection) = conn::http2::Builder::new(TokioExecutor::new())
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    task::spawn_local(connection);
    sender
}

/// The moments, from a thread of its own: the runtime's timer has steps of a millisecond.
fn due_times(requests: usize, rate: f64) -> mpsc::UnboundedReceiver<Instant> {
    let (send, receive) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let begun = Instant::now();
        for number in 0..requests {
            let due = begun + Duration::from_secs_f64(number as f64 / rate);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if send.send(due).is_err() {
                return;
            }
        }
    });
    receive
}

/// The name in the server's certificate.
const NAME: &str = "bench.test";
