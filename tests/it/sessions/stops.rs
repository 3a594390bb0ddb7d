//! Turns that somebody ends: the user, Workhorse, the network, this process.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Scene;
use crate::support::model_server::Reply;

/// The model's first words.
const SLOW: &str = "agent None";

/// A model that takes ten seconds.
fn slow() -> Reply {
    Reply::Paced(vec!["word ".to_owned(); 100], Duration::from_millis(100))
}

#[test]
fn a_stop_in_the_middle_and_the_next_turn() {
    let scene = Scene::new("");
    scene.model.reply(slow());
    for reason in ["user", "WORKHORSE_WEBSOCKET_CLOSE_1001"] {
        let stopped = scene.turn(json!({"stop": {"reason": reason, "after": SLOW}}));
        stopped.ended("OK", "workflow execution stopped");
        assert_eq!(stopped.0["status"], "stopped");
        assert_eq!(stopped.brief(), [[""; 3]; 0]);
        assert_eq!(stopped.words("shown").last(), Some(&"STOPPED"));
        assert!(stopped.0["seconds"].as_f64().unwrap() < 5.0, "{stopped:#?}");
        if reason == "user" {
            stopped.is_golden("stop");
        }
    }
    scene.model.reply(Reply::Pieces(vec!["Done.".to_owned()]));
    let next = scene.turn(json!({"goal": "Go on."}));
    next.went_well();
    next.is_golden("after_stop");
}

#[test]
fn a_stop_is_told_while_gitlab_is_slow_to_store_a_checkpoint() {
    // within the time that is left for a checkpoint, and beyond it
    for (seconds, number) in [(1, "1"), (4, "2")] {
        let scene = Scene::new("");
        scene.model.reply(slow());
        let stored = "checkpoints input";
        let stopped = scene.turn(json!({
            "workflow": number, "slow": [stored, seconds],
            "stop": {"reason": "user", "after": stored},
        }));
        stopped.ended("OK", "workflow execution stopped");
        assert_eq!(stopped.0["status"], "stopped", "{stopped:#?}");
        assert!(stopped.0["seconds"].as_f64().unwrap() < 9.0, "{stopped:#?}");
        let sequence = stopped.words("sequence");
        let place = |words: &str| sequence.iter().position(|line| line.contains(words));
        assert!(place(stored) < place(" stop"), "{sequence:#?}");
        assert_eq!(stopped.0["checkpoints"].as_array().unwrap().len(), 1);
        assert_eq!(stopped.words("shown").last(), Some(&"STOPPED"));
        scene.model.reply(Reply::Pieces(vec!["Done.".to_owned()]));
        scene
            .turn(json!({"workflow": number, "goal": "Go on."}))
            .went_well();
    }
}

#[test]
fn infrastructure_that_ends_leaves_the_session_as_it_is() {
    let scene = Scene::new("");
    for (workflow, reason, code, details) in [
        (
            "1",
            "WORKHORSE_SERVER_SHUTDOWN",
            "UNAVAILABLE",
            "workflow execution interrupted: start",
        ),
        (
            "2",
            "WORKHORSE_WEBSOCKET_PING_FAILED",
            "OK",
            "workflow execution stopped",
        ),
    ] {
        scene.model.reply(slow());
        let stop = json!({"reason": reason, "after": SLOW});
        let ended = scene.turn(json!({"workflow": workflow, "stop": stop}));
        ended.ended(code, details);
        assert_eq!(ended.0["status"], "running");
        assert_eq!(ended.words("shown"), ["CREATED"]);
        scene.model.reply(Reply::Pieces(vec!["Done.".to_owned()]));
        let next = scene.turn(json!({"workflow": workflow, "goal": "Go on."}));
        next.went_well();
        assert!(
            next.words("sequence").contains(
                &"PATCH /api/v4/ai/duo_workflows/workflows/"
                    .to_owned()
                    .as_str()
            ) || next
                .words("sequence")
                .iter()
                .any(|line| line.ends_with(" retry"))
        );
    }
}

#[test]
fn a_client_that_says_nothing_more_ends_its_turn_soon() {
    let scene = Scene::new("");
    scene.model.reply(slow());
    let closed = scene.turn(json!({"half_close": SLOW}));
    closed.ended(
        "INTERNAL",
        "workflow execution failure: ClientGone: Client-side streaming has been closed.",
    );
    assert!(closed.0["seconds"].as_f64().unwrap() < 5.0, "{closed:#?}");
    assert!(
        closed.words("sequence").last().unwrap().ends_with(" drop"),
        "{closed:#?}"
    );
    assert_eq!(closed.0["status"], "failed");
    scene.model.reply(Reply::Pieces(vec!["Done.".to_owned()]));
    scene.turn(json!({"goal": "Go on."})).went_well();
}

#[test]
fn a_client_that_leaves_ends_the_call_of_the_model() {
    let scene = Scene::new("");
    scene.model.reply(slow());
    let cancelled = scene.turn(json!({"cancel": SLOW}));
    assert_eq!(cancelled.0["code"], "CANCELLED");
    let deadline = Instant::now() + Duration::from_secs(5);
    while scene.model.left() == 0 {
        assert!(Instant::now() < deadline, "the model is still being asked");
        std::thread::sleep(Duration::from_millis(20));
    }
    scene.model.reply(Reply::Pieces(vec!["Done.".to_owned()]));
    scene.turn(json!({"goal": "Go on."})).went_well();
}

#[test]
fn a_drain_ends_each_stream_in_order() {
    let mut scene = Scene::with("", |settings| settings.set("drain.grace_seconds", 3));
    scene.model.reply(slow());
    let ended = std::thread::scope(|scope| {
        let turn = scope.spawn(|| scene.turn(json!({})));
        let deadline = Instant::now() + Duration::from_secs(10);
        while scene.model.requests().is_empty() {
            assert!(Instant::now() < deadline, "no turn began");
            std::thread::sleep(Duration::from_millis(20));
        }
        scene.edge.terminate();
        turn.join().unwrap()
    });
    ended.ended("UNAVAILABLE", "workflow execution interrupted: start");
    assert_eq!(ended.0["status"], "running");
    assert!(scene.edge.wait(Duration::from_secs(10)).success());
}
