//! Connections open now, in total and per client.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Counts connections against their bounds.
#[derive(Debug)]
pub struct ConnectionCounts {
    total: AtomicUsize,
    clients: Mutex<HashMap<IpAddr, usize>>,
    maximum: usize,
    maximum_per_client: usize,
}

impl ConnectionCounts {
    /// Counts with these bounds.
    pub fn new(maximum: usize, maximum_per_client: usize) -> Arc<Self> {
        Arc::new(Self {
            total: AtomicUsize::new(0),
            clients: Mutex::new(HashMap::new()),
            maximum,
            maximum_per_client,
        })
    }

    /// A place in the total; none when all are taken.
    pub fn admit(self: &Arc<Self>) -> Option<ConnectionPermit> {
        if self.total.fetch_add(1, Ordering::Relaxed) >= self.maximum {
            self.total.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(ConnectionPermit { counts: Arc::clone(self), client: None })
    }

    /// Connections open now.
    pub fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }
}

/// A connection's place, given back when dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    counts: Arc<ConnectionCounts>,
    client: Option<IpAddr>,
}

impl ConnectionPermit {
    /// Counts the connection for its client too; false when the client has all it may have.
    pub fn admit_client(&mut self, address: IpAddr) -> bool {
        let client = client_key(address);
        let mut clients = self.counts.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let open = clients.entry(client).or_insert(0);
        if *open >= self.counts.maximum_per_client {
            return false;
        }
        *open += 1;
        self.client = Some(client);
        true
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.counts.total.fetch_sub(1, Ordering::Relaxed);
        let Some(client) = self.client else { return };
        let mut clients = self.counts.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = clients.get_mut(&client) {
            *open -= 1;
            if *open == 0 {
                clients.remove(&client);
            }
        }
    }
}

/// An IPv4 address is one client; with IPv6 it is the /64, which one customer gets whole.
fn client_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_and_places_come_back() {
        let counts = ConnectionCounts::new(3, 2);
        let address: IpAddr = "2001:db8::1".parse().expect("an address");
        let neighbour: IpAddr = "2001:db8::2".parse().expect("an address");
        let mut one = counts.admit().expect("a place");
        let mut two = counts.admit().expect("a place");
        let mut three = counts.admit().expect("a place");
        assert!(counts.admit().is_none());
        assert!(one.admit_client(address) && two.admit_client(neighbour));
        assert!(!three.admit_client(address), "the /64 has its two");
        drop(two);
        assert!(three.admit_client(address));
        drop((one, three));
        assert_eq!(counts.total(), 0);
        assert!(counts.clients.lock().expect("not poisoned").is_empty());
    }
}
