//! Names to addresses, remembered for a moment.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Origin, UpstreamError};

/// Where addresses come from: a host and a port to what the system's resolver says.
pub type Lookup = Arc<
    dyn Fn(Arc<str>, u16) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>
        + Send
        + Sync,
>;

/// Finds the addresses of an origin. Clones share one memory.
#[derive(Clone)]
pub struct Resolver {
    lookup: Lookup,
    names: Arc<Mutex<HashMap<Origin, Arc<Name>>>>,
}

/// Addresses, and whether they come from memory.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub(super) addresses: Arc<[SocketAddr]>,
    pub(super) remembered: bool,
}

/// One name. The lock is held during a lookup, so that all who want the name wait for one.
#[derive(Debug, Default)]
struct Name {
    found: tokio::sync::Mutex<Option<(Instant, Arc<[SocketAddr]>)>>,
}

/// What the system says.
pub(super) fn system() -> Lookup {
    Arc::new(|host, port| {
        Box::pin(async move { Ok(tokio::net::lookup_host((&*host, port)).await?.collect()) })
    })
}

impl Resolver {
    /// Asks the system, as `getaddrinfo` does it.
    pub fn system() -> Self {
        Self::with_lookup(system())
    }

    /// Asks something else.
    pub fn with_lookup(lookup: Lookup) -> Self {
        Self {
            lookup,
            names: Arc::default(),
        }
    }

    /// The addresses of the origin, each once, as a client meets them.
    pub async fn addresses(
        &self,
        origin: &Origin,
        patience: Duration,
    ) -> Result<Vec<SocketAddr>, UpstreamError> {
        let resolved = self.resolve(origin, Instant::now() + patience).await?;
        let mut addresses = Vec::new();
        for address in resolved.addresses.iter() {
            if !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        Ok(addresses)
    }

    /// The addresses of the origin in the order to try them; never empty.
    pub(super) async fn resolve(
        &self,
        origin: &Origin,
        deadline: Instant,
    ) -> Result<Resolved, UpstreamError> {
        if let Some(address) = origin.address() {
            return Ok(Resolved {
                addresses: Arc::new([SocketAddr::new(address, origin.port())]),
                remembered: false,
            });
        }
        let name = self.name(origin);
        let problem = |reason: String| UpstreamError::Unresolvable {
            host: origin.host().to_owned(),
            reason,
        };
        tokio::time::timeout_at(deadline, self.find(origin, &name))
            .await
            .map_err(|_| problem("the resolver does not answer".to_owned()))?
            .map_err(|error| problem(error.to_string()))
    }

    /// Forgets an origin whose addresses did not work.
    pub(super) fn forget(&self, origin: &Origin) {
        self.lock().remove(origin);
    }

    async fn find(&self, origin: &Origin, name: &Name) -> io::Result<Resolved> {
        let mut found = name.found.lock().await;
        if let Some((since, addresses)) = &*found
            && since.elapsed() < REMEMBERED
        {
            return Ok(Resolved {
                addresses: addresses.clone(),
                remembered: true,
            });
        }
        *found = None;
        let addresses = (self.lookup)(origin.host().into(), origin.port()).await?;
        if addresses.is_empty() {
            return Err(io::Error::other("the name has no address"));
        }
        let addresses: Arc<[SocketAddr]> = addresses.into();
        *found = Some((Instant::now(), addresses.clone()));
        Ok(Resolved {
            addresses,
            remembered: false,
        })
    }

    fn name(&self, origin: &Origin) -> Arc<Name> {
        let mut names = self.lock();
        if names.len() >= MAXIMUM_NAMES && !names.contains_key(origin) {
            names.clear();
        }
        names.entry(origin.clone()).or_default().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Origin, Arc<Name>>> {
        // The map is valid after any panic: each change is one call.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Resolver")
            .field("names", &self.lock().len())
            .finish_non_exhaustive()
    }
}

/// Long enough to spare `getaddrinfo` when many connections start at once, short enough that a
/// moved name is noticed.
const REMEMBERED: Duration = Duration::from_secs(10);

/// There are as many names as upstreams in the configuration: a handful.
const MAXIMUM_NAMES: usize = 64;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn counting(calls: Arc<AtomicUsize>) -> Resolver {
        Resolver::with_lookup(Arc::new(move |_, port| {
            let call = calls.fetch_add(1, Ordering::SeqCst);
            let last = u8::try_from(call).expect("few calls") + 1;
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(10)).await;
                Ok(vec![SocketAddr::from(([127, 0, 0, last], port))])
            })
        }))
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test]
    async fn lookups_are_shared_remembered_and_forgotten() {
        let calls = Arc::new(AtomicUsize::new(0));
        let resolver = counting(calls.clone());
        let origin = Origin::from_uri(&"http://name".parse().expect("valid")).expect("valid");
        let (one, two) = tokio::join!(
            resolver.resolve(&origin, soon()),
            resolver.resolve(&origin, soon())
        );
        assert!(one.is_ok() && two.is_ok());
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        resolver.forget(&origin);
        let again = resolver.resolve(&origin, soon()).await.expect("found");
        assert_eq!(again.addresses[0].to_string(), "127.0.0.2:80");
        assert!(!again.remembered);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_resolver_meets_the_deadline() {
        let resolver = Resolver::with_lookup(Arc::new(|_, _| Box::pin(std::future::pending())));
        let origin = Origin::from_uri(&"http://name".parse().expect("valid")).expect("valid");
        let error = resolver.resolve(&origin, soon()).await;
        assert!(matches!(error, Err(UpstreamError::Unresolvable { .. })));
    }
}
