//! What can be judged of the ACME part of a configuration before anything runs.

use super::{AcmeError, start::refuse_ephemeral};
use crate::{
    config::{Config, TlsSource},
    tls::probe_folder,
    upstream::TrustRoots,
};

/// A state folder that cannot be written or does not last, and roots that cannot be read.
pub fn check(config: &Config) -> Vec<AcmeError> {
    if config.tls.source != TlsSource::Acme || config.listen.https.is_none() {
        return Vec::new();
    }
    let mut problems = Vec::new();
    if let Err(error) = probe_folder(&config.tls.state) {
        problems.push(AcmeError::Tls(error));
    } else if let Err(error) = refuse_ephemeral(config) {
        problems.push(error);
    }
    if let Some(file) = &config.tls.acme.ca_file
        && let Err(error) = TrustRoots::load(std::slice::from_ref(file))
    {
        problems.push(AcmeError::Upstream(error));
    }
    problems
}
