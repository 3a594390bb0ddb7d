//! What was seen of the answers, as one JSON object.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Of one answer, counted from the moment its request was due.
pub(crate) struct Timing {
    pub(crate) first: Duration,
    pub(crate) whole: Duration,
    /// Between two pieces of the body that followed one another; zero when there was one piece.
    pub(crate) longest_gap: Duration,
    pub(crate) pieces: usize,
    pub(crate) bytes: usize,
}

/// Adds up a body piece by piece.
pub(crate) struct Watch {
    due: Instant,
    last: Option<Instant>,
    timing: Timing,
}

impl Watch {
    pub(crate) fn new(due: Instant) -> Self {
        let timing = Timing {
            first: Duration::ZERO,
            whole: Duration::ZERO,
            longest_gap: Duration::ZERO,
            pieces: 0,
            bytes: 0,
        };
        Self {
            due,
            last: None,
            timing,
        }
    }

    pub(crate) fn piece(&mut self, bytes: usize) {
        let now = Instant::now();
        match self.last {
            None => self.timing.first = now - self.due,
            Some(last) => self.timing.longest_gap = self.timing.longest_gap.max(now - last),
        }
        self.last = Some(now);
        self.timing.pieces += 1;
        self.timing.bytes += bytes;
    }

    pub(crate) fn end(mut self) -> Timing {
        self.timing.whole = self.due.elapsed();
        self.timing
    }
}

/// Of all answers; times in microseconds.
pub(crate) fn summary(
    timings: &[Timing],
    failures: &[String],
    peak: usize,
    took: Duration,
) -> Value {
    let sum = |value: fn(&Timing) -> usize| timings.iter().map(value).sum::<usize>();
    json!({
        "answers": timings.len(),
        "failed": failures.len(),
        "failure": failures.first(),
        "at_once": peak,
        "seconds": took.as_secs_f64(),
        "pieces": sum(|timing| timing.pieces),
        "bytes": sum(|timing| timing.bytes),
        "first_us": spread(timings.iter().map(|timing| timing.first)),
        "whole_us": spread(timings.iter().map(|timing| timing.whole)),
        "longest_gap_us": spread(timings.iter().map(|timing| timing.longest_gap)),
    })
}

fn spread(durations: impl Iterator<Item = Duration>) -> Value {
    let mut micros: Vec<_> = durations.map(|duration| duration.as_micros()).collect();
    micros.sort_unstable();
    let Some(last) = micros.len().checked_sub(1) else {
        return Value::Null;
    };
    let at = |share: f64| micros[(last as f64 * share).round() as usize] as u64;
    json!({"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1.0)})
}
