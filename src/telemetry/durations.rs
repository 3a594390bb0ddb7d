//! A histogram of durations that is recorded into without a lock.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, TypedMetric},
};

/// Counts durations by size; prometheus-client's own histogram takes a lock for each one. A
/// scrape that comes between the two steps of a recording sees the count without the sum.
#[derive(Clone, Debug, Default)]
pub struct Durations(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// One for each bound, and one above them all.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    /// Ten thousand streams at once overflow it in half a century; nanoseconds would in weeks.
    microseconds: AtomicU64,
}

impl Durations {
    /// Records one.
    pub fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let position = BOUNDS.partition_point(|bound| *bound < seconds);
        if let Some(bucket) = self.0.buckets.get(position) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.0
            .microseconds
            .fetch_add(microseconds, Ordering::Relaxed);
    }
}

impl TypedMetric for Durations {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Durations {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let counts = self.0.buckets.iter();
        let counts = counts.map(|bucket| bucket.load(Ordering::Relaxed));
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = Duration::from_micros(self.0.microseconds.load(Ordering::Relaxed));
        encoder.encode_histogram::<NoLabelSet>(sum.as_secs_f64(), count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

/// From an answer of our own to a long stream, in seconds: roughly a factor of three a step up to
/// the deadline of an answer's head, then an hour.
const BOUNDS: [f64; 14] = [
    0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 600.0, 3600.0,
];

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text::encode, registry::Registry};

    use super::*;

    #[test]
    fn a_duration_is_in_every_bucket_that_holds_it() {
        let durations = Durations::default();
        for duration in [
            Duration::from_micros(1),
            Duration::from_millis(1),
            Duration::from_secs(2),
            Duration::from_secs(4000),
        ] {
            durations.observe(duration);
        }
        let mut registry = Registry::default();
        registry.register("taken", "It took so long", durations);
        let mut text = String::new();
        encode(&mut text, &registry).expect("a String takes everything");
        for line in [
            "taken_sum 4002.001001",
            "taken_count 4",
            "taken_bucket{le=\"0.0003\"} 1",
            "taken_bucket{le=\"0.001\"} 2",
            "taken_bucket{le=\"1.0\"} 2",
            "taken_bucket{le=\"3.0\"} 3",
            "taken_bucket{le=\"3600.0\"} 3",
            "taken_bucket{le=\"+Inf\"} 4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
