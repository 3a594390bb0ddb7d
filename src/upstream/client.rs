//! The general HTTP client for calls to public services.

use std::{sync::Arc, time::Duration};

use reqwest::{ClientBuilder, NoProxy, Proxy};
use rustls::ClientConfig;

use super::{TrustRoots, UpstreamError};
use crate::config::Proxies;

/// How the general client behaves.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// What it calls itself.
    pub user_agent: String,
    /// From the start of a call to the last byte of its answer.
    pub timeout: Duration,
    /// For connecting alone.
    pub connect_timeout: Duration,
}

/// A client with our trust roots and the operator's proxies. It follows no redirects, since an
/// answer must not choose where we connect, and reads no environment, which belongs to the
/// configuration.
pub fn outgoing_client(
    roots: &TrustRoots,
    proxies: &Proxies,
    settings: ClientSettings,
) -> Result<reqwest::Client, UpstreamError> {
    let tls = roots.client_config(ALPN);
    builder(proxies, Arc::unwrap_or_clone(tls))?
        .user_agent(settings.user_agent)
        .timeout(settings.timeout)
        .connect_timeout(settings.connect_timeout)
        .build()
        .map_err(|error| UpstreamError::Client(super::error::error_chain(&error)))
}

/// Where every client begins: TLS as we want it, the operator's proxies, and no redirects.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that builds clients"
)]
pub(super) fn builder(
    proxies: &Proxies,
    tls: ClientConfig,
) -> Result<ClientBuilder, UpstreamError> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none());
    for proxy in chosen(proxies)? {
        builder = builder.proxy(proxy);
    }
    if *proxies == Proxies::default() {
        builder = builder.no_proxy();
    }
    Ok(builder)
}

fn chosen(proxies: &Proxies) -> Result<Vec<Proxy>, UpstreamError> {
    type Make = fn(&str) -> reqwest::Result<Proxy>;
    let kinds: [(&'static str, &Option<String>, Make); 2] = [
        ("HTTPS_PROXY", &proxies.https, |url| Proxy::https(url)),
        ("HTTP_PROXY", &proxies.http, |url| Proxy::http(url)),
    ];
    let mut chosen = Vec::new();
    for (variable, url, make) in kinds {
        let Some(url) = url else { continue };
        // What is wrong with it is not repeated: it may carry a password.
        let proxy = make(url).map_err(|_| UpstreamError::Proxy { variable })?;
        let none_for = proxies.none_for.as_deref().and_then(NoProxy::from_string);
        chosen.push(proxy.no_proxy(none_for));
    }
    Ok(chosen)
}

/// What every client offers.
pub(super) const ALPN: &[&[u8]] = &[b"h2", b"http/1.1"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_built_without_files_of_the_system() {
        let roots = TrustRoots::load(&[]).expect("the built-in list needs no file");
        let settings = ClientSettings {
            user_agent: "duogate".to_owned(),
            timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(1),
        };
        assert!(outgoing_client(&roots, &Proxies::default(), settings).is_ok());
    }
}
