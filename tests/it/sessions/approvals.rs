//! Calls that a user has to agree to, and who agrees in the user's place (agent-platform 3.6, 3.15).
//! Each turn is followed by another: nothing may stay open.

use std::time::UNIX_EPOCH;

use duogate::foundation::{Clock, SystemClock};
use serde_json::{Value, json};

use super::Scene;
use crate::support::{
    Settings, judge::INSTANCE, key_server::KeyServer, model_server::Reply, settles,
    token_key::TokenKey,
};

/// An answer that wants two things at once.
fn wants_two() -> Reply {
    let call = |index: usize, name: &str, arguments: &str| {
        json!({"index": index, "id": format!("call-{index}"), "function": {
            "name": name, "arguments": arguments,
        }})
    };
    let calls = json!({"choices": [{"delta": {"tool_calls": [
        call(0, "get_project", r#"{"project_id": 7}"#),
        call(1, "get_current_user", "{}"),
    ]}}]});
    let end = json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]});
    Reply::Events(format!("data: {calls}\n\ndata: {end}\n\ndata: [DONE]\n\n"))
}

fn says(text: &str) -> Reply {
    Reply::Pieces(vec![text.to_owned()])
}

/// A scene whose model wants two things and then speaks.
fn scene() -> Scene {
    let scene = Scene::new("");
    scene.model.reply(script());
    scene
}

fn script() -> Reply {
    Reply::Sequence(vec![wants_two(), says("Done."), says("And more.")])
}

/// Nothing is pre-approved by GitLab.
fn ask_always() -> Value {
    json!({"set": {"preapproved": []}})
}

fn went_on(scene: &Scene, options: Value) {
    let mut options = options;
    options["goal"] = json!("Go on.");
    options["approval"] = Value::Null;
    let next = scene.turn(options);
    next.went_well();
    let last = next.brief().pop().unwrap();
    assert_eq!(last, ["agent", "success", "And more."]);
}

/// What of GitLab was asked for beside the session.
fn asked(turn: &super::Turn) -> Vec<String> {
    let asked = turn.0["asked"].as_array().unwrap();
    let lines = asked.iter().filter_map(|asked| asked[0].as_str());
    let of_tools = lines.filter(|line| !line.ends_with("/api/graphql"));
    of_tools.map(ToOwned::to_owned).collect()
}

#[test]
fn an_approval_runs_all_calls_that_wait() {
    let scene = scene();
    let waiting = scene.turn(ask_always());
    assert_eq!(waiting.0["status"], "tool_call_approval_required");
    assert_eq!(asked(&waiting), Vec::<String>::new());
    let entries = waiting.0["log"].as_array().unwrap();
    let requests: Vec<_> = entries
        .iter()
        .filter(|entry| entry["message_type"] == "request")
        .map(|entry| (&entry["message_id"], &entry["tool_info"]["name"]))
        .collect();
    assert_eq!(
        requests,
        [
            (&json!("call-0"), &json!("get_project")),
            (&json!("call-1"), &json!("get_current_user")),
        ]
    );
    let approved = scene.turn(json!({"goal": "", "approval": "approve"}));
    approved.went_well();
    assert_eq!(
        asked(&approved),
        ["GET /api/v4/projects/7", "GET /api/v4/user"]
    );
    went_on(&scene, json!({}));
}

#[test]
fn a_rejection_runs_none_and_says_why_if_the_user_does() {
    for (words, told) in [
        ("use the other project", "Comment: use the other project"),
        ("", "Tool is cancelled by user."),
        ("null", "Tool is cancelled by user."),
    ] {
        let scene = scene();
        let waiting = scene.turn(ask_always());
        assert_eq!(waiting.0["status"], "tool_call_approval_required");
        let rejected = scene.turn(json!({"goal": "", "approval": words}));
        rejected.went_well();
        assert_eq!(asked(&rejected), Vec::<String>::new());
        let read = scene.model.last().body["messages"].to_string();
        assert_eq!(read.matches(told).count(), 2, "{read}");
        let said = rejected
            .brief()
            .iter()
            .filter(|entry| entry[0] == "user")
            .count();
        assert_eq!(said, if told.starts_with("Comment") { 2 } else { 1 });
        went_on(&scene, json!({}));
    }
}

#[test]
fn words_in_the_place_of_a_decision_cancel_what_waits() {
    let scene = scene();
    scene.turn(ask_always());
    let turn = scene.turn(json!({"goal": "Forget it."}));
    turn.went_well();
    assert_eq!(asked(&turn), Vec::<String>::new());
    let read = scene.model.last().body["messages"].to_string();
    let told = "Tool is cancelled and a user will provide a follow up message.";
    assert_eq!(read.matches(told).count(), 2, "{read}");
    went_on(&scene, json!({}));
}

#[test]
fn what_gitlab_or_the_request_preapproves_runs_at_once() {
    let both = json!(["get_project", "get_current_user"]);
    for options in [
        json!({"set": {"preapproved": ["read_only_gitlab"]}}),
        json!({"set": {"preapproved": []}, "preapproved": both}),
    ] {
        let scene = scene();
        let turn = scene.turn(options);
        turn.went_well();
        assert_eq!(asked(&turn), ["GET /api/v4/projects/7", "GET /api/v4/user"]);
        went_on(&scene, json!({}));
    }
    // one of two is not enough
    let scene = scene();
    let turn = scene.turn(json!({"set": {"preapproved": []}, "preapproved": ["get_project"]}));
    assert_eq!(turn.0["status"], "tool_call_approval_required");
    assert_eq!(asked(&turn), Vec::<String>::new());
}

#[test]
fn what_the_user_approved_for_the_session_is_gitlabs_to_know() {
    let scene = scene();
    let approved =
        json!({"data": {"duoWorkflowWorkflows": {"nodes": [{"toolCallApproved": true}]}}});
    let turn = scene.turn(json!({
        "version": "19.1.0", "set": {"preapproved": []},
        "graphql": {"ToolCallApproved": [200, approved.to_string()]},
    }));
    turn.went_well();
    let asked = turn.0["asked"].as_array().unwrap();
    let variables: Vec<_> = asked
        .iter()
        .filter(|asked| asked[1]["variables"]["toolName"].is_string())
        .map(|asked| &asked[1]["variables"])
        .collect();
    assert_eq!(variables.len(), 2);
    assert_eq!(variables[0]["toolCallArgs"], r#"{"project_id":7}"#);
    went_on(&scene, json!({}));
}

#[test]
fn a_tokens_policy_allows_asks_and_denies() {
    let server = KeyServer::start();
    let key = TokenKey::new("gitlab");
    server.publish("", &[&key]);
    let scene = Scene::with("", |_| {
        Settings::public().set("gitlab", json!([{"url": server.url()}]))
    });
    settles(
        &scene.edge,
        "duogate_key_fetches_total{outcome=\"ok\"}",
        1.0,
    );
    let with = |policy: Value| {
        let token = format!("Bearer {}", key.token(&claims(&policy)));
        json!({"authorization": token, "x-gitlab-instance-id": INSTANCE})
    };
    let both = json!(["get_project", "get_current_user"]);
    for (number, policy, status, offered) in [
        (
            "1",
            json!({"allow": both, "ask": [], "deny": []}),
            "input_required",
            2,
        ),
        ("2", json!({"ask": both}), "tool_call_approval_required", 2),
        ("3", json!({"deny": ["get_project"]}), "input_required", 1),
        ("4", json!("not a policy"), "tool_call_approval_required", 2),
    ] {
        scene.model.reply(script());
        let options = json!({
            "workflow": number, "set": {"preapproved": []}, "metadata": with(policy.clone()),
            // what the request says counts for nothing beside a policy
            "preapproved": both,
        });
        let before = scene.model.requests().len();
        let turn = scene.turn(options);
        assert_eq!(turn.0["status"], status, "{policy}");
        let tools = scene.model.requests()[before].body["tools"].to_string();
        let there = ["get_project", "get_current_user"];
        let there = there
            .into_iter()
            .filter(|name| tools.contains(&format!("\"{name}\"")));
        assert_eq!(there.count(), offered, "{policy}");
        let next = scene.turn(json!({
            "workflow": number, "goal": "Go on.", "metadata": with(policy),
        }));
        next.went_well();
    }
}

fn claims(policy: &Value) -> Value {
    let now = SystemClock
        .now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    json!({
        "iss": "https://gitlab.example.com", "sub": INSTANCE, "jti": "1",
        "aud": "gitlab-duo-workflow-service", "nbf": now - 5, "iat": now, "exp": now + 3600,
        "gitlab_realm": "self-managed", "scopes": ["duo_agent_platform", "duo_chat"],
        "tool_access_policies": policy,
    })
}
