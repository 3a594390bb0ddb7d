//! What is said of a metric, and the page of documentation made of it.

use std::fmt::Write;

use prometheus_client::{
    metrics::MetricType,
    registry::{Metric, Registry, Unit},
};

use super::names::DESCRIPTIONS;

/// A metric as scrapers, readers and tests see it.
#[derive(Clone, Copy, Debug)]
pub struct MetricDescription {
    /// As it is scraped: the unit last, but for the `_total` of counters.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub kind: MetricType,
    /// In the order in which they are written.
    pub labels: &'static [Label],
    /// A sentence without its full stop.
    pub help: &'static str,
}

/// A label's name and what it can say.
#[derive(Clone, Copy, Debug)]
pub struct Label(pub &'static str, pub Values);

/// What a label can say.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// These words.
    OneOf(&'static [&'static str]),
    /// What the words say; a closed set too, or from the configuration.
    Any(&'static str),
}

impl Label {
    /// The words of a closed set that is told.
    pub(super) fn words(self) -> &'static [&'static str] {
        match self.1 {
            Values::OneOf(words) => words,
            Values::Any(_) => &[],
        }
    }
}

impl MetricDescription {
    /// Every metric, in the order in which they are served.
    pub fn all() -> &'static [Self] {
        DESCRIPTIONS
    }

    /// The unit that the name ends in.
    pub fn unit(&self) -> Option<&'static str> {
        let stem = self.stem();
        let ends_in = |unit: &str| stem.strip_suffix(unit)?.strip_suffix('_');
        ["seconds", "bytes"]
            .into_iter()
            .find(|unit| ends_in(unit).is_some())
    }

    /// Hands a metric to the registry, which adds unit and `_total` itself.
    pub(super) fn register(&self, registry: &mut Registry, metric: impl Metric) {
        let stem = self.stem();
        let (unit, suffix) = match self.unit() {
            None => return registry.register(stem, self.help, metric),
            Some("bytes") => (Unit::Bytes, "_bytes"),
            Some(_) => (Unit::Seconds, "_seconds"),
        };
        let stem = stem.strip_suffix(suffix).unwrap_or(stem);
        registry.register_with_unit(stem, self.help, unit, metric);
    }

    fn stem(&self) -> &'static str {
        self.name.strip_suffix("_total").unwrap_or(self.name)
    }

    fn row(&self) -> String {
        let kind = self.kind.as_str();
        let unit = self.unit().unwrap_or("");
        let mut labels = String::new();
        for Label(name, values) in self.labels {
            let pause = if labels.is_empty() { "" } else { "; " };
            let _ = write!(labels, "{pause}`{name}`: ");
            match values {
                Values::Any(what) => labels.push_str(what),
                Values::OneOf(words) => {
                    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
                    labels.push_str(&words.join(", "));
                }
            }
        }
        format!(
            "| `{}` | {kind} | {unit} | {labels} | {} |\n",
            self.name, self.help
        )
    }
}

/// The page of documentation: a table of all metrics.
pub fn reference() -> String {
    let rows = DESCRIPTIONS.iter().map(MetricDescription::row);
    HEAD.to_owned() + &rows.collect::<String>()
}

const HEAD: &str = "\
# Metrics

Generated from the table of metrics by `duogate metrics`; a test compares the two.

`/metrics` on `listen.admin` (`127.0.0.1:9464`) and on each address of `listen.metrics`, in the text
format 0.0.4, or as OpenMetrics to a scraper whose `Accept` asks for it. How to scrape, alert rules and
a dashboard: [operations.md](operations.md#monitoring).

Series that count failures begin at 0 with the process, so that an alert sees the first one; statuses,
codes, rules and the kinds of a successful handshake appear with the first thing they count.
`certificate_state`, `certificate_next_attempt` and `acme_*` exist with certificates from an ACME server
only, `certificate_file_reloads` with certificate files, `upstream_*` with a forwarded door and for calls of
models, `process_*` on Linux. Labels never carry anything that a client sent: no path, no address, no name
that is not configured. A histogram `NAME` is served as `NAME_bucket` with `le`, `NAME_sum` and `NAME_count`.

| metric | type | unit | labels | meaning |
|---|---|---|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_stand_in_names() {
        let unit = |name: &str| {
            let found = DESCRIPTIONS.iter().find(|metric| metric.name == name);
            found.expect("it is described").unit()
        };
        assert_eq!(unit("process_cpu_seconds_total"), Some("seconds"));
        assert_eq!(unit("process_resident_memory_bytes"), Some("bytes"));
        assert_eq!(unit("duogate_connections_total"), None);
    }

    #[test]
    fn counters_and_only_counters_end_in_total() {
        for metric in DESCRIPTIONS {
            let counter = matches!(metric.kind, MetricType::Counter);
            assert_eq!(metric.name.ends_with("_total"), counter, "{}", metric.name);
            // ours, and the names of the official gateway and agent platform
            let known = [
                "duogate_",
                "process_",
                "http_request_",
                "model_inferences_",
                "inference_",
                "code_suggestions_",
                "grpc_server_",
                "agent_platform_",
                "duo_workflow_",
                "compaction_",
                "executor_actions_",
            ];
            let is_known = known.iter().any(|prefix| metric.name.starts_with(prefix));
            assert!(is_known, "{}", metric.name);
            assert!(!metric.help.ends_with('.'), "the registry adds it");
        }
    }
}
