//! Listening sockets that a service manager opened for us.

use std::net::{IpAddr, SocketAddr, TcpListener};

use listenfd::ListenFd;

use super::ListenerError;

/// Sockets from a service manager (systemd's `LISTEN_FDS`) or a predecessor, not yet matched to a
/// key.
#[derive(Debug, Default)]
pub struct InheritedSockets {
    /// From a service manager, which knows addresses and not keys.
    sockets: Vec<TcpListener>,
    /// From a predecessor, with the address that its configuration asked for.
    answered: Vec<(SocketAddr, TcpListener)>,
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
            answered: Vec::new(),
        }
    }

    /// Sockets of the process whose place this one takes, each with the address that was asked
    /// for. Those that nobody asks for any more are closed without a word.
    pub fn from_predecessor(answered: Vec<(SocketAddr, TcpListener)>) -> Self {
        Self {
            sockets: Vec::new(),
            answered,
        }
    }

    /// Takes those that serve `wanted`. From a predecessor: what it had for the same address, and
    /// nothing narrower. From a service manager: the same port, and an address that covers it; a
    /// wildcard may be served by two sockets, one of each family.
    pub(super) fn claim(&mut self, wanted: SocketAddr) -> Vec<TcpListener> {
        let same = |(asked, _): &mut (SocketAddr, TcpListener)| *asked == wanted;
        let answered = self.answered.extract_if(.., same);
        let mut claimed: Vec<_> = answered.map(|(_, socket)| socket).collect();
        let serving =
            |socket: &mut TcpListener| socket.local_addr().is_ok_and(|own| serves(own, wanted));
        claimed.extend(self.sockets.extract_if(.., serving));
        claimed
    }

    /// One error for each socket that nobody claimed.
    pub(super) fn unclaimed(&self) -> Vec<ListenerError> {
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
    fn a_successor_takes_what_answers_the_same_wish_only() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = socket.local_addr().unwrap();
        let any = SocketAddr::from(([0, 0, 0, 0], own.port()));
        let handle = || socket.try_clone().unwrap();
        let mut narrow = InheritedSockets::from_predecessor(vec![(own, handle())]);
        assert!(narrow.claim(any).is_empty(), "it would serve less");
        assert!(narrow.unclaimed().is_empty());
        assert_eq!(narrow.claim(own).len(), 1);
        // as a service manager gave it to the predecessor
        let pair = vec![(any, handle()), (any, handle())];
        assert_eq!(InheritedSockets::from_predecessor(pair).claim(any).len(), 2);
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
