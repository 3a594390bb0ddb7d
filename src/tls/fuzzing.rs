//! Doors for the fuzz targets alone; nothing of it is in the server.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::hello::{Wishes, read_hello};

/// What the first bytes of a connection led to.
#[derive(Debug, PartialEq, Eq)]
pub struct Greeted {
    /// The name asked for and whether it is an ACME server's validation; none for what is no
    /// ClientHello.
    pub wishes: Option<(Option<String>, bool)>,
    /// What was said before the connection was closed.
    pub answer: Vec<u8>,
}

/// Reads the first bytes, which come in pieces of this length and then end.
pub async fn greet(bytes: &[u8], piece: usize) -> Greeted {
    let mut script = Script {
        pieces: bytes.chunks(piece).map(<[u8]>::to_vec).collect(),
        answer: Vec::new(),
    };
    let accepted = read_hello(&mut script).await.ok();
    let wishes = accepted.map(|accepted| {
        let wishes = Wishes::read(&accepted);
        (wishes.server_name, wishes.acme_validation)
    });
    Greeted {
        wishes,
        answer: script.answer,
    }
}

struct Script {
    pieces: VecDeque<Vec<u8>>,
    answer: Vec<u8>,
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(mut piece) = self.pieces.pop_front() {
            let rest = piece.split_off(piece.len().min(buffer.remaining()));
            buffer.put_slice(&piece);
            if !rest.is_empty() {
                self.pieces.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.answer.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
