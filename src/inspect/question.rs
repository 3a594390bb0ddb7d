//! One question to the admin listener of a running process, and its whole answer.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use super::health::reachable;

/// Why a question has no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum QuestionError {
    /// Nobody answers.
    #[error(
        "no answer from the admin listener at {address}: {cause}; is the process running with this configuration?"
    )]
    Unreachable {
        /// Where it was asked.
        address: SocketAddr,
        /// What the system says.
        cause: io::Error,
    },
    /// Somebody answers something else.
    #[error(
        "the admin listener at {address} answers {answer:?}, which this command does not understand; is it a duogate of the same version?"
    )]
    Unexpected {
        /// Where it was asked.
        address: SocketAddr,
        /// The status and the beginning of the answer.
        answer: String,
    },
}

/// Status and body.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answer {
    /// The error for an answer that should not be.
    pub(super) fn unexpected(&self, address: SocketAddr) -> QuestionError {
        let body: String = self
            .body
            .chars()
            .filter(|character| !character.is_control())
            .take(SHOWN_CHARACTERS)
            .collect();
        QuestionError::Unexpected {
            address,
            answer: format!("{} {body}", self.status),
        }
    }
}

/// Sends a request without a body; everything together takes at most `limit`.
pub(super) fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    limit: Duration,
) -> Result<Answer, QuestionError> {
    let address = reachable(address);
    let unreachable = |cause| QuestionError::Unreachable { address, cause };
    let text = exchange(address, method, path, limit).map_err(unreachable)?;
    parse(&text).ok_or_else(|| {
        let body = text.clone();
        Answer { status: 0, body }.unexpected(address)
    })
}

fn exchange(address: SocketAddr, method: &str, path: &str, limit: Duration) -> io::Result<String> {
    let end = Instant::now() + limit;
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_write_timeout(Some(limit))?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nX-Duogate-Request: command\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut buffer = [0; 8192];
    while answer.len() < ANSWER_BYTES {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let count = stream
            .read(&mut buffer)
            .map_err(|error| match error.kind() {
                // what a socket says where its time is over
                io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
                _ => error,
            })?;
        answer.extend(buffer.iter().take(count));
        if count == 0 {
            break;
        }
    }
    if answer.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some(Answer {
        status,
        body: body.to_owned(),
    })
}

/// A certificate takes half a kilobyte; this is two thousand of them.
const ANSWER_BYTES: usize = 1024 * 1024;

/// Enough of a wrong answer to see who it is.
const SHOWN_CHARACTERS: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_body_are_taken_apart() {
        let answer = parse("HTTP/1.1 202 Accepted\r\nA: b\r\n\r\n{}\n").expect("an answer");
        assert_eq!((answer.status, answer.body.as_str()), (202, "{}\n"));
        for wrong in [
            "",
            "SSH-2.0-x\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 2\r\n\r\n",
        ] {
            assert!(parse(wrong).is_none(), "{wrong:?}");
        }
    }
}
