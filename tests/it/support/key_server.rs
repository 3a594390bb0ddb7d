//! A server that publishes keys as GitLab does, or fails to in every way.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::{Value, json};

use super::token_key::TokenKey;

/// A running server on loopback; it ends with the value.
pub(crate) struct KeyServer {
    pub(crate) address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    replies: Mutex<HashMap<String, Reply>>,
    asked: Mutex<Vec<String>>,
    over: AtomicBool,
}

/// What a path answers.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A status and a body.
    Body(u16, &'static str, Vec<u8>),
    /// A status and where to.
    Redirect(u16, String),
    /// Nothing at all until the server ends.
    Silence,
    /// A body that never ends, as fast as it can.
    Endless,
    /// A body of which a byte comes each tenth of a second.
    Dripping,
    /// Another reply, later.
    Later(Duration, Box<Reply>),
}

impl Reply {
    pub(crate) fn json(value: &Value) -> Self {
        Self::Body(200, "application/json", value.to_string().into_bytes())
    }

    pub(crate) fn html() -> Self {
        let page = "<!DOCTYPE html><html><title>Sign in</title></html>";
        Self::Body(200, "text/html", page.as_bytes().to_vec())
    }
}

impl KeyServer {
    /// Starts one in clear.
    pub(crate) fn start() -> Self {
        Self::listen("127.0.0.1:0".parse().unwrap(), None)
    }

    /// Starts one in clear on an address that was another's.
    pub(crate) fn start_at(address: SocketAddr) -> Self {
        Self::listen(address, None)
    }

    /// Starts one with a certificate for 127.0.0.1.
    pub(crate) fn secure(certificate: &Path, key: &Path) -> Self {
        let chain = CertificateDer::pem_file_iter(certificate).unwrap();
        let chain = chain.collect::<Result<_, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Self::listen("127.0.0.1:0".parse().unwrap(), Some(Arc::new(config)))
    }

    fn listen(address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            scheme: if tls.is_some() { "https" } else { "http" },
            shared: Arc::default(),
        };
        let shared = Arc::clone(&server.shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.over.load(Ordering::SeqCst) {
                    return;
                }
                let (shared, tls) = (Arc::clone(&shared), tls.clone());
                // a client that leaves ends its thread with an error that means nothing here
                thread::spawn(move || stream.and_then(|stream| serve(&shared, stream, tls)));
            }
        });
        server
    }

    /// Where it is, without a path.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// What a path answers from now on.
    pub(crate) fn reply(&self, path: &str, reply: Reply) {
        let mut replies = self.shared.replies.lock().unwrap();
        replies.insert(path.to_owned(), reply);
    }

    /// Publishes these keys as a GitLab does that is installed under `prefix`.
    pub(crate) fn publish(&self, prefix: &str, keys: &[&TokenKey]) {
        let jwks: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
        self.discover(prefix, &format!("{}{prefix}{KEYS}", self.url()));
        self.reply(
            &format!("{prefix}{KEYS}"),
            Reply::json(&json!({ "keys": jwks })),
        );
    }

    /// A discovery document that names this key set.
    pub(crate) fn discover(&self, prefix: &str, jwks_uri: &str) {
        let issuer = format!("{}{prefix}", self.url());
        let document = json!({ "issuer": issuer, "jwks_uri": jwks_uri });
        self.reply(&format!("{prefix}{DISCOVERY}"), Reply::json(&document));
    }

    /// Every path that was asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// How often keys were asked for.
    pub(crate) fn fetches(&self) -> usize {
        let asked = self.asked();
        asked
            .iter()
            .filter(|path| path.ends_with(DISCOVERY))
            .count()
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // wakes the thread that accepts
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(
    shared: &Shared,
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    match tls {
        None => answer(shared, stream),
        Some(config) => {
            let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
            answer(shared, StreamOwned::new(connection, stream))
        }
    }
}

fn answer(shared: &Shared, mut stream: impl Read + Write) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let length = stream.read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
        head.extend_from_slice(&piece[..length]);
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    shared.asked.lock().unwrap().push(path.clone());
    let reply = shared.replies.lock().unwrap().get(&path).cloned();
    let missing = Reply::Body(404, "text/html", b"<html>not here</html>".to_vec());
    send(shared, &mut stream, reply.unwrap_or(missing))
}

fn send(shared: &Shared, stream: &mut (impl Read + Write), reply: Reply) -> std::io::Result<()> {
    let over = || shared.over.load(Ordering::SeqCst);
    match reply {
        Reply::Body(status, kind, body) => {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
                 Connection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes())?;
            stream.write_all(&body)?;
        }
        Reply::Redirect(status, target) => {
            let head = format!(
                "HTTP/1.1 {status} X\r\nLocation: {target}\r\nContent-Length: 0\r\n\
                 Connection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes())?;
        }
        Reply::Silence => {
            while !over() {
                thread::sleep(Duration::from_millis(20));
            }
        }
        Reply::Endless | Reply::Dripping => {
            stream.write_all(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n{\"keys\":[")?;
            let pause = Duration::from_millis(100);
            while !over() {
                if matches!(reply, Reply::Dripping) {
                    stream.write_all(b" ")?;
                    stream.flush()?;
                    thread::sleep(pause);
                } else {
                    stream.write_all(&[b' '; 16 * 1024])?;
                }
            }
        }
        Reply::Later(pause, reply) => {
            thread::sleep(pause);
            send(shared, stream, *reply)?;
        }
    }
    stream.flush()
}

/// OpenID Connect Discovery 4.
pub(crate) const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Where GitLab has its key set.
pub(crate) const KEYS: &str = "/oauth/discovery/keys";
