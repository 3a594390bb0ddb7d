//! Connections to servers that are not known before they are called.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use reqwest::Url;
use rustls::ClientConfig;
use tokio::time::Instant;

use super::{
    Dialer, Http1Pool, Lookup, Origin, PoolMeasures, PoolSettings, Resolver, ServiceClientSettings,
    UpstreamError,
};
use crate::foundation::{Shutdown, Tasks};

/// A pool for each server that was called lately.
pub(super) struct ServicePools {
    resolver: Resolver,
    tls: Arc<ClientConfig>,
    connect_timeout: Duration,
    settings: PoolSettings,
    measures: PoolMeasures,
    tasks: Tasks,
    shutdown: Shutdown,
    pools: Mutex<HashMap<Box<str>, Entry>>,
}

type ServicePool = Arc<Http1Pool<Full<Bytes>>>;

struct Entry {
    pool: ServicePool,
    used: Instant,
}

impl ServicePools {
    pub(super) fn new(
        lookup: Lookup,
        tls: ClientConfig,
        settings: &ServiceClientSettings,
        measures: PoolMeasures,
        tasks: Tasks,
        shutdown: Shutdown,
    ) -> Self {
        Self {
            resolver: Resolver::with_lookup(lookup),
            tls: Arc::new(tls),
            connect_timeout: settings.connect_timeout,
            settings: PoolSettings {
                headers: settings.headers,
                idle: settings.keep_alive_idle,
                age: settings.connection_age,
                connections: settings.connections,
            },
            measures,
            tasks,
            shutdown,
            pools: Mutex::default(),
        }
    }

    /// The pool of the server that a URL names.
    pub(super) fn of(&self, url: &Url) -> Result<ServicePool, UpstreamError> {
        let server = server(url);
        // The map is valid after any panic: each change is one call.
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = pools.get_mut(server) {
            entry.used = Instant::now();
            return Ok(Arc::clone(&entry.pool));
        }
        let pool = Arc::new(self.make(server)?);
        if pools.len() >= MAXIMUM_SERVERS {
            // whoever still has a call there keeps the pool until it ends
            let oldest = pools.iter().min_by_key(|(_, entry)| entry.used);
            if let Some(oldest) = oldest.map(|(server, _)| server.clone()) {
                pools.remove(&oldest);
            }
        }
        let entry = Entry {
            pool: Arc::clone(&pool),
            used: Instant::now(),
        };
        pools.insert(server.into(), entry);
        Ok(pool)
    }

    fn make(&self, server: &str) -> Result<Http1Pool<Full<Bytes>>, UpstreamError> {
        let uri = server.parse().map_err(|_| UpstreamError::Target {
            target: server.to_owned(),
            reason: "it is no address of a server",
        })?;
        let dialer = Dialer::new(
            Origin::from_uri(&uri)?,
            self.resolver.clone(),
            Arc::clone(&self.tls),
            self.connect_timeout,
        );
        Ok(Http1Pool::new(
            dialer,
            self.settings,
            self.measures.clone(),
            self.tasks.clone(),
            self.shutdown.clone(),
        ))
    }
}

/// What stands before the path: scheme, host and port.
fn server(url: &Url) -> &str {
    let text = url.as_str();
    let host = text.find("://").map_or(0, |at| at + "://".len());
    let path = text.get(host..).and_then(|rest| rest.find(['/', '?', '#']));
    path.and_then(|length| text.get(..host + length))
        .unwrap_or(text)
}

impl fmt::Debug for ServicePools {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServicePools")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Requests name servers; an instance of GitLab has a handful, and a stranger none.
const MAXIMUM_SERVERS: usize = 64;
