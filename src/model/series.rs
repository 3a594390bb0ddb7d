//! The series of metrics that calls for one purpose count in, looked up once and then kept.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

use super::{Purpose, Target};
use crate::telemetry::{Durations, InferenceLabels, Metrics, ModelLabels};

/// Handles of what is counted for a family of models and a purpose.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) labels: InferenceLabels,
    pub(super) in_flight: Gauge,
    pub(super) first_token: Durations,
    pub(super) whole: Durations,
    pub(super) generating: Durations,
    pub(super) input_tokens: Counter,
    pub(super) output_tokens: Counter,
    pub(super) total_tokens: Counter,
}

/// All that were needed so far. Families and purposes are those of our files, so it stays small.
#[derive(Debug, Default)]
pub(super) struct SeriesTable(RwLock<HashMap<String, OfFamily>>);

type OfFamily = HashMap<Purpose, Arc<Series>>;

impl SeriesTable {
    /// The series of a call.
    pub(super) fn of(&self, metrics: &Metrics, target: &Target, purpose: &Purpose) -> Arc<Series> {
        let family = &target.family.name;
        // The map is valid after any panic: each change is one call.
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(family).and_then(|series| series.get(purpose));
        if let Some(found) = found {
            return Arc::clone(found);
        }
        drop(known);
        let series = Arc::new(Series::new(metrics, family, purpose));
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let of_family = table.entry(family.clone()).or_default();
        Arc::clone(of_family.entry(purpose.clone()).or_insert(series))
    }
}

impl Series {
    fn new(metrics: &Metrics, family: &str, purpose: &Purpose) -> Self {
        let model = ModelLabels {
            model_engine: ENGINE,
            model_name: family.to_owned(),
        };
        let labels = InferenceLabels {
            model_engine: ENGINE,
            model_name: family.to_owned(),
            feature_category: purpose.feature,
            unit_primitive: purpose.unit_primitive.clone(),
        };
        Self {
            in_flight: metrics.inferences_in_flight.get_or_create_owned(&model),
            first_token: metrics.first_token_seconds.get_or_create_owned(&labels),
            whole: metrics.inference_seconds.get_or_create_owned(&labels),
            generating: metrics.generation_seconds.get_or_create_owned(&labels),
            input_tokens: metrics.input_tokens.get_or_create_owned(&labels),
            output_tokens: metrics.output_tokens.get_or_create_owned(&labels),
            total_tokens: metrics.total_tokens.get_or_create_owned(&labels),
            labels,
        }
    }
}

/// What the reference calls models of the customer's own (models-and-prompts 6).
const ENGINE: &str = "litellm-chat";
