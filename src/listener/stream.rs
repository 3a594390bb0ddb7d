//! A byte stream with a peer.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// An accepted connection.
#[derive(Debug)]
pub struct RawStream {
    socket: TcpStream,
    peer: SocketAddr,
    local: SocketAddr,
    /// Bytes that were read ahead of time and belong before those of the socket.
    prefix: Bytes,
}

impl RawStream {
    /// A stream with the socket's own addresses.
    pub fn new(socket: TcpStream) -> io::Result<Self> {
        let peer = canonical(socket.peer_addr()?);
        let local = canonical(socket.local_addr()?);
        Ok(Self {
            socket,
            peer,
            local,
            prefix: Bytes::new(),
        })
    }

    /// The same stream seen from a proxy's client, with bytes that followed the PROXY header.
    #[must_use]
    pub(super) fn proxied(
        mut self,
        addresses: Option<(SocketAddr, SocketAddr)>,
        prefix: Bytes,
    ) -> Self {
        if let Some((source, destination)) = addresses {
            self.peer = canonical(source);
            self.local = canonical(destination);
        }
        self.prefix = prefix;
        self
    }

    /// The other end: what the socket says, or a PROXY header from a listed network.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The address the client dialled.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// The socket itself, to read its options.
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Waits for the first byte and leaves it in place; none when the client closed instead.
    pub async fn first_byte(&self, deadline: Duration) -> io::Result<Option<u8>> {
        if let Some(byte) = self.prefix.first() {
            return Ok(Some(*byte));
        }
        let mut byte = [0_u8];
        let read = tokio::time::timeout(deadline, self.socket.peek(&mut byte)).await??;
        Ok((read > 0).then(|| byte[0]))
    }
}

impl AsyncRead for RawStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.prefix.is_empty() {
            return Pin::new(&mut self.socket).poll_read(context, buffer);
        }
        let length = self.prefix.len().min(buffer.remaining());
        let bytes = self.prefix.split_to(length);
        buffer.put_slice(bytes.chunk());
        if self.prefix.is_empty() {
            self.prefix = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for RawStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

/// An IPv4 client of a dual-stack socket is an IPv4 client.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(six) => match six.ip().to_ipv4_mapped() {
            Some(four) => (four, six.port()).into(),
            None => address,
        },
        SocketAddr::V4(_) => address,
    }
}
