//! Many sessions at once, turns beside them, and a drain. How much the release build takes for each:
//! benches/README.md.

use std::time::Duration;

use serde_json::{Value, json};

use super::Scene;
use crate::support::{Process, session_load, settles};

const SESSIONS: u32 = 200;

#[test]
fn many_sessions_wait_beside_turns_and_a_drain_ends_each() {
    let mut scene = Scene::with("Fine.", |settings| settings.set("drain.grace_seconds", 3));
    // what a first turn leaves behind is no session's
    scene.turn(json!({})).went_well();
    let before = scene.edge.resident_bytes();
    let mut client = session_load();
    let target = scene.edge.https().to_string();
    client.arg(target).arg(scene.edge.root());
    let model = scene.model_metadata();
    let options = json!({"model": model, "sessions": SESSIONS, "rate": 10, "seconds": 3});
    client.arg(options.to_string());
    let mut load = Process::start("session_load", client);
    let mut part = |name: &str| -> Value {
        let line = load.line_with(&format!("{name} {{"), Duration::from_secs(60));
        let (_, found) = line.split_once(' ').unwrap();
        serde_json::from_str(found).unwrap()
    };
    let open = part("open");
    assert_eq!(open["sessions"], SESSIONS, "{open}");
    settles(&scene.edge, "duogate_agent_sessions_open", SESSIONS.into());
    let held = scene.edge.resident_bytes().saturating_sub(before);
    assert!(held / u64::from(SESSIONS) < SESSION_BYTES, "{held}");
    let turns = part("turns");
    assert_eq!((&turns["turns"], &turns["failed"]), (&json!(30), &json!(0)));
    // turns leave nothing behind beside the sessions that go on
    settles(&scene.edge, "duogate_agent_sessions_open", SESSIONS.into());
    let after = scene.edge.resident_bytes().saturating_sub(before);
    assert!(after / u64::from(SESSIONS) < SESSION_BYTES, "{after}");
    scene.edge.terminate();
    let ended = part("ended");
    let interrupted = "UNAVAILABLE workflow execution interrupted: none";
    assert_eq!(ended, json!({ interrupted: SESSIONS }));
    assert!(scene.edge.wait(Duration::from_secs(10)).success());
}

/// Of a build that is not optimized, whose futures are larger; with its share of a connection.
const SESSION_BYTES: u64 = 400_000;
