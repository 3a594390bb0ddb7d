//! What can be judged of models before anything runs.

use std::sync::Arc;

use super::{
    SetupError, Target, exchange::headers, family::Catalogue, models::ModelSettings,
    models::client, places::Servers,
};
use crate::{
    config::{self, Config},
    foundation::ShutdownTrigger,
    telemetry::Metrics,
};

/// Every problem that starting would meet: files that cannot be read, headers that cannot be sent,
/// servers that are never asked. Where the HTTP API is forwarded no model is asked here.
pub fn check(config: &Config) -> Vec<SetupError> {
    if config.gateway != config::Target::Builtin {
        return Vec::new();
    }
    let metrics = Arc::new(Metrics::new());
    let settings = ModelSettings::of(config, Vec::new());
    let mut problems = Vec::new();
    if let Some(default) = &settings.default {
        let read = Target::read(default, &Catalogue::builtin(), &settings);
        problems.extend(
            read.err()
                .map(|error| SetupError::Default(error.to_string())),
        );
    }
    let endpoints = config.models.endpoints.iter();
    problems.extend(endpoints.filter_map(|endpoint| Servers::of(endpoint, &metrics).err()));
    problems.extend(headers(&settings.extra_headers).err());
    let (_trigger, shutdown) = ShutdownTrigger::new();
    problems.extend(client(config, &metrics, shutdown).err());
    problems
}
