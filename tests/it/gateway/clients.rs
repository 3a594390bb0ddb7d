//! Requests as Rails, Workhorse and an editor send them, by the HTTP clients these use: Ruby's
//! Net::HTTP, and Node's HTTP/1.1 and HTTP/2.

use std::{
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::{completion, metadata, open_gateway, prompt, with};
use crate::support::{
    Duogate, Outcome, command, have,
    model_server::{ModelServer, Reply},
    node, run,
};

/// What Rails sends with each call (gitlab-clients 1.1); several values are empty on self-managed.
pub(super) fn rails_headers() -> Value {
    json!({
        "X-Gitlab-Authentication-Type": "oidc",
        "Authorization": "Bearer ",
        "Content-Type": "application/json",
        "X-Request-ID": "01JRAILS",
        "X-Gitlab-Rails-Send-Start": "1795421844.25",
        "x-gitlab-host-name": "gitlab.example.com",
        "x-gitlab-instance-id": "7a1c",
        "x-gitlab-realm": "self-managed",
        "x-gitlab-version": "18.9.0",
        "x-gitlab-feature-enabled-by-namespace-ids": "",
        "x-gitlab-feature-enablement-type": "",
        "x-gitlab-enabled-feature-flags": "",
        "x-gitlab-enabled-instance-verbose-ai-logs": "",
        "x-gitlab-namespace-id": "",
        "User-Agent": "Ruby",
    })
}

fn wanted(method: &str, path: &str, body: Option<&Value>) -> Value {
    let mut wanted = json!({"method": method, "path": path, "headers": rails_headers()});
    if let Some(body) = body {
        wanted["body"] = body.to_string().into();
    }
    wanted
}

/// Runs a client with what it reads from its standard input.
pub(super) fn ask(mut client: Command, input: &Value) -> Outcome {
    let folder = crate::support::Folder::new();
    let file = folder.write("input.json", input.to_string());
    client.stdin(Stdio::from(std::fs::File::open(file).unwrap()));
    std::io::stderr().flush().unwrap();
    run(client, Duration::from_secs(90))
}

fn rails(edge: &Duogate, wanted: &Value) -> Value {
    let mut ruby = command("ruby");
    ruby.arg(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/clients/rails_client.rb"
    ))
    .args(["edge.test", &edge.https().port().to_string()])
    .arg(edge.root());
    ask(ruby, wanted).json()
}

fn editor(edge: &Duogate, version: &str, wanted: &[Value]) -> Vec<Value> {
    let mut client = node("clients/editor_client.js");
    client
        .args([version, "edge.test", &edge.https().port().to_string()])
        .arg(edge.root());
    serde_json::from_value(ask(client, &json!(wanted)).json()).unwrap()
}

fn text(answer: &Value) -> String {
    let fragments = answer["fragments"].as_array().unwrap();
    fragments
        .iter()
        .map(|fragment| fragment.as_str().unwrap())
        .collect()
}

#[test]
fn rails_reads_every_kind_of_answer() {
    if !have("ruby") {
        return;
    }
    let model = ModelServer::start("Hello");
    let edge = open_gateway().start();
    let check = json!({"inputs": {}, "stream": false, "model_metadata": metadata(&model)});
    let answer = rails(
        &edge,
        &wanted(
            "POST",
            "/v1/prompts/model_configuration%2Fcheck",
            Some(&check),
        ),
    );
    assert_eq!(
        (answer["status"].as_u64(), text(&answer).as_str()),
        (Some(200), "\"Hello\"")
    );
    assert_eq!(answer["headers"]["x-request-id"], "01JRAILS");

    let head = rails(&edge, &wanted("HEAD", "/", None));
    assert_eq!(head["status"], 404, "{head}");
    let health = rails(&edge, &wanted("GET", "/monitoring/healthz", None));
    assert_eq!(text(&health), r#"{"status":"ok"}"#);

    model.reply(Reply::Pieces(vec!["é".to_owned(), "🙂".to_owned()]));
    let stream = with(prompt(&model), "stream", true);
    let answer = rails(
        &edge,
        &wanted("POST", "/v1/prompts/generate_commit_message", Some(&stream)),
    );
    assert_eq!(text(&answer), "é🙂", "{answer}");

    model.reply(Reply::CutEvents(
        "data: {\"choices\": [{\"index\": 0, \"delta\": {\"content\": \"half\"}}]}\n\n".to_owned(),
    ));
    let cut = rails(
        &edge,
        &wanted("POST", "/v1/prompts/generate_commit_message", Some(&stream)),
    );
    assert_eq!(cut["error"], "EOFError", "Rails maps this to A1003: {cut}");

    model.reply(Reply::Pieces(vec!["x".to_owned()]));
    let japanese = with(
        completion(&model),
        "current_file.content_above_cursor",
        "あ".repeat(100_000),
    );
    let japanese = with(
        japanese,
        "current_file.content_below_cursor",
        "い".repeat(100_000),
    );
    let context = json!([{"type": "file", "name": "n", "content": "う".repeat(400_000)}]);
    let japanese = with(japanese, "context", context);
    assert!(japanese.to_string().len() > 1_800_000);
    let answer = rails(
        &edge,
        &wanted("POST", "/v2/code/completions", Some(&japanese)),
    );
    assert_eq!(answer["status"], 200, "{answer}");
}

#[test]
fn workhorse_and_editors_share_a_connection_for_many_requests() {
    if !have("node") {
        return;
    }
    let model = ModelServer::start("name");
    let edge = open_gateway().start();
    let stream = with(completion(&model), "stream", true);
    let requests = [
        wanted("POST", "/v2/code/completions", Some(&completion(&model))),
        wanted("POST", "/v2/code/completions", Some(&stream)),
        wanted("POST", "/v2/code/completions", Some(&json!({}))),
        wanted(
            "POST",
            "/v1/prompts/generate_commit_message",
            Some(&prompt(&model)),
        ),
        wanted("GET", "/nothing", None),
    ];
    for version in ["1", "2"] {
        let answers = editor(&edge, version, &requests);
        let statuses: Vec<u64> = answers
            .iter()
            .map(|answer| answer["status"].as_u64().unwrap())
            .collect();
        assert_eq!(statuses, [200, 200, 422, 200, 404], "{answers:?}");
        let whole: Value = serde_json::from_str(&text(&answers[0])).unwrap();
        assert_eq!(whole["choices"][0]["text"], "name");
        assert_eq!(text(&answers[1]), "name");
        assert_eq!(text(&answers[3]), "\"name\"");
    }
}
