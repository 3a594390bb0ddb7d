//! What is served is what is described, in both formats, and readers that others wrote take it.

use std::{
    collections::BTreeSet,
    fs::File,
    io::Write,
    net::TcpStream,
    process::{Command, Stdio},
    time::Duration,
};

use duogate::telemetry::{Label, MetricDescription, Values};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{
    Duogate, Sample, Settings, Standin, appears, command, fetch, get, have,
    model_server::ModelServer, python, request, run, samples, settles,
};

/// Everything that this machine can make a server count without an ACME server.
fn busy(web: &Standin, platform: &Standin) -> Duogate {
    let edge = Settings::public()
        .gateway(&web.url())
        .agent_platform(&platform.url())
        .set("limits.connections_per_client", 8)
        .start();
    for version in ["--http1.1", "--http2"] {
        assert_eq!(fetch(&edge, &[version], "/v1/x").status, 200);
    }
    fetch(&edge, &["--http2", "-H", "te: trailers"], "/DuoWorkflow/X");
    get(edge.http(), "/").unwrap();
    request(edge.http(), "GET / HTTP/1.1\r\n\r\n").unwrap();
    drop(TcpStream::connect(edge.https()).unwrap());
    let refused = "duogate_connections_refused_total{outcome=\"per_client\"}";
    let crowd: Vec<_> = (0..10)
        .map(|_| TcpStream::connect(edge.http()).unwrap())
        .collect();
    appears(&edge, refused);
    drop(crowd);
    edge.process.signal(Signal::HUP);
    settles(&edge, "duogate_config_reloads_total{outcome=\"ok\"}", 1.0);
    edge.swap_certificate();
    appears(
        &edge,
        "duogate_certificate_file_reloads_total{outcome=\"ok\"}",
    );
    edge
}

/// A server whose ACME server cannot be reached.
fn without_authority() -> Duogate {
    let edge = Settings::public()
        .set("tls.source", "acme")
        .set("tls.files", Value::Null)
        .set("tls.acme.directory", "https://127.0.0.1:1/directory")
        .set("tls.acme.allow_ephemeral_state", true)
        .set("gitlab", json!([{"url": "http://127.0.0.1:1"}]))
        .start();
    let failed = "duogate_acme_attempts_total{outcome=\"failed\"}";
    appears(&edge, failed);
    edge
}

/// A server that answers the HTTP API itself, after one completion.
fn answering() -> Duogate {
    let model = ModelServer::start("x");
    let endpoint = json!([{"match": model.url(), "concurrency": 8}]);
    let open = json!({"required": false, "agent_platform": {"required": false}});
    // a file that may still come
    let settings = Settings::public()
        .set("auth", open)
        .set("documentation_index", "docs.db");
    let edge = settings.set("models.endpoints", endpoint).start();
    let body = json!({
        "prompt_version": 2,
        "current_file": {
            "file_name": "a.py", "content_above_cursor": "x = ", "content_below_cursor": "",
        },
        "model_provider": "litellm", "model_name": "mistral", "model_endpoint": model.url(),
    });
    let body = body.to_string();
    let arguments = [
        "-H",
        "Content-Type: application/json",
        "--data-binary",
        &body,
    ];
    let answer = fetch(&edge, &arguments, "/v2/code/completions");
    assert_eq!(answer.status, 200, "{answer:?}");
    // a start of session 7 in its frame
    let start = [0, 0, 0, 0, 5, 0x0a, 3, 0x12, 1, b'7'];
    let file = edge.folder().join("start.bin");
    std::fs::write(&file, start).unwrap();
    let data = format!("@{}", file.display());
    let arguments = [
        "--http2",
        "-H",
        "Content-Type: application/grpc",
        "--data-binary",
        &data,
    ];
    fetch(&edge, &arguments, "/DuoWorkflow/ExecuteWorkflow");
    edge
}

/// What no test of this file brings about, and why.
const ELSEWHERE: [(&str, &str); 16] = [
    (
        "duogate_acme_errors_total",
        "an ACME server has to refuse something",
    ),
    ("agent_platform_session_start_total", TURN),
    ("agent_platform_session_resume_total", TURN),
    ("agent_platform_session_retry_total", TURN),
    ("agent_platform_session_reject_total", TURN),
    ("agent_platform_session_success_total", TURN),
    ("agent_platform_session_failure_total", TURN),
    ("agent_platform_session_abort_total", TURN),
    ("duo_workflow_time_to_first_response_seconds", TURN),
    ("duo_workflow_tool_call_seconds", TURN),
    ("agent_platform_tool_failure_total", TURN),
    ("duo_workflow_gitlab_response_seconds", TURN),
    ("duo_workflow_checkpoint_total", TURN),
    ("compaction_execution_total", TURN),
    ("compaction_llm_duration_seconds", TURN),
    ("executor_actions_duration_seconds", TURN),
];

const TURN: &str = "a session has to run: sessions/told.rs";

#[test]
fn everything_served_is_described_and_everything_described_is_served() {
    let (web, platform) = standins();
    let (edge, alone) = (busy(&web, &platform), without_authority());
    let mut seen = BTreeSet::new();
    let answering = answering();
    for edge in [&edge, &alone, &answering] {
        for sample in samples(&edge.operator("/metrics").body) {
            let described = describe(&sample).unwrap_or_else(|fault| panic!("{fault}: {sample:?}"));
            seen.insert(described);
        }
    }
    let elsewhere = ELSEWHERE.map(|(name, _)| name);
    for metric in MetricDescription::all() {
        let expected = !elsewhere.contains(&metric.name);
        assert_eq!(seen.contains(metric.name), expected, "{}", metric.name);
    }
}

fn standins() -> (Standin, Standin) {
    let web = Standin::start("http_api", &[]);
    (web, Standin::start("grpc_service", &[]))
}

/// The metric that a sample belongs to, if its labels are as described.
pub(crate) fn describe(sample: &Sample) -> Result<&'static str, String> {
    let of_histogram = |metric: &MetricDescription| {
        let suffix = sample.name.strip_prefix(metric.name);
        metric.kind.as_str() == "histogram"
            && suffix.is_some_and(|suffix| ["_bucket", "_sum", "_count"].contains(&suffix))
    };
    let metric = MetricDescription::all()
        .iter()
        .find(|metric| metric.name == sample.name || of_histogram(metric))
        .ok_or("not in names.rs")?;
    let labels = sample.labels.iter().filter(|(name, _)| name != "le");
    let labels: Vec<_> = labels.collect();
    if labels.len() != metric.labels.len() {
        return Err("more or fewer labels than described".to_owned());
    }
    for ((name, value), Label(described, values)) in labels.into_iter().zip(metric.labels) {
        let known = match values {
            Values::OneOf(words) => words.contains(&value.as_str()),
            Values::Any(_) => !value.is_empty(),
        };
        if name != described || !known {
            return Err(format!("{name}={value} is not described"));
        }
    }
    Ok(metric.name)
}

#[test]
fn readers_that_others_wrote_take_both_formats() {
    let (web, platform) = standins();
    for edge in [busy(&web, &platform), without_authority()] {
        let text = edge.operator("/metrics").body;
        let open = open_metrics(&edge);
        for (format, scrape) in [("text", &text), ("openmetrics", &open)] {
            let families = read(&edge, format, scrape);
            for metric in MetricDescription::all() {
                compare(metric, &families, format);
            }
        }
        lint(&edge, &text);
    }
}

fn open_metrics(edge: &Duogate) -> String {
    let head = "GET /metrics HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\
                Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n\r\n";
    let answer = request(edge.admin(), head).unwrap();
    let kind = answer.field("content-type").unwrap();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"));
    answer.body
}

fn read(edge: &Duogate, format: &str, scrape: &str) -> Value {
    let mut reader = python("clients/metrics_reader.py");
    reader.arg(format);
    run(fed(reader, edge, scrape), Duration::from_secs(60)).json()
}

/// A reader's view of a metric that is there at all. The formats differ in the names of counters
/// and in whether they know units.
fn compare(metric: &MetricDescription, families: &Value, format: &str) {
    let stem = metric.name.strip_suffix("_total").unwrap_or(metric.name);
    let Some(family) = families.get(stem) else {
        let missing = families.get(metric.name);
        assert!(missing.is_none(), "{} is not called {stem}", metric.name);
        return;
    };
    assert_eq!(family["type"], metric.kind.as_str(), "{}", metric.name);
    let unit = metric.unit().filter(|_| format == "openmetrics");
    assert_eq!(family["unit"], unit.unwrap_or_default(), "{}", metric.name);
    assert_eq!(family["help"], format!("{}.", metric.help));
    if metric.kind.as_str() != "histogram" {
        assert_eq!(family["samples"], json!([metric.name]));
    }
}

fn lint(edge: &Duogate, text: &str) {
    if !have("promtool") {
        return;
    }
    let mut promtool = command("promtool");
    promtool.args(["check", "metrics"]);
    let lint = run(fed(promtool, edge, text), Duration::from_secs(30));
    assert!(lint.status.success() && lint.stderr.is_empty(), "{lint:?}");
}

/// The same command with this text on its standard input.
fn fed(mut command: Command, edge: &Duogate, text: &str) -> Command {
    let path = edge.folder().join("scrape");
    File::create(&path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    command.stdin(Stdio::from(File::open(path).unwrap()));
    command
}
