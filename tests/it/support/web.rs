//! The least HTTP client: one request in clear, the whole answer.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// An answer, read to the end of the connection.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The first field of this name, in lower case.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Fetches a path; `None` if nobody listens or answers.
pub(crate) fn get(address: SocketAddr, path: &str) -> Option<Answer> {
    let host = address.to_string();
    request(
        address,
        &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
    )
}

/// Sends these bytes and reads until the other side closes.
pub(crate) fn request(address: SocketAddr, bytes: &str) -> Option<Answer> {
    exchange(TcpStream::connect_timeout(&address, PATIENCE).ok()?, bytes)
}

/// Loopback answers at once; a machine busy with other tests takes seconds.
const PATIENCE: Duration = Duration::from_secs(10);

fn exchange(mut stream: TcpStream, bytes: &str) -> Option<Answer> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(bytes.as_bytes()).ok()?;
    let mut answer = Vec::new();
    // a reset after the answer is an answer too
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}
