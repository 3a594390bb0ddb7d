//! What is counted of calls: the official gateway's metrics (http-api 4.8), and how fast tokens
//! come.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    FinishReason, ModelError, ModelRequest, Target, Usage,
    series::{Series, SeriesTable},
};
use crate::telemetry::{InferenceOutcomeLabels, Metrics, OutcomeLabels, ReasonLabels};

/// Handles of the room's metrics.
#[derive(Debug)]
pub(super) struct ModelMeasures {
    metrics: Arc<Metrics>,
    series: SeriesTable,
}

/// One call, counted when it is dropped.
#[derive(Debug)]
pub(super) struct CallMeasure {
    metrics: Arc<Metrics>,
    series: Arc<Series>,
    streaming: &'static str,
    began: Instant,
    first: Option<Instant>,
    last: Option<Instant>,
    error: Option<&'static str>,
    finish: FinishReason,
    usage: Option<Usage>,
}

impl ModelMeasures {
    pub(super) fn new(metrics: &Arc<Metrics>) -> Self {
        Self {
            metrics: Arc::clone(metrics),
            series: SeriesTable::default(),
        }
    }

    /// Begins to measure a call.
    pub(super) fn begin(&self, target: &Target, request: &ModelRequest) -> CallMeasure {
        let series = self.series.of(&self.metrics, target, &request.purpose);
        series.in_flight.inc();
        CallMeasure {
            metrics: Arc::clone(&self.metrics),
            series,
            streaming: if request.stream { "yes" } else { "no" },
            began: Instant::now(),
            first: None,
            last: None,
            error: None,
            finish: FinishReason::Unknown,
            usage: None,
        }
    }

    /// Counts a request, by why it was sent.
    pub(super) fn attempt(&self, attempt: Attempt) {
        let outcome = match attempt {
            Attempt::First => "first",
            Attempt::Again => "again",
            Attempt::Adjusted => "adjusted",
            Attempt::Elsewhere => "elsewhere",
        };
        self.metrics
            .model_attempts
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }
}

/// Why a request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// It is the first.
    First,
    /// The server failed before.
    Again,
    /// Without a parameter that the server does not take.
    Adjusted,
    /// Another server did not answer.
    Elsewhere,
}

impl CallMeasure {
    /// Text came.
    pub(super) fn text(&mut self) {
        let now = Instant::now();
        self.last = Some(now);
        if self.first.is_none() {
            self.first = Some(now);
            self.series
                .first_token
                .observe(now.duration_since(self.began));
        }
    }

    /// The server counted; some count again with every piece, and the last count holds.
    pub(super) fn usage(&mut self, usage: Usage) {
        self.usage = Some(usage);
    }

    /// The model stopped.
    pub(super) fn finish(&mut self, reason: FinishReason) {
        self.finish = reason;
    }

    /// The call failed.
    pub(super) fn fail(&mut self, error: &ModelError) {
        self.error = Some(error.label());
        let reason = error.reason();
        self.metrics
            .model_failures
            .get_or_create(&ReasonLabels { reason })
            .inc();
    }

    fn count(&self, usage: Usage) {
        let (input, output) = (usage.input_tokens, usage.output_tokens);
        self.series.input_tokens.inc_by(input);
        self.series.output_tokens.inc_by(output);
        self.series
            .total_tokens
            .inc_by(input.saturating_add(output));
    }
}

impl Drop for CallMeasure {
    fn drop(&mut self) {
        let series = &self.series;
        series.in_flight.dec();
        let outcome = InferenceOutcomeLabels {
            model_engine: series.labels.model_engine,
            model_name: series.labels.model_name.clone(),
            error: if self.error.is_some() { "yes" } else { "no" },
            error_type: self.error.unwrap_or("none"),
            streaming: self.streaming,
            feature_category: series.labels.feature_category,
            unit_primitive: series.labels.unit_primitive.clone(),
            finish_reason: self.finish.as_str(),
        };
        self.metrics.inferences.get_or_create(&outcome).inc();
        if let Some(usage) = self.usage {
            self.count(usage);
        }
        series.whole.observe(self.began.elapsed());
        if let (Some(first), Some(last)) = (self.first, self.last) {
            let generating = last.checked_duration_since(first).unwrap_or(Duration::ZERO);
            series.generating.observe(generating);
        }
    }
}
