//! Several servers for the same thing: the one with the fewest calls gets the next.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::Breaker;

/// Shares calls among servers, each known by its position. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Balancer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    servers: Mutex<Vec<Server>>,
    /// Calls of one server at a time.
    concurrency: usize,
}

#[derive(Debug, Default)]
struct Server {
    calls: usize,
    /// The call of the last one that was chosen; older ones come first among equals.
    chosen: u64,
    breaker: Breaker,
}

/// A place at a server, given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    shared: Arc<Shared>,
    index: usize,
    /// This call decides whether a server that was left alone is called again.
    is_probe: bool,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// Every place is taken.
    Busy,
    /// Every server fails and is left alone for so long.
    Open(Duration),
}

impl Balancer {
    /// For so many servers, each with so many calls at a time.
    pub fn new(servers: usize, concurrency: usize) -> Self {
        let servers = (0..servers).map(|_| Server::default()).collect();
        Self(Arc::new(Shared {
            servers: Mutex::new(servers),
            concurrency,
        }))
    }

    /// A place at the server with the fewest calls, none of `tried`.
    pub fn choose(&self, tried: &[usize], now: Instant) -> Result<Permit, NoPlace> {
        let mut servers = self.0.servers();
        let newest = servers.iter().map(|server| server.chosen).max();
        let mut shortest: Option<Duration> = None;
        let mut is_busy = false;
        let mut best: Option<(usize, &mut Server)> = None;
        for (index, server) in servers.iter_mut().enumerate() {
            if tried.contains(&index) {
                continue;
            }
            if let Some(wait) = server.breaker.wait(now) {
                shortest = Some(shortest.map_or(wait, |known| known.min(wait)));
            } else if server.calls >= self.0.concurrency {
                is_busy = true;
            } else if best
                .as_ref()
                .is_none_or(|(_, best)| server.load() < best.load())
            {
                best = Some((index, server));
            }
        }
        let Some((index, server)) = best else {
            return Err(match shortest {
                Some(wait) if !is_busy => NoPlace::Open(wait),
                _ => NoPlace::Busy,
            });
        };
        server.calls += 1;
        server.chosen = newest.unwrap_or_default() + 1;
        let is_probe = server.breaker.begin();
        Ok(Permit {
            shared: Arc::clone(&self.0),
            index,
            is_probe,
        })
    }

    /// Whether a server that is none of `tried` may be called.
    pub fn has_others(&self, tried: &[usize], now: Instant) -> bool {
        let servers = self.0.servers();
        let mut others = servers.iter().enumerate();
        others.any(|(index, server)| {
            !tried.contains(&index)
                && server.calls < self.0.concurrency
                && server.breaker.wait(now).is_none()
        })
    }
}

impl Permit {
    /// The server.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The server did what it should. True where it was left alone before.
    pub fn succeed(&mut self) -> bool {
        self.is_probe = false;
        let mut servers = self.shared.servers();
        let server = servers.get_mut(self.index);
        server.is_some_and(|server| server.breaker.succeed())
    }

    /// The server failed. Gives how long it is left alone, where this is why.
    pub fn fail(&mut self, now: Instant) -> Option<Duration> {
        let was_probe = std::mem::take(&mut self.is_probe);
        let mut servers = self.shared.servers();
        servers.get_mut(self.index)?.breaker.fail(now, was_probe)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut servers = self.shared.servers();
        if let Some(server) = servers.get_mut(self.index) {
            server.calls -= 1;
            if self.is_probe {
                server.breaker.abandon();
            }
        }
    }
}

impl Shared {
    /// No state is half changed while the lock is held, so one that a panic left is as good.
    fn servers(&self) -> MutexGuard<'_, Vec<Server>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    fn load(&self) -> (usize, u64) {
        (self.calls, self.chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_with_the_fewest_calls_is_chosen_and_equals_take_turns() {
        let now = Instant::now();
        let balancer = Balancer::new(3, 2);
        let choose = |tried: &[usize]| balancer.choose(tried, now).unwrap();
        let permits = [choose(&[]), choose(&[]), choose(&[])];
        assert_eq!(permits.each_ref().map(Permit::index), [0, 1, 2]);
        assert_eq!(choose(&[0]).index(), 1);
        let [first, _second, third] = permits;
        drop(third);
        assert_eq!(choose(&[]).index(), 2);
        drop(first);
        let (one, two) = (choose(&[]), choose(&[]));
        assert_eq!((one.index(), two.index()), (0, 2));
    }

    #[test]
    fn places_are_bounded_and_come_back() {
        let now = Instant::now();
        let balancer = Balancer::new(1, 2);
        let first = balancer.choose(&[], now).unwrap();
        let _second = balancer.choose(&[], now).unwrap();
        assert_eq!(balancer.choose(&[], now).err(), Some(NoPlace::Busy));
        assert!(!balancer.has_others(&[], now));
        drop(first);
        assert!(balancer.has_others(&[], now));
        assert!(!balancer.has_others(&[0], now));
        assert!(balancer.choose(&[], now).is_ok());
    }

    #[test]
    fn a_failing_server_rests_and_one_call_brings_it_back() {
        let now = Instant::now();
        let balancer = Balancer::new(2, 9);
        let straggler = balancer.choose(&[1], now).unwrap();
        let mut rest = None;
        while rest.is_none() {
            rest = balancer.choose(&[1], now).unwrap().fail(now);
        }
        let rest = rest.unwrap();
        for _ in 0..3 {
            assert_eq!(balancer.choose(&[], now).unwrap().index(), 1);
        }
        let refused = balancer.choose(&[1], now).err();
        assert_eq!(refused, Some(NoPlace::Open(rest)));
        let later = now + rest;
        let probe = balancer.choose(&[1], later).unwrap();
        assert!(balancer.choose(&[1], later).is_err(), "one call alone");
        drop(straggler);
        assert!(balancer.choose(&[1], later).is_err(), "still one alone");
        drop(probe);
        let mut probe = balancer.choose(&[1], later).unwrap();
        assert!(probe.succeed());
        assert!(balancer.choose(&[1], later).is_ok());
    }
}
