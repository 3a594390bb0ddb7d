//! The alert rules and the dashboard: what they ask for exists, and promtool runs their tests.

use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use duogate::telemetry::{Label, MetricDescription, Values};
use serde_json::Value;

use crate::{
    command_line::root,
    support::{command, have, run},
};

const RULES: &str = "deploy/prometheus/alerts.yaml";
const TESTS: &str = "deploy/prometheus/alerts_test.yaml";

#[test]
fn promtool_takes_the_rules_and_their_tests() {
    if !have("promtool") {
        return;
    }
    for (what, file) in [("check", RULES), ("test", TESTS)] {
        let mut promtool = command("promtool");
        promtool.args([what, "rules"]).arg(root(file));
        let outcome = run(promtool, Duration::from_secs(120));
        assert!(outcome.status.success(), "{outcome:?}");
    }
}

#[test]
fn every_alert_is_seen_firing_and_quiet() {
    let tests = yaml(TESTS);
    let checks: Vec<_> = list(&tests["tests"])
        .iter()
        .flat_map(|test| list(&test["alert_rule_test"]))
        .collect();
    for alert in alerts() {
        let name = &alert["alert"];
        let seen = |firing: bool| {
            checks.iter().any(|check| {
                check["alertname"] == *name && list(&check["exp_alerts"]).is_empty() != firing
            })
        };
        assert!(seen(true), "no test sees {name} firing");
        assert!(seen(false), "no test sees {name} quiet");
    }
}

#[test]
fn every_remedy_points_to_a_section() {
    let page = fs::read_to_string(root("docs/operations.md")).unwrap();
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let anchors: BTreeSet<String> = headings.map(anchor).collect();
    for alert in alerts() {
        let remedy = alert["annotations"]["remedy"].as_str().unwrap();
        let (_, section) = remedy.rsplit_once("docs/operations.md#").unwrap();
        assert!(anchors.contains(section), "{remedy}");
        assert!(alert["labels"]["severity"].is_string());
    }
}

/// As GitHub and GitLab make them of headings.
fn anchor(heading: &str) -> String {
    let letters = heading.trim_start_matches('#').trim().chars();
    letters
        .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-'))
        .map(|letter| letter.to_ascii_lowercase())
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

#[test]
fn what_alerts_ask_for_exists() {
    for alert in alerts() {
        let query = alert["expr"].as_str().unwrap();
        let asked = check_query(query);
        assert!(asked > 0 || query.contains("up{"), "{query}");
    }
}

/// Every metric of a query is one of ours, with labels and values that it has. Returns how many
/// there are.
#[track_caller]
pub(super) fn check_query(query: &str) -> usize {
    let mut count = 0;
    let mut rest = query;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_alphabetic()) {
        let tail = &rest[start..];
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let end = tail.find(|letter| !is_word(letter)).unwrap_or(tail.len());
        let (word, after) = tail.split_at(end);
        rest = after;
        if !PREFIXES.iter().any(|prefix| word.starts_with(prefix)) {
            continue;
        }
        count += 1;
        let metric = metric(word).unwrap_or_else(|| panic!("no metric {word}: {query}"));
        if let Some(selector) = after.strip_prefix('{') {
            let (selector, after) = selector.split_once('}').unwrap();
            rest = after;
            check_selector(metric, word, selector);
        }
    }
    count
}

/// Our own names, and those of the official gateway and agent platform.
const PREFIXES: [&str; 11] = [
    "duogate_",
    "process_",
    "model_inferences_",
    "inference_",
    "http_request_",
    "code_suggestions_",
    "grpc_server_",
    "agent_platform_",
    "duo_workflow_",
    "compaction_",
    "executor_actions_",
];

fn metric(word: &str) -> Option<&'static MetricDescription> {
    MetricDescription::all().iter().find(|metric| {
        let histogram = metric.kind.as_str() == "histogram";
        let suffix = word.strip_prefix(metric.name);
        match suffix {
            Some("") => !histogram,
            Some("_bucket" | "_sum" | "_count") => histogram,
            _ => false,
        }
    })
}

/// `a="b", c=~"d|e"`: none of our values holds a comma.
fn check_selector(metric: &MetricDescription, word: &str, selector: &str) {
    for matcher in selector.split(',').map(str::trim) {
        let name: String = matcher
            .chars()
            .take_while(|letter| letter.is_ascii_alphabetic() || *letter == '_')
            .collect();
        if ["job", "instance", "le"].contains(&name.as_str()) {
            continue;
        }
        let label = metric.labels.iter().find(|label| label.0 == name);
        let Some(Label(_, values)) = label else {
            panic!("{word} has no label {name}");
        };
        let text = matcher.split('"').nth(1).unwrap();
        if let Values::OneOf(words) = values {
            let given = text.split('|').filter(|text| !text.starts_with('$'));
            for value in given {
                assert!(words.contains(&value), "{word}: {name} is never {value}");
            }
        }
    }
}

fn alerts() -> Vec<Value> {
    let rules = yaml(RULES);
    let groups = list(&rules["groups"]).iter();
    let rules: Vec<_> = groups
        .flat_map(|group| list(&group["rules"]))
        .cloned()
        .collect();
    assert!(rules.len() > 10, "{rules:?}");
    rules
}

fn yaml(path: &str) -> Value {
    let path: PathBuf = root(path);
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
