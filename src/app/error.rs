//! Why the process could not start or end in order.

use std::{io, path::PathBuf, time::Duration};

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
    /// Models cannot be asked.
    #[error(transparent)]
    Model(#[from] crate::model::SetupError),
    /// Prompts cannot be loaded.
    #[error(transparent)]
    Prompt(#[from] crate::prompt::PromptError),
    /// Who may call cannot be told.
    #[error(transparent)]
    Access(#[from] crate::access::AccessError),
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] crate::telemetry::LogError),
    /// The system refused something basic.
    #[error("the system refused to start threads or signal handlers: {0}")]
    System(#[from] io::Error),
    /// The task that reloads is gone, and the listening sockets with it.
    #[error("a fault of ours ended the task that reloads; the log has its report")]
    Fault,
    /// The sockets of the process that started this one cannot be had.
    #[error(
        "the process that started this one hands no sockets over: {0}; unset DUOGATE_PREDECESSOR"
    )]
    Predecessor(io::Error),
    /// A successor would outlive this process, but not the container.
    #[error(
        "this is process 1, and a container ends with it; start a new container, or run duogate below an init"
    )]
    FirstProcess,
    /// The program cannot be started again.
    #[error("{path}: cannot be started: {reason}; install it there")]
    Program {
        /// Where it was when this process started.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// A successor ended before it served.
    #[error("the successor ended before it served: {0}; its own lines say why")]
    SuccessorEnded(String),
    /// A successor does not serve.
    #[error("the successor did not serve within {} s and was ended", .0.as_secs())]
    SuccessorLate(Duration),
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
