//! Raw bytes over a socket, and the HTTP/1 answers that come back.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and fields.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A client that sends whatever it is told.
pub(crate) struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("it listens");
        stream.set_nodelay(true).expect("a TCP socket");
        Self {
            stream,
            received: Vec::new(),
        }
    }

    /// Sends bytes; a server that closed already is no error here.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Sends bytes in pieces with a turn of the scheduler between them.
    pub(crate) async fn send_in_pieces(&mut self, bytes: &[u8], length: usize) {
        for piece in bytes.chunks(length) {
            self.send(piece).await;
            tokio::task::yield_now().await;
        }
    }

    /// The next answer; none once the server has closed, panics after five seconds of silence.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        loop {
            if let Some((answer, length)) = parse(&self.received) {
                self.received.drain(..length);
                return Some(answer);
            }
            let reading = timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await;
            match reading.unwrap_or_else(|_| panic!("silence; so far {:?}", self.text())) {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// True if nothing comes and the connection stays open for this long.
    pub(crate) async fn is_quiet(&mut self, duration: Duration) -> bool {
        let nothing_left = self.received.is_empty();
        let reading = timeout(duration, self.stream.read_buf(&mut self.received));
        nothing_left && reading.await.is_err()
    }

    /// Everything until the server closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let reading = self.stream.read_to_end(&mut self.received);
        let _ = timeout(PATIENCE, reading).await.expect("it closes");
        std::mem::take(&mut self.received)
    }

    /// The socket.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }
}

/// An answer at the beginning of the bytes and its length. Bodies have a Content-Length or none.
fn parse(bytes: &[u8]) -> Option<(Answer, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().expect("a length"));
    let body = bytes.get(end + 4..end + 4 + length)?;
    let answer = Answer {
        status,
        head,
        body: String::from_utf8_lossy(body).into_owned(),
    };
    Some((answer, end + 4 + length))
}

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);
