//! The dashboard: every query asks for what exists and is PromQL, every panel has a place.

use std::{collections::BTreeSet, fs, time::Duration};

use duogate::telemetry::MetricDescription;
use serde_json::{Value, json};

use super::alerts::check_query;
use crate::{
    command_line::root,
    support::{Folder, command, have, run},
};

pub(super) fn board() -> Value {
    let text = fs::read_to_string(root("deploy/grafana/duogate.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn panels(board: &Value) -> &[Value] {
    board["panels"].as_array().unwrap()
}

/// Queries of panels, with the panel's title.
pub(super) fn queries(board: &Value) -> Vec<(&str, &str)> {
    let panels = panels(board).iter();
    let targets = panels.flat_map(|panel| {
        let targets = panel["targets"].as_array().map_or(&[][..], Vec::as_slice);
        targets.iter().map(|target| (&panel["title"], target))
    });
    targets
        .map(|(title, target)| (title.as_str().unwrap(), target["expr"].as_str().unwrap()))
        .collect()
}

#[test]
fn what_the_dashboard_asks_for_exists() {
    let board = board();
    let mut shown = BTreeSet::new();
    for (title, query) in queries(&board) {
        assert!(check_query(query) > 0, "{title}: {query}");
        let metrics = MetricDescription::all().iter();
        shown.extend(
            metrics
                .map(|metric| metric.name)
                .filter(|name| query.contains(name)),
        );
        for variable in ["job=~\"$job\"", "instance=~\"$instance\""] {
            assert!(query.contains(variable), "{title}: {query}");
        }
    }
    // what only an alert or a person with a question needs
    let elsewhere = [
        "duogate_config_reloads_total",
        "duogate_config_hash",
        "duogate_connections_total",
    ];
    for metric in MetricDescription::all() {
        let expected = !elsewhere.contains(&metric.name);
        assert_eq!(shown.contains(metric.name), expected, "{}", metric.name);
    }
    for variable in board["templating"]["list"].as_array().unwrap() {
        if let Some(query) = variable["definition"].as_str() {
            assert!(check_query(query) > 0, "{query}");
        }
    }
}

#[test]
fn the_queries_are_promql() {
    if !have("promtool") {
        return;
    }
    let board = board();
    let rules = queries(&board)
        .into_iter()
        .enumerate()
        .map(|(number, (_, query))| {
            // what Grafana puts in for its variables
            let query = query.replace("$__rate_interval", "5m");
            json!({"record": format!("query:{number}"), "expr": query})
        });
    let rules: Vec<_> = rules.collect();
    assert!(rules.len() > 30);
    let groups = json!({"groups": [{"name": "dashboard", "rules": rules}]});
    let folder = Folder::new();
    // JSON is YAML
    let file = folder.write("queries.yaml", groups.to_string());
    let mut promtool = command("promtool");
    promtool.args(["check", "rules"]).arg(file);
    let outcome = run(promtool, Duration::from_secs(60));
    assert!(outcome.status.success(), "{outcome:?}");
}

#[test]
fn panels_have_a_place_and_the_chosen_data_source() {
    let board = board();
    let (mut identifiers, mut taken) = (BTreeSet::new(), BTreeSet::new());
    let mut rows = Vec::new();
    for panel in panels(&board) {
        let title = panel["title"].as_str().unwrap();
        assert!(identifiers.insert(panel["id"].as_u64().unwrap()), "{title}");
        let side = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(side("x") + side("w") <= 24, "{title}");
        for x in side("x")..side("x") + side("w") {
            for y in side("y")..side("y") + side("h") {
                assert!(taken.insert((x, y)), "{title} covers another panel");
            }
        }
        if panel["type"] == "row" {
            rows.push(title);
            continue;
        }
        let targets = panel["targets"].as_array().unwrap();
        for source in targets.iter().chain([panel]) {
            assert_eq!(source["datasource"]["uid"], "${datasource}", "{title}");
        }
        assert!(panel["description"].is_string(), "{title}");
    }
    let wanted = [
        "Traffic",
        "Latency",
        "TLS",
        "Certificates",
        "Tokens",
        "Upstreams",
        "Process",
        "Models and the built-in AI gateway",
    ];
    assert_eq!(rows, wanted);
    let source = &board["templating"]["list"][0];
    assert_eq!(
        (&source["name"], &source["type"]),
        (&json!("datasource"), &json!("datasource"))
    );
}
