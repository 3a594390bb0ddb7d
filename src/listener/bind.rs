//! All listening sockets or none.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Weak},
    time::Duration,
};

use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use super::{InheritedSockets, ListenerError, error::remedy};
use crate::foundation::ListenerKind;

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindRequest {
    /// What for; names the key in errors.
    pub kind: ListenerKind,
    /// Where.
    pub address: SocketAddr,
}

/// A socket that listens; connections wait in it until [`run`](super::run) accepts them.
#[derive(Debug)]
pub struct Listener {
    request: BindRequest,
    address: SocketAddr,
    socket: TcpListener,
    /// A second handle, since the runtime takes the first; it is dropped together with it.
    handle: Arc<TcpListener>,
}

impl Listener {
    /// What it is for.
    pub fn kind(&self) -> ListenerKind {
        self.request.kind
    }

    /// What was asked for.
    pub fn request(&self) -> BindRequest {
        self.request
    }

    /// What to hand over to a successor, for as long as somebody accepts on it here.
    pub fn handle(&self) -> Weak<TcpListener> {
        Arc::downgrade(&self.handle)
    }

    /// The address really bound; with the port the system chose when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The socket for the runtime, and the handle to keep as long.
    pub(super) fn into_parts(self) -> io::Result<(tokio::net::TcpListener, Arc<TcpListener>)> {
        let socket = tokio::net::TcpListener::from_std(self.socket)?;
        Ok((socket, self.handle))
    }

    fn new(request: BindRequest, socket: TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let keep_alive = TcpKeepalive::new()
            .with_time(KEEP_ALIVE_IDLE)
            .with_interval(KEEP_ALIVE_INTERVAL)
            .with_retries(KEEP_ALIVE_PROBES);
        SockRef::from(&socket).set_tcp_keepalive(&keep_alive)?;
        let address = socket.local_addr()?;
        Ok(Self {
            request,
            address,
            handle: Arc::new(socket.try_clone()?),
            socket,
        })
    }
}

/// Opens every address, taking inherited sockets where one fits. Every request is tried; if
/// anything failed, all sockets are closed again and every failure is returned.
pub fn bind(
    requests: &[BindRequest],
    mut inherited: InheritedSockets,
) -> Result<Vec<Listener>, Vec<ListenerError>> {
    let mut listeners = Vec::new();
    let mut bound = Vec::new();
    let mut errors = Vec::new();
    for request in requests {
        let claimed = inherited.claim(request.address);
        if claimed.is_empty() {
            match open(request.address) {
                Ok(socket) => bound.push((*request, socket)),
                Err(reason) => errors.push(refused(*request, reason)),
            }
        }
        for socket in claimed {
            match Listener::new(*request, socket) {
                Ok(listener) => listeners.push(listener),
                Err(reason) => errors.push(refused(*request, reason)),
            }
        }
    }
    errors.extend(inherited.unclaimed());
    // Nobody can connect before the first `listen`, so a wrong configuration is never half up.
    for (request, socket) in bound {
        let listening = socket
            .listen(BACKLOG)
            .and_then(|()| Listener::new(request, socket.into()));
        match listening {
            Ok(listener) => listeners.push(listener),
            Err(reason) => errors.push(refused(request, reason)),
        }
    }
    if errors.is_empty() {
        Ok(listeners)
    } else {
        Err(errors)
    }
}

fn refused(request: BindRequest, reason: io::Error) -> ListenerError {
    ListenerError::Address {
        key: request.kind.as_str(),
        address: request.address,
        remedy: remedy(request.address, &reason),
        reason,
    }
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    match open_exactly(address) {
        Err(error) if address.is_ipv6() && address.ip().is_unspecified() && no_ipv6(&error) => {
            open_exactly((Ipv4Addr::UNSPECIFIED, address.port()).into())
        }
        result => result,
    }
}

fn open_exactly(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // Connections of a process that just ended linger for a minute; they must not hold the port.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn no_ipv6(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL))
}

/// Connections that wait for accept. A burst of IDEs coming back after a network change fits;
/// the system caps it at net.core.somaxconn.
const BACKLOG: i32 = 1024;

/// Silence after which the kernel asks whether the client still exists; accepted sockets inherit
/// it. Under the five minutes after which common address translators forget a connection.
const KEEP_ALIVE_IDLE: Duration = Duration::from_secs(60);

/// Between two such questions.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Unanswered questions after which the connection is gone: two minutes in all.
const KEEP_ALIVE_PROBES: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn request(kind: ListenerKind, address: &str) -> BindRequest {
        let address = address.parse().unwrap();
        BindRequest { kind, address }
    }

    #[test]
    fn every_failure_is_told_and_nothing_stays_open() {
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = holder.local_addr().unwrap();
        let free = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let requests = [
            request(ListenerKind::Https, &free.to_string()),
            request(ListenerKind::Http, &taken.to_string()),
            request(ListenerKind::Gateway, "203.0.113.1:1"),
        ];
        let errors = bind(&requests, InheritedSockets::default()).unwrap_err();
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert!(texts.iter().any(|text| text.contains("listen.http:")));
        assert!(texts.iter().any(|text| text.contains("listen.gateway:")));
        drop(holder);
        TcpListener::bind(free).unwrap();
    }

    #[test]
    fn the_wildcard_serves_both_families() {
        let listeners = bind(
            &[request(ListenerKind::Https, "[::]:0")],
            InheritedSockets::default(),
        )
        .unwrap();
        let port = listeners[0].address().port();
        std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    }

    #[test]
    fn an_inherited_socket_is_used_and_an_unknown_one_is_an_error() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
        let requests = [request(ListenerKind::Https, &address.to_string())];
        let sockets = vec![socket.try_clone().unwrap(), stranger];
        let errors = bind(&requests, InheritedSockets::from_sockets(sockets)).unwrap_err();
        assert!(matches!(
            errors.as_slice(),
            [ListenerError::UnmatchedInherited { .. }]
        ));
        let listeners = bind(&requests, InheritedSockets::from_sockets(vec![socket])).unwrap();
        assert_eq!(listeners[0].address(), address);
    }
}
