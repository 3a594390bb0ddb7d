//! Turns that go well.

use std::time::Duration;

use serde_json::{Value, json};

use super::Scene;
use crate::support::{Port, model_server::Reply};

#[test]
fn a_turn_and_the_next() {
    let scene = Scene::new("You are Ada.");
    let first = scene.turn(json!({"goal": "Who am I?"}));
    first.went_well();
    first.is_golden("first_turn");
    assert_eq!(first.0["title"], "Who am I?");
    assert_eq!(first.0["goal"], "Who am I?");
    scene
        .model
        .reply(Reply::Pieces(vec!["Still Ada.".to_owned()]));
    let second = scene.turn(json!({"goal": "And now?"}));
    second.went_well();
    second.is_golden("second_turn");
    let asked = scene.model.last().text();
    for said in ["Who am I?", "You are Ada.", "And now?"] {
        assert!(asked.contains(said), "{asked}");
    }
    // the newest stands at the end, whatever the clock did, and each names the one before
    let ids = second.words("checkpoints");
    assert!(ids.is_sorted(), "{ids:?}");
    let parents = second.0["parents"].as_array().unwrap();
    assert_eq!(parents[0], Value::Null);
    for (parent, id) in parents.iter().skip(1).zip(&ids) {
        assert_eq!(parent, id);
    }
    // GitLab hears which model it was, and nothing that is secret
    for told in second.0["models"].as_array().unwrap() {
        let told: Value = serde_json::from_str(told.as_str().unwrap()).unwrap();
        let mut expected = scene.model_metadata();
        expected.as_object_mut().unwrap().remove("api_key");
        assert_eq!(told, expected);
    }
    assert!(!scene.edge.log().contains("Ada"), "no content in the log");
    assert!(!scene.edge.log().contains("sk-of-the-model"));
}

#[test]
fn each_gitlab_is_asked_what_it_understands() {
    let scene = Scene::new("Hello.");
    let versions = [
        "18.2.0",
        "18.3.1",
        "18.8.0",
        "18.11.2-ee",
        "19.0.0",
        "19.2.0",
        "19.4.1",
    ];
    for (number, version) in (100..).zip(versions) {
        let workflow = number.to_string();
        for _ in 0..2 {
            let turn = scene.turn(json!({"version": version, "workflow": workflow}));
            turn.went_well();
        }
    }
}

#[test]
fn streamed_text_arrives_whole_and_in_part() {
    let words = (0..40).map(|number| format!("word{number} "));
    let words: Vec<String> = words.collect();
    let scene = Scene::new("");
    let mut logs = Vec::new();
    for (workflow, capabilities) in [("1", json!([])), ("2", json!(["incremental_streaming"]))] {
        scene
            .model
            .reply(Reply::Paced(words.clone(), Duration::from_millis(10)));
        let options = json!({"workflow": workflow, "capabilities": capabilities});
        let first = scene.turn(options.clone());
        first.went_well();
        let next = scene.turn(options);
        next.went_well();
        let is_partial = capabilities != json!([]);
        assert_eq!(
            next.0["suffixes"].as_u64().unwrap() > 0,
            is_partial,
            "{next:#?}"
        );
        assert_eq!(next.brief().last().unwrap()[2], words.concat());
        logs.push(next.brief());
    }
    assert_eq!(logs[0], logs[1]);
}

#[test]
fn a_reconnect_without_words_asks_no_model() {
    let scene = Scene::new("Done.");
    scene.turn(json!({})).went_well();
    let asked = scene.model.requests().len();
    let again = scene.turn(json!({"goal": ""}));
    again.went_well();
    again.is_golden("reconnect");
    assert_eq!(scene.model.requests().len(), asked);
}

#[test]
fn in_clear_on_a_port_of_its_own() {
    let port = Port::free();
    let address = port.address().to_string();
    let listen = address.clone();
    let scene = Scene::with("Clear.", |settings| {
        settings.set("listen.agent_platform", listen)
    });
    scene.turn_by(&address, "clear", json!({})).went_well();
    let root = scene.edge.root().to_str().unwrap().to_owned();
    scene.turn_by(&address, &root, json!({})).went_well();
}

#[test]
fn a_turn_with_a_tool_from_javascript_on_both_ports() {
    let port = Port::free();
    let listen = port.address().to_string();
    let scene = Scene::with("", |settings| {
        settings.set("listen.agent_platform", listen.clone())
    });
    let https = scene.edge.https().to_string();
    let root = scene.edge.root().to_str().unwrap();
    for (target, root) in [(https.as_str(), root), (listen.as_str(), "clear")] {
        scene.model.reply(Reply::Sequence(vec![
            super::tools::wants("get_current_user", "{}"),
            Reply::Pieces(vec!["You are Ada.".to_owned()]),
        ]));
        let turn = scene.turn_from_javascript(target, root);
        assert_eq!(turn["code"], "OK", "{turn:#}");
        assert_eq!(turn["details"], "workflow execution success");
        assert_eq!(turn["status"], "input_required");
        let shown = turn["shown"].as_array().unwrap();
        assert_eq!(shown.last().unwrap(), "INPUT_REQUIRED");
        let asked = turn["sequence"].as_array().unwrap();
        assert!(asked.contains(&json!("GET /api/v4/user")), "{turn:#}");
        assert!(turn["checkpoints"].as_u64().unwrap() >= 4, "{turn:#}");
        let said = turn["said"].as_array().unwrap();
        let last = said.last().unwrap();
        assert_eq!(*last, json!(["agent", "success", "You are Ada."]));
        let read = scene.model.last().body["messages"].to_string();
        assert!(read.contains("\\\"username\\\":\\\"ada\\\""), "{read}");
    }
}

#[test]
fn clients_answer_late_twice_without_ids_and_with_nonsense() {
    let scene = Scene::new("Fine.");
    for (workflow, options) in [
        ("1", json!({"legacy": true})),
        ("2", json!({"noise": true})),
    ] {
        let mut options = options;
        options["workflow"] = json!(workflow);
        scene.turn(options).went_well();
    }
}
