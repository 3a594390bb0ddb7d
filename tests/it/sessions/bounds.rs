//! How many sessions there may be at once.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Scene;
use crate::support::model_server::Reply;

#[test]
fn a_session_beyond_the_bound_is_sent_away_until_another_has_ended() {
    let scene = Scene::with("", |settings| settings.set("limits.agent_sessions", 1));
    scene.model.reply(Reply::Silence);
    let (target, root) = (scene.edge.https().to_string(), scene.edge.root());
    let options = json!({"workflow": "1"});
    let mut first = scene.client(&target, root.to_str().unwrap(), options);
    let mut first = first.spawn().unwrap();
    until("no turn began", || !scene.model.requests().is_empty());
    let second = scene.turn(json!({"workflow": "2"}));
    second.ended(
        "UNAVAILABLE",
        "this server runs as many sessions as limits.agent_sessions allows; try again soon",
    );
    assert!(second.words("sequence").is_empty(), "{second:#?}");
    first.kill().unwrap();
    first.wait().unwrap();
    until("the model is still being asked", || scene.model.left() > 0);
    scene.model.reply(Reply::Pieces(vec!["Done.".to_owned()]));
    scene.turn(json!({"workflow": "2"})).went_well();
    // the place is given back each time
    scene.turn(json!({"workflow": "3"})).went_well();
}

#[track_caller]
fn until(otherwise: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{otherwise}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
