//! Why the process could not start or end in order.

use crate::config::Problem;

/// Why the process could not start or end in order.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Addresses cannot be opened.
    #[error("{} addresses cannot be opened", .0.len())]
    Listeners(Vec<crate::listener::ListenerError>),
    /// The way to an upstream cannot be prepared.
    #[error(transparent)]
    Upstream(#[from] crate::upstream::UpstreamError),
    /// TLS cannot be prepared.
    #[error(transparent)]
    Tls(#[from] crate::tls::TlsError),
    /// Certificates from an ACME server cannot be prepared.
    #[error(transparent)]
    Acme(#[from] crate::acme::AcmeError),
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] crate::telemetry::LogError),
    /// The system refused something basic.
    #[error("the system refused to start threads or signal handlers: {0}")]
    System(#[from] std::io::Error),
}

impl ServeError {
    /// The same as problems that the operator can act on, each of them.
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Listeners(errors) => errors
                .iter()
                .map(|error| sentence(&error.to_string()))
                .collect(),
            other => vec![sentence(&other.to_string())],
        }
    }
}

/// The rooms' errors are sentences `key: what is wrong; what to do`.
pub(super) fn sentence(text: &str) -> Problem {
    let (key, rest) = match text.split_once(": ") {
        Some((key, rest)) if !key.contains(' ') => (key, rest),
        _ => ("", text),
    };
    let (message, remedy) = rest.split_once("; ").unwrap_or((rest, ""));
    Problem::new(key, message, remedy)
}
