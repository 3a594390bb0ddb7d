//! The first bytes of a connection: a ClientHello, plain HTTP, or garbage.

use std::{io, time::Duration};

use rustls::{
    Error,
    server::{Accepted, Acceptor},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use super::{TlsError, provider::ACME_PROTOCOL};

/// Reads until the ClientHello is complete. Bytes that are no TLS are answered here: an alert, or
/// for plain HTTP one sentence.
pub(super) async fn read_hello<S>(stream: &mut S) -> Result<Accepted, TlsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut acceptor = Acceptor::default();
    // On the heap: a future that keeps it would carry these bytes for the connection's whole life.
    let mut buffer = vec![0_u8; READ_BYTES];
    let mut first = true;
    let mut version = OfferedVersion::default();
    loop {
        let count = stream
            .read(&mut buffer)
            .await
            .map_err(TlsError::Handshake)?;
        let mut bytes = buffer.get(..count).unwrap_or_default();
        if first && bytes.first().is_some_and(u8::is_ascii_alphabetic) {
            refuse_plain_http(stream).await;
            return Err(TlsError::PlainHttp);
        }
        if bytes.is_empty() {
            return Err(TlsError::Closed);
        }
        first = false;
        version.read(bytes);
        while !bytes.is_empty() {
            if acceptor.read_tls(&mut bytes).map_err(TlsError::Handshake)? == 0 {
                return Err(TlsError::Handshake(io::ErrorKind::InvalidData.into()));
            }
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => return Ok(accepted),
            Ok(None) => {}
            Err((error, mut alert)) => {
                let mut bytes = Vec::new();
                if let (Some(old), Error::PeerIncompatible(_)) = (version.too_old(), &error) {
                    say_and_close(stream, &alert_record(old, PROTOCOL_VERSION)).await;
                } else if alert.write_all(&mut bytes).is_ok() {
                    say_and_close(stream, &bytes).await;
                }
                return Err(TlsError::Handshake(io::Error::new(
                    io::ErrorKind::InvalidData,
                    error,
                )));
            }
        }
    }
}

/// What the client asked for.
pub(super) struct Wishes {
    /// The name, as sent.
    pub(super) server_name: Option<String>,
    /// True for an ACME server's validation (RFC 8737: the only protocol offered).
    pub(super) acme_validation: bool,
}

impl Wishes {
    /// Reads them from the ClientHello.
    pub(super) fn read(accepted: &Accepted) -> Self {
        let hello = accepted.client_hello();
        Self {
            server_name: hello.server_name().map(str::to_owned),
            acme_validation: hello
                .alpn()
                .is_some_and(|mut protocols| protocols.any(|protocol| protocol == ACME_PROTOCOL)),
        }
    }
}

/// Sends a fatal alert in the clear, as all alerts before the ServerHello are, and closes.
pub(super) async fn alert<S: AsyncWrite + AsyncRead + Unpin>(stream: &mut S, description: u8) {
    say_and_close(stream, &alert_record(TLS_1_2, description)).await;
}

fn alert_record([major, minor]: [u8; 2], description: u8) -> [u8; 7] {
    [ALERT_RECORD, major, minor, 0x00, 0x02, FATAL, description]
}

/// The version in the first bytes of a ClientHello: the newest that a client without TLS 1.3
/// speaks, and 1.2 for all others (RFC 8446 4.1.2).
///
/// rustls refuses a hello of TLS 1.1 as one that lacks the signature algorithms of 1.2, which
/// sends an operator looking at ciphers; the alert that says what is wrong is `protocol_version`
/// (RFC 5246 appendix E.1).
#[derive(Debug, Default)]
struct OfferedVersion {
    bytes: [u8; VERSION_END],
    length: usize,
}

impl OfferedVersion {
    /// Takes the next bytes of the connection, of which the first few count.
    fn read(&mut self, bytes: &[u8]) {
        let place = self.bytes.get_mut(self.length..).unwrap_or_default();
        for (place, byte) in place.iter_mut().zip(bytes) {
            *place = *byte;
            self.length += 1;
        }
    }

    /// The version, if it is one of those that came before TLS 1.2.
    fn too_old(&self) -> Option<[u8; 2]> {
        let &[
            HANDSHAKE_RECORD,
            _,
            _,
            _,
            _,
            CLIENT_HELLO,
            _,
            _,
            _,
            3,
            minor,
        ] = &self.bytes
        else {
            return None;
        };
        (minor < 3).then_some([3, minor])
    }
}

/// The alert description `unrecognized_name` (RFC 6066).
pub(super) const UNRECOGNIZED_NAME: u8 = 112;

/// The alert description `protocol_version` (RFC 8446).
const PROTOCOL_VERSION: u8 = 70;

/// The alert description `internal_error` (RFC 8446).
pub(super) const INTERNAL_ERROR: u8 = 80;

async fn refuse_plain_http<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\n\
         Server: duogate/{}\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\n\
         Connection: close\r\n\r\n{SENTENCE}",
        env!("CARGO_PKG_VERSION"),
        SENTENCE.len(),
    );
    say_and_close(stream, answer.as_bytes()).await;
}

/// Writes, ends our direction, and reads away what still comes: closing a socket with unread
/// bytes resets it, and the reset may overtake the answer. Failures do not matter any more.
async fn say_and_close<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) {
    if stream.write_all(bytes).await.is_err() || stream.shutdown().await.is_err() {
        return;
    }
    let mut rest = stream.take(DRAIN_BYTES);
    let _ = timeout(
        DRAIN_TIME,
        tokio::io::copy(&mut rest, &mut tokio::io::sink()),
    )
    .await;
}

/// What plain HTTP gets on a TLS port.
const SENTENCE: &str =
    "This port speaks HTTPS, and the request came without TLS. Use https:// in the URL.\n";

/// rustls takes at most this much at once; a usual ClientHello with ML-KEM has 1.7 kB.
const READ_BYTES: usize = 4096;

/// More than a plain-HTTP client sends before it looks at the answer.
const DRAIN_BYTES: u64 = 64 * 1024;

/// A client across the world has read the answer by then.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// The content type `alert` of a TLS record.
const ALERT_RECORD: u8 = 21;

/// The content type `handshake` of a TLS record.
const HANDSHAKE_RECORD: u8 = 22;

/// The handshake type `client_hello`.
const CLIENT_HELLO: u8 = 1;

/// Where the version of a ClientHello ends: behind the record's header of five bytes, the type,
/// three bytes of length and the version itself.
const VERSION_END: usize = 11;

/// The version that alerts carry.
const TLS_1_2: [u8; 2] = [3, 3];

/// The alert level `fatal`.
const FATAL: u8 = 2;
