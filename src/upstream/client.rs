//! The general HTTP client for calls to public services.

use std::{sync::Arc, time::Duration};

use super::{TrustRoots, UpstreamError};

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

/// A client with our trust roots. It follows no redirects, since an answer must not choose where
/// we connect, and takes no proxy from the environment, which belongs to the configuration.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that builds clients"
)]
pub fn outgoing_client(
    roots: &TrustRoots,
    settings: ClientSettings,
) -> Result<reqwest::Client, UpstreamError> {
    let tls = roots.client_config(&[b"h2", b"http/1.1"]);
    reqwest::Client::builder()
        .tls_backend_preconfigured(Arc::unwrap_or_clone(tls))
        .user_agent(settings.user_agent)
        .timeout(settings.timeout)
        .connect_timeout(settings.connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|error| UpstreamError::Client(super::error::error_chain(&error)))
}

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
        assert!(outgoing_client(&roots, settings).is_ok());
    }
}
