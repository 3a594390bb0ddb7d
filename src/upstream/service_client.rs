//! The HTTP client for servers that requests may name: no redirects, no address that is never
//! one, no total deadline.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::Full;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use rustls::ClientConfig;

use super::{
    Lookup, PoolMeasures, ServiceBody, ServiceIdentity, TrustRoots, UpstreamError,
    client::{ALPN, builder},
    forbidden_address::careful,
    innermost_cause, probe,
    resolver::system,
    service_pools::ServicePools,
};
use crate::{
    config::Proxies,
    foundation::{Shutdown, Tasks},
};

/// How the client for model servers and the like behaves.
#[derive(Clone, Debug)]
pub struct ServiceClientSettings {
    /// What it calls itself.
    pub user_agent: &'static str,
    /// For connecting alone.
    pub connect_timeout: Duration,
    /// For the head of an answer, where the caller has not lost patience before.
    pub headers: Duration,
    /// How long an unused connection is kept.
    pub keep_alive_idle: Duration,
    /// An older connection takes no new calls.
    pub connection_age: Duration,
    /// Calls to one server at once.
    pub connections: usize,
    /// What it shows of itself.
    pub identity: Option<ServiceIdentity>,
    /// Whether certificates are judged at all.
    pub verify: bool,
}

/// A client with roots of its own and the operator's proxies. Names are resolved by the system;
/// addresses of which nobody is a model server are left out of what it says. Calls without a
/// proxy to such an address written as one are for the caller to refuse.
///
/// Without proxies it speaks HTTP/1.1 over our own pools; a call costs half of what the general
/// client takes for it. With proxies the general client decides which calls go by them.
#[derive(Debug)]
pub struct ServiceClient {
    way: Way,
    user_agent: HeaderValue,
    connect_timeout: Duration,
}

#[derive(Debug)]
enum Way {
    Direct(Box<ServicePools>),
    Proxied(reqwest::Client),
}

impl ServiceClient {
    /// A client; `measures` count the connections that it makes itself.
    pub fn new(
        roots: &TrustRoots,
        proxies: &Proxies,
        settings: &ServiceClientSettings,
        measures: PoolMeasures,
        shutdown: Shutdown,
    ) -> Result<Self, UpstreamError> {
        Self::with_lookup(roots, proxies, settings, measures, shutdown, system())
    }

    fn with_lookup(
        roots: &TrustRoots,
        proxies: &Proxies,
        settings: &ServiceClientSettings,
        measures: PoolMeasures,
        shutdown: Shutdown,
        lookup: Lookup,
    ) -> Result<Self, UpstreamError> {
        let lookup = careful(lookup);
        let way = if *proxies == Proxies::default() {
            let tls = tls(roots, settings, &[b"http/1.1"])?;
            let tasks = Tasks::new();
            let pools = ServicePools::new(lookup, tls, settings, measures, tasks, shutdown);
            Way::Direct(Box::new(pools))
        } else {
            let tls = tls(roots, settings, ALPN)?;
            let client = builder(proxies, tls)?
                .connect_timeout(settings.connect_timeout)
                .pool_idle_timeout(settings.keep_alive_idle)
                .tcp_nodelay(true)
                .tcp_keepalive(PROBES)
                .dns_resolver(Arc::new(SystemResolver(lookup)))
                .build();
            Way::Proxied(
                client.map_err(|error| UpstreamError::Client(super::error::error_chain(&error)))?,
            )
        };
        Ok(Self {
            way,
            user_agent: HeaderValue::from_static(settings.user_agent),
            connect_timeout: settings.connect_timeout,
        })
    }

    /// Sends a request and waits for the head of its answer.
    pub async fn send(
        &self,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<ServiceBody>, UpstreamError> {
        let user_agent = headers.entry(header::USER_AGENT);
        user_agent.or_insert_with(|| self.user_agent.clone());
        match &self.way {
            Way::Direct(pools) => {
                let mut request = Request::new(Full::new(body));
                *request.method_mut() = method;
                *request.uri_mut() = path_of(url)?;
                if let Some(host) = host_of(url) {
                    headers.insert(header::HOST, host);
                }
                *request.headers_mut() = headers;
                let (response, lease) = pools.of(url)?.send(request).await?;
                Ok(response.map(|body| ServiceBody::direct(body, lease)))
            }
            Way::Proxied(client) => {
                let request = client.request(method, url.clone());
                let response = request.headers(headers).body(body).send().await;
                let response = response.map_err(|error| self.sort(url, &error))?;
                Ok(Response::<reqwest::Body>::from(response).map(ServiceBody::proxied))
            }
        }
    }

    /// What the general client's failure is in our words.
    fn sort(&self, url: &Url, error: &reqwest::Error) -> UpstreamError {
        let origin = place(url);
        let reason = innermost_cause(error);
        if error.is_timeout() {
            let deadline = self.connect_timeout;
            UpstreamError::ConnectTimeout { origin, deadline }
        } else if error.is_connect() {
            UpstreamError::Refused { origin, reason }
        } else {
            UpstreamError::Reset {
                origin,
                reason,
                sent: true,
            }
        }
    }
}

fn tls(
    roots: &TrustRoots,
    settings: &ServiceClientSettings,
    alpn: &[&[u8]],
) -> Result<ClientConfig, UpstreamError> {
    let identity = settings.identity.as_ref().map(ServiceIdentity::read);
    let mut config = match identity.transpose()? {
        None => Arc::unwrap_or_clone(roots.client_config(alpn)),
        Some((chain, key)) => roots.client_config_as(alpn, chain, key).map_err(|error| {
            UpstreamError::Client(format!("the client certificate cannot be used: {error}"))
        })?,
    };
    if !settings.verify {
        probe::believe_everything(&mut config);
    }
    Ok(config)
}

/// `host:port`; a path or a query might hold a secret.
fn place(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

/// Path and query alone, as HTTP/1.1 sends them.
fn path_of(url: &Url) -> Result<Uri, UpstreamError> {
    let path = match url.query() {
        None => url.path().parse(),
        Some(query) => format!("{}?{query}", url.path()).parse(),
    };
    path.map_err(|_| UpstreamError::Target {
        target: place(url),
        reason: "the path cannot be sent",
    })
}

/// The host, with its port where it is not the scheme's own.
fn host_of(url: &Url) -> Option<HeaderValue> {
    let host = url.host_str()?;
    match url.port() {
        None => HeaderValue::from_str(host).ok(),
        Some(port) => HeaderValue::try_from(format!("{host}:{port}")).ok(),
    }
}

/// The general client's view of a lookup.
struct SystemResolver(Lookup);

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        // the client puts in the port of the URL
        let found = (self.0)(name.as_str().into(), 0);
        Box::pin(async move { Ok(Box::new(found.await?.into_iter()) as Addrs) })
    }
}

/// A dead server behind a silent network is noticed while a stream waits.
const PROBES: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{foundation::ShutdownTrigger, telemetry::Metrics};

    fn lookup(addresses: &'static [&'static str]) -> Lookup {
        Arc::new(move |_, port| {
            Box::pin(async move {
                let addresses = addresses.iter();
                let addresses = addresses
                    .map(|address| (address.parse::<std::net::IpAddr>().unwrap(), port).into());
                Ok(addresses.collect())
            })
        })
    }

    fn settings() -> ServiceClientSettings {
        ServiceClientSettings {
            user_agent: "duogate",
            connect_timeout: Duration::from_secs(5),
            headers: Duration::from_secs(5),
            keep_alive_idle: Duration::from_secs(1),
            connection_age: Duration::from_secs(60),
            connections: 1,
            identity: None,
            verify: true,
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_addresses_that_are_never_called_is_not_called() {
        let roots = TrustRoots::load(&[]).unwrap();
        let direct = Proxies::default();
        let proxied = Proxies {
            https: Some("http://127.0.0.1:9".to_owned()),
            ..Proxies::default()
        };
        for proxies in [direct, proxied] {
            let lookup = lookup(&["169.254.169.254", "::ffff:169.254.169.254"]);
            let measures = PoolMeasures::new(Arc::new(Metrics::new()), "models");
            let (_running, shutdown) = ShutdownTrigger::new();
            let settings = settings();
            let client =
                ServiceClient::with_lookup(&roots, &proxies, &settings, measures, shutdown, lookup);
            let url = "http://model.test/v1".parse().unwrap();
            let client = client.unwrap();
            let sent = client.send(Method::GET, &url, HeaderMap::new(), Bytes::new());
            let reason = sent.await.unwrap_err().reason();
            assert!(reason.contains("are never called"), "{reason}");
        }
    }

    #[tokio::test]
    async fn of_several_addresses_the_others_are_called() {
        let careful = careful(lookup(&["169.254.169.254", "10.0.0.1", "fe80::1", "::1"]));
        let found = careful("model.test".into(), 80).await.unwrap();
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.0.0.1:80", "[::1]:80"]);
    }

    #[test]
    fn what_goes_onto_the_wire_of_a_url() {
        for (url, path, host) in [
            (
                "http://model.test/v1/a?b=%20c#d",
                "/v1/a?b=%20c",
                "model.test",
            ),
            ("https://model.test:443", "/", "model.test"),
            ("https://[::1]:8443/x", "/x", "[::1]:8443"),
        ] {
            let url: Url = url.parse().unwrap();
            assert_eq!(path_of(&url).unwrap(), path, "{url}");
            assert_eq!(host_of(&url).unwrap(), host, "{url}");
        }
    }
}
