//! What can be judged of the TLS part of a configuration before anything runs.

use super::{FilePair, TlsError, probe_folder};
use crate::config::{Config, TlsSource};

/// Every problem that starting would meet: unreadable, damaged, encrypted or mismatched files, a
/// state folder that cannot be written.
pub fn check(config: &Config) -> Vec<TlsError> {
    let mut problems: Vec<TlsError> = configured_pairs(config)
        .iter()
        .filter_map(|pair| pair.load().err())
        .collect();
    if config.tls.source == TlsSource::Internal && config.listen.https.is_some() {
        problems.extend(probe_folder(&config.tls.state).err());
    }
    problems
}

fn configured_pairs(config: &Config) -> Vec<FilePair> {
    let mut pairs = Vec::new();
    if let (TlsSource::Files, Some(files)) = (config.tls.source, &config.tls.files) {
        pairs.push(FilePair::main(files.clone()));
    }
    if let Some(tls) = &config.tls.gateway {
        pairs.push(FilePair::gateway(tls.files.clone()));
    }
    if let Some(tls) = &config.tls.agent_platform {
        pairs.push(FilePair::agent_platform(tls.files.clone()));
    }
    pairs
}
