//! From an origin to a byte stream.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use rustls::ClientConfig;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsConnector;

use super::{Origin, Resolver, UpstreamError, UpstreamStream, resolver::Resolved};

/// Connects to one origin.
#[derive(Clone, Debug)]
pub struct Dialer {
    origin: Origin,
    resolver: Resolver,
    tls: Option<Arc<ClientConfig>>,
    deadline: Duration,
}

impl Dialer {
    /// A dialer with a deadline for everything from lookup to handshake. `tls` is used when the
    /// origin asks for TLS.
    pub fn new(
        origin: Origin,
        resolver: Resolver,
        tls: Arc<ClientConfig>,
        deadline: Duration,
    ) -> Self {
        let tls = origin.is_secure().then_some(tls);
        Self {
            origin,
            resolver,
            tls,
            deadline,
        }
    }

    /// The origin that it connects to.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// How long a connection may take.
    pub(super) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// A new connection. When remembered addresses fail, the name is looked up again at once,
    /// and new addresses are tried.
    pub async fn dial(&self) -> Result<UpstreamStream, UpstreamError> {
        let end = Instant::now() + self.deadline;
        let first = self.resolver.resolve(&self.origin, end).await?;
        // Half of the time is kept for a second look when the addresses may be outdated.
        let until = if first.remembered {
            Instant::now() + (end - Instant::now()) / 2
        } else {
            end
        };
        let error = match self.connect_any(&first, until).await {
            Ok(stream) => return self.secure(stream, end).await,
            Err(error) => error,
        };
        self.resolver.forget(&self.origin);
        if first.remembered {
            let second = self.resolver.resolve(&self.origin, end).await?;
            if second.addresses != first.addresses {
                return match self.connect_any(&second, end).await {
                    Ok(stream) => self.secure(stream, end).await,
                    Err(error) => Err(self.connect_error(&error)),
                };
            }
        }
        Err(self.connect_error(&error))
    }

    /// Drops what is remembered of the origin's addresses; the next connection looks them up.
    pub(super) fn forget_addresses(&self) {
        self.resolver.forget(&self.origin);
    }

    async fn connect_any(&self, resolved: &Resolved, end: Instant) -> io::Result<TcpStream> {
        let mut last = io::Error::other("the name has no address");
        let mut remaining = u32::try_from(resolved.addresses.len()).unwrap_or(u32::MAX);
        for address in resolved.addresses.iter() {
            let share = end.saturating_duration_since(Instant::now()) / remaining.max(1);
            remaining = remaining.saturating_sub(1);
            match timeout_at(Instant::now() + share, connect(*address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(last)
    }

    async fn secure(
        &self,
        stream: TcpStream,
        end: Instant,
    ) -> Result<UpstreamStream, UpstreamError> {
        let Some(config) = &self.tls else {
            return Ok(UpstreamStream::Clear(stream));
        };
        let name = self.origin.server_name()?;
        let handshake = TlsConnector::from(config.clone()).connect(name, stream);
        match timeout_at(end, handshake).await {
            Ok(Ok(stream)) => Ok(UpstreamStream::Secure(Box::new(stream))),
            Ok(Err(error)) => Err(UpstreamError::Tls {
                origin: self.origin.authority().to_string(),
                reason: error.to_string(),
            }),
            Err(_) => Err(self.connect_error(&io::ErrorKind::TimedOut.into())),
        }
    }

    fn connect_error(&self, error: &io::Error) -> UpstreamError {
        UpstreamError::from_connect(self.origin.authority(), error, self.deadline)
    }
}

/// A TCP connection as all of ours are.
pub(super) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(stream)
}

/// A peer that vanished without a word is noticed in minutes, not in the kernel's two hours.
const KEEPALIVE: Duration = Duration::from_secs(60);
