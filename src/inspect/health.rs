//! Whether a process on this machine is alive.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// Why a process is not taken for alive.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
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
        "the admin listener at {address} answers {answer:?} instead of 200; see the log of the process"
    )]
    Unhealthy {
        /// Where it was asked.
        address: SocketAddr,
        /// The first line of the answer.
        answer: String,
    },
}

/// Asks the admin listener for `/healthz`; everything together takes at most `limit`.
pub fn health(address: SocketAddr, limit: Duration) -> Result<(), HealthError> {
    let address = reachable(address);
    let answer =
        ask(address, limit).map_err(|cause| HealthError::Unreachable { address, cause })?;
    let status = answer.lines().next().unwrap_or_default();
    if status.starts_with("HTTP/1.1 200 ") || status == "HTTP/1.1 200" {
        return Ok(());
    }
    Err(HealthError::Unhealthy {
        address,
        answer: status.chars().take(SHOWN_CHARACTERS).collect(),
    })
}

/// A listener on all addresses is asked on loopback.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        // 127.0.0.1 and not ::1: such a listener falls back to IPv4 where there is no IPv6
        IpAddr::V6(ip) if ip.is_unspecified() && !ipv6_loopback() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Whether this machine has `::1`.
fn ipv6_loopback() -> bool {
    std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

fn ask(address: SocketAddr, limit: Duration) -> io::Result<String> {
    let end = Instant::now() + limit;
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_write_timeout(Some(limit))?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
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
        if count == 0 || answer.contains(&b'\n') {
            break;
        }
    }
    if answer.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A status line is a hundred bytes; more is not ours.
const ANSWER_BYTES: usize = 8 * 1024;

/// Enough of a wrong answer to see who it is.
const SHOWN_CHARACTERS: usize = 80;

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    /// Answers one connection, after a pause.
    fn server(answer: &'static str, pause: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody connects");
            let mut request = [0; 512];
            let _ = stream.read(&mut request);
            thread::sleep(pause);
            let _ = stream.write_all(answer.as_bytes());
        });
        address
    }

    #[test]
    fn two_hundred_is_alive_and_nothing_else() {
        let limit = Duration::from_secs(3);
        let alive = server("HTTP/1.1 200 OK\r\n\r\n", Duration::ZERO);
        assert!(health(alive, limit).is_ok());
        let unhealthy = server("HTTP/1.1 503 Service Unavailable\r\n\r\n", Duration::ZERO);
        assert!(matches!(
            health(unhealthy, limit),
            Err(HealthError::Unhealthy { .. })
        ));
        let silent = server("", Duration::ZERO);
        assert!(matches!(
            health(silent, limit),
            Err(HealthError::Unreachable { .. })
        ));
        let slow = server("HTTP/1.1 200 OK\r\n\r\n", Duration::from_secs(2));
        let begun = Instant::now();
        assert!(health(slow, Duration::from_millis(200)).is_err());
        assert!(begun.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn a_listener_on_all_addresses_is_asked_on_loopback() {
        let all: SocketAddr = "0.0.0.0:9464".parse().expect("an address");
        assert_eq!(reachable(all).to_string(), "127.0.0.1:9464");
        let all: SocketAddr = "[::]:9464".parse().expect("an address");
        assert!(reachable(all).ip().is_loopback());
    }
}
