//! How many connections there are, in total and of each client.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    config::Limits,
    foundation::ListenerKind,
    telemetry::{ConnectionLabels, Metrics},
};

/// Open connections of the process, shared by all listeners.
#[derive(Debug)]
pub struct ConnectionCounts {
    total: AtomicUsize,
    per_client: AtomicUsize,
    metrics: Arc<Metrics>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    public: usize,
    operator: usize,
    clients: HashMap<IpAddr, usize>,
}

/// Which bound a connection met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `limits.connections`, or the operator's places.
    Total,
    /// `limits.connections_per_client`.
    PerClient,
    /// No valid PROXY header from a network that must send one.
    ProxyHeader,
}

impl Refusal {
    /// The word that metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::PerClient => "per_client",
            Self::ProxyHeader => "proxy_header",
        }
    }
}

impl ConnectionCounts {
    /// No connections yet.
    pub fn new(limits: &Limits, metrics: Arc<Metrics>) -> Arc<Self> {
        tell_bound(&metrics, limits);
        Arc::new(Self {
            total: AtomicUsize::new(limits.connections),
            per_client: AtomicUsize::new(limits.connections_per_client),
            metrics,
            open: Mutex::default(),
        })
    }

    /// Other bounds from now on; connections beyond them stay.
    pub fn rebound(&self, limits: &Limits) {
        self.total.store(limits.connections, Ordering::Relaxed);
        self.per_client
            .store(limits.connections_per_client, Ordering::Relaxed);
        tell_bound(&self.metrics, limits);
    }

    /// A place for a connection, whoever it comes from.
    pub fn admit(self: &Arc<Self>, listener: ListenerKind) -> Result<ConnectionPermit, Refusal> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (places, bound) = open.places(listener, self.total.load(Ordering::Relaxed));
        if *places >= bound {
            return Err(Refusal::Total);
        }
        *places += 1;
        drop(open);
        let labels = labels(listener);
        self.metrics.connections.get_or_create(&labels).inc();
        self.metrics.connections_open.get_or_create(&labels).inc();
        Ok(ConnectionPermit {
            counts: Arc::clone(self),
            listener,
            client: None,
        })
    }

    fn release(&self, listener: ListenerKind, client: Option<IpAddr>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (places, _) = open.places(listener, usize::MAX);
        *places = places.saturating_sub(1);
        if let Some(client) = client
            && let Some(count) = open.clients.get_mut(&client)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.clients.remove(&client);
            }
        }
        drop(open);
        let labels = labels(listener);
        self.metrics.connections_open.get_or_create(&labels).dec();
    }
}

impl Open {
    fn places(&mut self, listener: ListenerKind, total: usize) -> (&mut usize, usize) {
        if listener.is_operators() {
            (&mut self.operator, OPERATOR_CONNECTIONS)
        } else {
            (&mut self.public, total)
        }
    }
}

/// A place among the open connections; free again when dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    counts: Arc<ConnectionCounts>,
    listener: ListenerKind,
    client: Option<IpAddr>,
}

impl ConnectionPermit {
    /// Counts the connection for its client too.
    pub(super) fn charge(&mut self, client: IpAddr) -> Result<(), Refusal> {
        let client = network_of(client);
        let mut open = self
            .counts
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let count = open.clients.entry(client).or_default();
        if *count >= self.counts.per_client.load(Ordering::Relaxed) {
            return Err(Refusal::PerClient);
        }
        *count += 1;
        self.client = Some(client);
        Ok(())
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.counts.release(self.listener, self.client);
    }
}

fn tell_bound(metrics: &Metrics, limits: &Limits) {
    let bound = i64::try_from(limits.connections).unwrap_or(i64::MAX);
    metrics.connections_limit.set(bound);
}

fn labels(listener: ListenerKind) -> ConnectionLabels {
    ConnectionLabels {
        listener: listener.as_str(),
    }
}

/// One household: an IPv4 address, or the /64 that an IPv6 subscriber may choose addresses from.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK_MASK).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// The upper 64 bits of an IPv6 address.
const NETWORK_MASK: u128 = !(u64::MAX as u128);

/// An operator, Prometheus and health probes need a handful; the rest is room for mistakes.
const OPERATOR_CONNECTIONS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(connections: usize, connections_per_client: usize) -> Arc<ConnectionCounts> {
        let limits = Limits {
            connections,
            connections_per_client,
            ..Limits::default()
        };
        ConnectionCounts::new(&limits, Arc::new(Metrics::new()))
    }

    #[test]
    fn the_total_is_bounded_and_operators_have_places_of_their_own() {
        let counts = counts(1, 9);
        let first = counts.admit(ListenerKind::Https).unwrap();
        assert_eq!(
            counts.admit(ListenerKind::Http).unwrap_err(),
            Refusal::Total
        );
        counts.admit(ListenerKind::Admin).unwrap();
        drop(first);
        counts.admit(ListenerKind::Https).unwrap();
    }

    #[test]
    fn a_client_is_an_address_or_a_subscribers_network() {
        let counts = counts(9, 1);
        let charge = |address: &str| {
            let mut permit = counts.admit(ListenerKind::Https)?;
            permit.charge(address.parse().unwrap()).map(|()| permit)
        };
        let first = charge("2001:db8::1").unwrap();
        assert_eq!(charge("2001:db8::ffff").unwrap_err(), Refusal::PerClient);
        let _other = charge("2001:db8:0:1::1").unwrap();
        let _fourth = charge("10.0.0.1").unwrap();
        assert_eq!(charge("::ffff:10.0.0.1").unwrap_err(), Refusal::PerClient);
        drop(first);
        let _again = charge("2001:db8::2").unwrap();
        assert_eq!(counts.open.lock().unwrap().public, 3);
    }
}
