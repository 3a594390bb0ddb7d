//! Metrics on the wire: Prometheus text 0.0.4 or OpenMetrics.

use std::fmt::Write;

use super::Metrics;

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpositionFormat {
    /// Prometheus text format 0.0.4, understood by everything.
    Text,
    /// `OpenMetrics` 1.0, for scrapers that ask for it.
    OpenMetrics,
}

impl ExpositionFormat {
    /// Chooses by the Accept header of a scrape.
    pub fn from_accept(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }

    /// The content type of the answer.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Writes every metric in the wanted format.
pub fn expose(metrics: &Metrics, format: ExpositionFormat) -> String {
    let mut text = String::new();
    // Writing to a String fails only if a metric's own encoding does, which none of ours can.
    let _ = prometheus_client::encoding::text::encode(&mut text, metrics.registry());
    match format {
        ExpositionFormat::OpenMetrics => text,
        ExpositionFormat::Text => to_text_format(&text),
    }
}

/// Turns `OpenMetrics` into 0.0.4: counters carry their `_total` in the HELP and TYPE lines too,
/// and UNIT and EOF lines do not exist.
fn to_text_format(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len() + 512);
    let mut pending_help: Option<(&str, &str)> = None;
    for line in open_metrics.lines() {
        if line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        if let Some((name, help)) = line
            .strip_prefix("# HELP ")
            .and_then(|rest| rest.split_once(' '))
        {
            pending_help = Some((name, help));
            continue;
        }
        if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        {
            let suffix = if kind == "counter" { "_total" } else { "" };
            if let Some((_, help)) = pending_help.take() {
                let _ = writeln!(text, "# HELP {name}{suffix} {help}");
            }
            let _ = writeln!(text, "# TYPE {name}{suffix} {kind}");
            continue;
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_carry_total_in_their_type_line() {
        let metrics = Metrics::new();
        metrics.accept_errors.inc();
        let text = expose(&metrics, ExpositionFormat::Text);
        assert!(
            text.contains("# TYPE duogate_accept_errors_total counter\n"),
            "{text}"
        );
        assert!(text.contains("\nduogate_accept_errors_total 1\n"), "{text}");
        assert!(!text.contains("# EOF"));
        assert!(expose(&metrics, ExpositionFormat::OpenMetrics).ends_with("# EOF\n"));
    }
}
