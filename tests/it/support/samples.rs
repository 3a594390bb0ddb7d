//! A scrape, taken apart: samples with their labels.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::Duogate;

/// One line of a scrape.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

/// Every sample of the text format. None of our label values holds a quote or a comma.
pub(crate) fn samples(text: &str) -> Vec<Sample> {
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(sample).collect()
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let labels = labels.strip_suffix('}').unwrap();
    let labels = labels.split(',').filter(|label| !label.is_empty());
    let labels = labels.map(|label| {
        let (name, value) = label.split_once('=').unwrap();
        (name.to_owned(), value.trim_matches('"').to_owned())
    });
    Sample {
        name: name.to_owned(),
        labels: labels.collect(),
        value: value.parse().unwrap(),
    }
}

/// The sum of the series of this name that have these labels at least: `name{a="b"}` or `name`.
/// None when there is no such series.
pub(crate) fn value(edge: &Duogate, series: &str) -> Option<f64> {
    let wanted = sample(&format!("{series} 0"));
    let scrape = samples(&edge.operator("/metrics").body);
    let matching = scrape.iter().filter(|sample| {
        let mut labels = wanted.labels.iter();
        sample.name == wanted.name && labels.all(|label| sample.labels.contains(label))
    });
    matching.map(|sample| sample.value).reduce(|a, b| a + b)
}

/// Waits until a series has this value.
#[track_caller]
pub(crate) fn settles(edge: &Duogate, series: &str, expected: f64) {
    let near = |found: f64| (found - expected).abs() < 1e-9;
    waits(edge, series, &format!("{expected}"), near);
}

/// Waits until a counter counts.
#[track_caller]
pub(crate) fn appears(edge: &Duogate, series: &str) {
    waits(edge, series, "above 0", |found| found > 0.0);
}

#[track_caller]
fn waits(edge: &Duogate, series: &str, expected: &str, is: impl Fn(f64) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = value(edge, series);
        if found.is_some_and(&is) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{series} is {found:?}, not {expected}\n{}",
            edge.operator("/metrics").body
        );
        thread::sleep(Duration::from_millis(20));
    }
}

/// Beyond the minute after which files are looked at where the kernel reports no change: it has
/// watches for some hundred processes only.
const PATIENCE: Duration = Duration::from_secs(90);
