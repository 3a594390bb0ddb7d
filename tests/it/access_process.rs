//! Sources of keys and switches as an operator meets them: log, readiness, metrics, check, reload.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    command_line::{self, duogate},
    support::{
        Duogate, Settings, appears,
        key_server::{DISCOVERY, KeyServer, Reply},
        settles,
        token_key::TokenKey,
        value,
    },
};

/// The part of `/readyz` about the sources of keys, and whether all is ready.
fn readiness(edge: &Duogate) -> (bool, Value) {
    let answer = edge.operator("/readyz");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer.status == 200, body["ready"] == true, "{body}");
    (answer.status == 200, body["parts"]["key_sources"].clone())
}

#[track_caller]
fn becomes_ready(edge: &Duogate) -> Value {
    let begin = Instant::now();
    loop {
        let (ready, part) = readiness(edge);
        if ready {
            return part;
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "{part}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A change of the file may be noticed twice, by its signal and by the watch, so what was counted as
/// a reload may be the one before.
#[track_caller]
fn disappears(edge: &Duogate, series: &str) {
    let begin = Instant::now();
    while value(edge, series).is_some() {
        assert!(begin.elapsed() < Duration::from_secs(10), "{series} stays");
        thread::sleep(Duration::from_millis(20));
    }
}

fn state(url: &str, state: &str) -> String {
    format!("duogate_key_source_state{{source=\"{url}\",state=\"{state}\"}}")
}

#[test]
fn one_source_that_answers_makes_ready_and_each_is_shown() {
    let server = KeyServer::start();
    server.publish("", &[&TokenKey::new("a"), &TokenKey::new("b")]);
    let hanging = KeyServer::start();
    hanging.reply(DISCOVERY, Reply::Silence);
    let (url, other) = (server.url(), hanging.url());
    let begin = Instant::now();
    let mut edge = Settings::public()
        .set("gitlab", json!([{"url": other}, {"url": url}]))
        .start();
    assert!(
        begin.elapsed() < Duration::from_secs(8),
        "the start waits for a source"
    );
    let line = edge.log_line("keys were fetched");
    assert!(line.contains(&url) && line.contains("\"keys\":2"), "{line}");
    // the sources are listed once everything is open
    edge.log_line("\"serving\"");
    for url in [&url, &other] {
        let listed = edge.log();
        let mut lines = listed
            .lines()
            .filter(|line| line.contains("\"key source\""));
        assert!(lines.any(|line| line.contains(url.as_str())), "{listed}");
    }
    let part = becomes_ready(&edge);
    let detail = part["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("{url}: 2 keys, ")), "{detail}");
    // until its ten seconds are over
    let waiting = [
        format!("{other}: not answered yet"),
        format!("{other}: no keys: "),
    ];
    assert!(
        waiting.iter().any(|words| detail.contains(words)),
        "{detail}"
    );
    settles(&edge, &state(&url, "current"), 1.0);
    settles(&edge, &state(&url, "waiting"), 0.0);
    settles(&edge, &state(&other, "waiting"), 1.0);
    let keys = |url: &str| {
        value(
            &edge,
            &format!("duogate_key_source_keys{{source=\"{url}\"}}"),
        )
    };
    assert_eq!((keys(&url), keys(&other)), (Some(2.0), Some(0.0)));
    let fetched = format!("duogate_key_source_last_success_timestamp_seconds{{source=\"{url}\"}}");
    assert!(value(&edge, &fetched).is_some_and(|seconds| seconds > 1.7e9));
}

#[test]
fn without_any_key_it_serves_but_is_not_ready() {
    let server = KeyServer::start();
    server.reply(DISCOVERY, Reply::html());
    let mut edge = Settings::public()
        .set("gitlab", json!([{"url": server.url()}]))
        .start();
    let line = edge.log_line("keys cannot be fetched");
    assert!(line.contains("no discovery document"), "{line}");
    let (ready, part) = readiness(&edge);
    assert!(!ready && part["ready"] == false, "{part}");
    assert!(
        part["detail"].as_str().unwrap().contains("no keys: "),
        "{part}"
    );
    assert_eq!(edge.operator("/healthz").status, 200);
    settles(
        &edge,
        "duogate_key_fetches_total{outcome=\"malformed\"}",
        1.0,
    );
    // where nobody is asked for a token, nobody waits for keys
    let mut file = edge.configuration();
    file["auth"] = json!({"required": false});
    edge.reload(&file, "ok");
    assert!(!readiness(&edge).0, "the agent platform waits for them");
    file["auth"]["agent_platform"] = json!({"required": false});
    edge.reload(&file, "ok");
    let (ready, part) = readiness(&edge);
    assert!(ready, "{part}");
    assert_eq!(part["detail"], "no token is required");
}

#[test]
fn a_reload_changes_sources_and_forgets_those_that_are_gone() {
    let [first, second] = [KeyServer::start(), KeyServer::start()];
    let key = TokenKey::new("a");
    first.publish("", &[&key]);
    second.publish("", &[&key]);
    let edge = Settings::public()
        .set("gitlab", json!([{"url": first.url()}]))
        .start();
    settles(&edge, &state(&first.url(), "current"), 1.0);
    let old = edge.configuration();
    let mut file = old.clone();
    file["gitlab"] = json!([{"url": first.url()}, {"url": second.url()}]);
    edge.reload(&file, "ok");
    settles(&edge, &state(&second.url(), "current"), 1.0);
    assert_eq!(
        first.fetches(),
        1,
        "what did not change was not asked again"
    );
    file["gitlab"] = json!([{"url": second.url()}]);
    edge.reload(&file, "ok");
    disappears(&edge, &state(&first.url(), "current"));
    // a reload that is refused changes nothing
    file["gitlab"] = json!([{"url": first.url()}, {"url": second.url(), "ca_file": "nowhere.pem"}]);
    edge.reload(&file, "refused");
    assert_eq!(value(&edge, &state(&first.url(), "current")), None);
    assert_eq!((first.fetches(), second.fetches()), (1, 1));
    // one door that answers here wants them, whichever it is
    file["gitlab"] = json!([{"url": second.url()}]);
    file["gateway"] = "http://127.0.0.1:1".into();
    edge.reload(&file, "ok");
    settles(&edge, &state(&second.url(), "current"), 1.0);
    assert_eq!(
        second.fetches(),
        1,
        "what did not change was not asked again"
    );
    // behind servers that judge tokens themselves nobody asks for keys
    file["agent_platform"] = "http://127.0.0.1:1".into();
    edge.reload(&file, "ok");
    disappears(&edge, &state(&second.url(), "current"));
    assert_eq!(readiness(&edge).1, Value::Null);
    edge.reload(&old, "ok");
    appears(&edge, &state(&first.url(), "current"));
}

#[test]
fn switches_are_told_loudly() {
    let mut edge = Settings::public()
        .set(
            "auth",
            json!({"required": false, "bypass_with_header": true, "bypass_signature": true}),
        )
        .start();
    for words in [
        "Auth is disabled, all users allowed",
        "anybody who sends Bypass-Auth: true",
        "tokens are believed whoever signed them",
    ] {
        let line = edge.log_line(words);
        assert!(line.contains("\"level\":\"ERROR\""), "{line}");
    }
}

#[test]
fn check_names_each_key_and_file_that_cannot_be_used() {
    let folder = command_line::Folder::new();
    let elliptic = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let elliptic = folder.write("elliptic.pem", &elliptic);
    let file = folder.write(
        "duogate.yaml",
        format!(
            "domains: [a.example]\ntls: {{source: internal, state: state}}\ngitlab:\n  - url: \
             https://a.example\n    ca_file: nowhere.pem\nkeys:\n  gateway:\n    signing: {}\n    \
             validation: |\n      -----BEGIN PRIVATE KEY-----\n      c2VjcmV0IHdvcmRz*\n      \
             -----END PRIVATE KEY-----\n",
            elliptic.display()
        ),
    );
    let path = file.to_string_lossy();
    let answer = duogate(&["check", "--config", &path], &[]);
    assert_eq!(answer.code, 1, "{answer:?}");
    for words in [
        ":8: keys.gateway.signing: is no RSA key of 2048 to 8192 bits",
        "duogate keys new",
        ":9: keys.gateway.validation: is not valid PEM",
        "nowhere.pem: cannot be read",
    ] {
        assert!(answer.errors.contains(words), "{words}: {}", answer.errors);
    }
    assert!(!answer.errors.contains("c2VjcmV0"), "{}", answer.errors);
    let printed = duogate(&["config", "print", "--config", &path], &[]).output;
    assert!(printed.contains("validation: ********"), "{printed}");
    assert!(!printed.contains("c2VjcmV0"), "{printed}");
    let serve = duogate(&["--config", &path], &[]);
    assert_eq!((serve.code, serve.errors), (1, answer.errors));
}
