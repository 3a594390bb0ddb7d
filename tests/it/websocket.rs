//! WebSocket through the edge, over HTTP/1.1 and over HTTP/2: transparent to the byte.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, time::Duration};

use serde_json::{Value, json};

use crate::support::{
    Duogate, Folder, Port, Process, Settings, Standin, command, have, node, python, run,
};

fn edge_before(upstream: &Standin) -> Duogate {
    Settings::public().gateway(&upstream.url()).start()
}

fn client(edge: &Duogate, scenario: &[&str]) -> Value {
    let mut command = python("clients/websocket_client.py");
    command
        .arg(edge.https().to_string())
        .arg(edge.root())
        .args(scenario);
    run(command, Duration::from_secs(60)).json()
}

#[test]
fn messages_pass_over_http1() {
    let upstream = Standin::start("websocket_echo", &[]);
    let edge = edge_before(&upstream);
    let facts = client(&edge, &["echo"]);
    assert_eq!(facts["text"], "text");
    assert_eq!(facts["binary"], true);
    assert_eq!(facts["pieces"], "in three pieces");
    assert_eq!(facts["pong"], true);
    assert_eq!(facts["protocol"], "duo");
    assert_eq!(facts["code"], 1000);
    assert_eq!(facts["head"]["path"], "/echo%2Fpath?q=1");
    let fields = facts["head"]["fields"].to_string().to_lowercase();
    assert!(
        fields.contains("[\"x-forwarded-for\",\"127.0.0.1\"]"),
        "{fields}"
    );
}

#[test]
fn close_codes_pass() {
    let upstream = Standin::start("websocket_echo", &[]);
    let edge = edge_before(&upstream);
    for code in [1000, 1008, 4001] {
        let closed = client(&edge, &["close", &code.to_string()]);
        assert_eq!(closed, json!({"code": code, "reason": "as asked"}));
    }
}

#[test]
fn messages_pass_over_http2() {
    if !have("node") {
        return;
    }
    let upstream = Standin::start("websocket_echo", &[]);
    let edge = edge_before(&upstream);
    let mut command = node("clients/websocket_http2.js");
    command
        .arg(edge.https().to_string())
        .arg(edge.root())
        .arg("/echo%2Fpath?q=1");
    let facts = run(command, Duration::from_secs(60)).json();
    assert_eq!(facts["status"], 200, "{facts}");
    assert_eq!(facts["protocol"], "duo");
    assert_eq!(facts["accept"], Value::Null, "RFC 8441 has no accept field");
    let messages = facts["messages"].as_array().unwrap();
    let kinds = messages
        .iter()
        .map(|message| (&message["opcode"], &message["bytes"]));
    let mut kinds = kinds.map(|(kind, bytes)| (kind.as_u64().unwrap(), bytes.as_u64().unwrap()));
    let kinds = kinds.by_ref().collect::<Vec<_>>();
    for expected in [(1, 10), (2, 300_000), (10, 4)] {
        assert!(
            kinds.contains(&expected),
            "{expected:?} is not in {kinds:?}"
        );
    }
    assert_eq!(
        kinds.last().unwrap().0,
        8,
        "the upstream's Close comes last: {kinds:?}"
    );
    assert_eq!(messages[0]["text"], "over http2");
}

/// Autobahn's cases for a server, run by kosoku: behind the edge each has to end as it does at the
/// echo itself. A few depend on timing, so a case that differs is run again before it counts.
#[test]
fn autobahn_cases_end_as_at_the_echo_itself() {
    if !have("socat") {
        return;
    }
    let upstream = Standin::start("websocket_echo", &[]);
    let edge = edge_before(&upstream);
    // kosoku speaks no TLS
    let port = Port::free();
    let mut socat = command("socat");
    socat.arg(format!(
        "TCP-LISTEN:{},bind=127.0.0.1,fork,reuseaddr",
        port.number()
    ));
    socat.arg(format!("OPENSSL:{},verify=0", edge.https()));
    let _socat = Process::start("socat", socat);

    let folder = Folder::new();
    let directly = autobahn(&folder, "direct", upstream.address, &[]);
    let through = autobahn(&folder, "edge", port.address(), &[]);
    assert!(directly.len() >= 240, "only {} cases ran", directly.len());
    assert_eq!(directly.len(), through.len());
    let differs = |case: &&String| rank(&through[*case]) > rank(&directly[*case]);
    let different = directly.keys().filter(differs).cloned().collect::<Vec<_>>();
    for case in different {
        let again = (0..3).any(|_| {
            let only = ["-i", case.as_str()];
            let directly = autobahn(&folder, "direct-again", upstream.address, &only);
            let through = autobahn(&folder, "edge-again", port.address(), &only);
            rank(&through[&case]) <= rank(&directly[&case])
        });
        assert!(
            again,
            "case {case}: {} directly, {} behind the edge",
            directly[&case], through[&case]
        );
    }
}

/// How well a case ended: the two good words depend on who is faster to close.
fn rank(behavior: &str) -> u8 {
    match behavior {
        "OK" | "NON-STRICT" | "INFORMATIONAL" => 0,
        _ => 1,
    }
}

/// Runs the cases, without those on performance and compression, and tells how each ended.
fn autobahn(
    folder: &Folder,
    name: &str,
    address: SocketAddr,
    only: &[&str],
) -> BTreeMap<String, String> {
    let out = folder.path().join(name);
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.parts/python/bin/kosoku");
    let mut kosoku = command(program);
    kosoku
        .args(["-m", "fuzzingclient", "-p", "4", "-o"])
        .arg(&out);
    if only.is_empty() {
        kosoku.args(["-x", "9.*", "-x", "12.*", "-x", "13.*"]);
    }
    kosoku.args(only).arg(address.to_string());
    // kosoku exits with 1 when a case fails; the report tells which
    let outcome = run(kosoku, Duration::from_secs(300));
    let report = std::fs::read_to_string(out.join("index.json"))
        .unwrap_or_else(|error| panic!("{error}: {outcome:?}"));
    let report: Value = serde_json::from_str(&report).unwrap();
    let cases = report
        .as_object()
        .unwrap()
        .values()
        .next()
        .unwrap()
        .as_object()
        .unwrap();
    cases
        .iter()
        .map(|(case, result)| {
            (
                case.clone(),
                result["behavior"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}
