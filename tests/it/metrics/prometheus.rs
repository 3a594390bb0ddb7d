//! A real Prometheus scrapes the real process, with our rules and the dashboard's queries.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::dashboard::{board, queries};
use crate::{
    command_line::root,
    support::{Folder, Port, Process, Settings, Standin, command, fetch, have, request},
};

struct Prometheus {
    process: Process,
    port: Port,
    _folder: Folder,
}

impl Prometheus {
    /// Scrapes this address every second under the job name that our files expect.
    fn start(target: SocketAddr) -> Self {
        let (folder, port) = (Folder::new(), Port::free());
        let config = json!({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [root("deploy/prometheus/alerts.yaml")],
            "scrape_configs": [{
                "job_name": "duogate",
                "static_configs": [{"targets": [target.to_string()]}],
            }],
        });
        // JSON is YAML
        let file = folder.write("prometheus.yml", config.to_string());
        let mut prometheus = command("prometheus");
        prometheus
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--web.listen-address={}", port.address()))
            .arg("--storage.tsdb.path=data")
            .current_dir(folder.path());
        Self {
            process: Process::start("prometheus", prometheus),
            port,
            _folder: folder,
        }
    }

    fn ask(&self, path: &str) -> Option<Value> {
        // HTTP/1.0 knows no chunks
        let head = format!("GET /api/v1/{path} HTTP/1.0\r\nHost: prometheus\r\n\r\n");
        let answer = request(self.port.address(), &head)?;
        let answer: Value = serde_json::from_str(&answer.body).ok()?;
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        Some(answer["data"].clone())
    }

    fn query(&self, query: &str) -> Value {
        let query = utf8_percent_encode(query, NON_ALPHANUMERIC);
        self.ask(&format!("query?query={query}")).unwrap()["result"].clone()
    }

    /// Waits until an answer is what it should be.
    #[track_caller]
    fn until(&self, path: &str, is: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = self.ask(path);
            if let Some(answer) = answer.as_ref().filter(|answer| is(answer)) {
                return answer.clone();
            }
            assert!(
                Instant::now() < deadline,
                "{path}: {answer:?}\n{}",
                self.process.output()
            );
            thread::sleep(Duration::from_millis(100));
        }
    }
}

#[test]
fn prometheus_scrapes_judges_and_draws() {
    if !have("prometheus") {
        return;
    }
    let (web, platform) = (
        Standin::start("http_api", &[]),
        Standin::start("grpc_service", &[]),
    );
    let edge = Settings::public()
        .gateway(&web.url())
        .agent_platform(&platform.url())
        .start();
    fetch(&edge, &[], "/v1/x");
    fetch(&edge, &["--http2"], "/DuoWorkflow/X");
    let prometheus = Prometheus::start(edge.admin());
    // two scrapes, for rates
    prometheus.until(
        "query?query=count_over_time(duogate_build_info[1m])",
        |answer| {
            let count = answer["result"][0]["value"][1].as_str();
            count.is_some_and(|count| count.parse::<u64>().unwrap() >= 3)
        },
    );
    let targets = prometheus.ask("targets").unwrap();
    let target = &targets["activeTargets"][0];
    assert_eq!(
        (&target["health"], &target["lastError"]),
        (&json!("up"), &json!(""))
    );
    let metadata = prometheus.ask("metadata?metric=duogate_http_request_duration_seconds");
    let metadata = metadata.unwrap()["duogate_http_request_duration_seconds"][0].clone();
    // only OpenMetrics tells units, so that is what it asked for and took
    assert_eq!(
        (&metadata["type"], &metadata["unit"]),
        (&json!("histogram"), &json!("seconds"))
    );

    let rules = prometheus.until("rules", |rules| {
        let rules = rules["groups"][0]["rules"].as_array();
        rules.is_some_and(|rules| rules.iter().all(|rule| rule["health"] != "unknown"))
    });
    for rule in rules["groups"][0]["rules"].as_array().unwrap() {
        assert_eq!(rule["health"], "ok", "{rule}");
        assert_ne!(rule["state"], "firing", "{rule}");
    }
    let board = board();
    let mut drawn = 0;
    for (title, query) in queries(&board) {
        let query = query
            .replace("$__rate_interval", "1m")
            .replace("$job", "duogate")
            .replace("$instance", ".*");
        let result = prometheus.query(&query);
        let series = result
            .as_array()
            .unwrap_or_else(|| panic!("{title}: {result}"));
        drawn += usize::from(!series.is_empty());
    }
    // without an ACME server, violations and resumptions some panels stay empty
    assert!(drawn >= 25, "only {drawn} queries have something to show");
}
