//! Listening sockets that a service manager opened for us.

use std::net::{IpAddr, SocketAddr, TcpListener};

use listenfd::ListenFd;

use super::ListenerError;

/// Sockets from a service manager (systemd's `LISTEN_FDS`) or a predecessor, not yet matched to a
/// key.
#[derive(Debug, Default)]
pub struct InheritedSockets {
    sockets: Vec<TcpListener>,
    /// Sockets that no key asks for are closed without a word.
    surplus_is_fine: bool,
}

impl InheritedSockets {
    /// Takes every socket handed over. Call it once and before any thread starts: it removes
    /// environment variables.
    pub fn take() -> Result<Self, Vec<ListenerError>> {
        let mut descriptors = ListenFd::from_env();
        let mut sockets = Vec::new();
        let mut errors = Vec::new();
        for index in 0..descriptors.len() {
            match descriptors.take_tcp_listener(index) {
                Ok(Some(socket)) => sockets.push(socket),
                Ok(None) => {}
                Err(reason) => errors.push(ListenerError::ForeignDescriptor {
                    number: FIRST_DESCRIPTOR + index,
                    reason,
                }),
            }
        }
        if errors.is_empty() {
            Ok(Self::from_sockets(sockets))
        } else {
            Err(errors)
        }
    }

    /// Sockets that are already open.
    pub fn from_sockets(sockets: Vec<TcpListener>) -> Self {
        Self {
            sockets,
            surplus_is_fine: false,
        }
    }

    /// Sockets of the process whose place this one takes; its configuration may have had more.
    pub fn from_predecessor(sockets: Vec<TcpListener>) -> Self {
        Self {
            sockets,
            surplus_is_fine: true,
        }
    }

    /// Takes those that serve `wanted`: the same port, and an address that covers it. A wildcard
    /// may be served by two sockets, one of each family.
    pub(super) fn claim(&mut self, wanted: SocketAddr) -> Vec<TcpListener> {
        let (claimed, left) = std::mem::take(&mut self.sockets)
            .into_iter()
            .partition(|socket| socket.local_addr().is_ok_and(|own| serves(own, wanted)));
        self.sockets = left;
        claimed
    }

    /// One error for each socket that nobody claimed.
    pub(super) fn unclaimed(&self) -> Vec<ListenerError> {
        if self.surplus_is_fine {
            return Vec::new();
        }
        let addresses = self
            .sockets
            .iter()
            .filter_map(|socket| socket.local_addr().ok());
        addresses
            .map(|address| ListenerError::UnmatchedInherited { address })
            .collect()
    }
}

fn serves(own: SocketAddr, wanted: SocketAddr) -> bool {
    if own.port() != wanted.port() {
        return false;
    }
    match wanted.ip() {
        IpAddr::V6(address) if address.is_unspecified() => true,
        address if own.ip().is_unspecified() => own.is_ipv4() == address.is_ipv4(),
        address => own.ip() == address || address.is_unspecified() && own.is_ipv4(),
    }
}

/// Descriptors of the protocol begin after standard input, output and error.
const FIRST_DESCRIPTOR: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(own: &str, wanted: &str) -> bool {
        serves(own.parse().unwrap(), wanted.parse().unwrap())
    }

    #[test]
    fn sockets_match_by_port_and_family() {
        assert!(check("[::]:443", "[::]:443"));
        assert!(check("0.0.0.0:443", "[::]:443"));
        assert!(check("0.0.0.0:443", "127.0.0.1:443"));
        assert!(check("10.0.0.1:443", "0.0.0.0:443"));
        assert!(!check("[::]:443", "[::]:444"));
        assert!(!check("[::]:443", "127.0.0.1:443"));
        assert!(!check("10.0.0.1:443", "10.0.0.2:443"));
    }
}
