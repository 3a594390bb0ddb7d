//! The unary methods, tracking, and what all methods have in common.

use serde_json::{Value, json};

use crate::support::{judge::INSTANCE, token_key::claims_of};

use super::scene::{Library, Scene, now, status};

const CAPABILITIES: [&str; 3] = [
    "tool_call_approval",
    "tool_call_pattern_approval",
    "flow_semantic_versioning",
];

#[test]
fn a_generated_token_is_one_of_ours_and_opens_the_door() {
    let scene = Scene::start();
    let scopes = [
        "duo_agent_platform",
        "duo_chat",
        "include_file_context",
        "complete_code",
    ];
    for (library, tls) in [(Library::Core, true), (Library::Node, false)] {
        let outcomes = scene.outcomes_by(library, tls, vec![scene.call("GenerateToken", &scopes)]);
        assert_eq!(status(&outcomes[0]), ("OK", ""));
        let answer = &outcomes[0]["messages"][0];
        assert_eq!(answer["server_capabilities"], json!(CAPABILITIES));
        // protobuf's JSON writes numbers of 64 bits as text
        let expires: i64 = answer["expiresAt"].as_str().unwrap().parse().unwrap();
        assert!((3590..=3600).contains(&(expires - now())), "{expires}");
        let token = answer["token"].as_str().unwrap();
        let claims = claims_of(token);
        assert_eq!(claims["sub"], "user-global-id");
        assert_eq!(claims["gitlab_instance_id"], INSTANCE);
        assert_eq!(
            claims["scopes"],
            json!(["duo_agent_platform", "duo_chat", "include_file_context"])
        );
        let bearer = format!("Bearer {token}");
        let with_it = || scene.allowed("ListTools").header("authorization", &bearer);
        let outcomes = scene.outcomes(vec![
            with_it(),
            with_it().header("x-gitlab-global-user-id", "else"),
        ]);
        assert_eq!(status(&outcomes[0]), ("OK", ""));
        let mismatch = "Header mismatch 'X-Gitlab-Global-User-Id'";
        assert_eq!(status(&outcomes[1]), ("UNAUTHENTICATED", mismatch));
    }
}

#[test]
fn without_a_key_no_token_is_made_and_the_text_says_what_to_do() {
    let scene =
        Scene::start_with(|settings| settings.set("keys.agent_platform.signing", Value::Null));
    let outcomes = scene.outcomes(vec![scene.allowed("GenerateToken")]);
    let (code, details) = status(&outcomes[0]);
    assert_eq!(code, "INTERNAL");
    assert!(details.contains("keys.agent_platform.signing"), "{details}");
}

#[test]
fn lists_say_what_there_is() {
    let scene = Scene::start();
    let filtered = json!({"filters": {"environment": ["chat"], "flow_identifier": ["developer"]}});
    let outcomes = scene.outcomes(vec![
        scene.allowed("ListCapabilities"),
        scene.allowed("ListFlows"),
        scene.allowed("ListFlows").message(filtered),
        scene.allowed("ListTools"),
        scene.allowed("ListTools"),
    ]);
    for outcome in &outcomes {
        assert_eq!(status(outcome), ("OK", ""));
    }
    let names = CAPABILITIES.map(|name| json!({"name": name}));
    assert_eq!(outcomes[0]["messages"], json!([{"capabilities": names}]));
    assert_eq!(outcomes[1]["messages"], json!([{}]));
    assert_eq!(outcomes[2]["messages"], json!([{}]));
    let tools = |index: usize| &outcomes[index]["messages"];
    assert_eq!(tools(3), tools(4), "the order is fixed");
}

#[test]
fn each_tracked_call_is_echoed() {
    let scene = Scene::start();
    let event = |id: &str| {
        json!({
            "requestID": id, "workflowID": "7", "featureQualifiedName": "duo_chat",
            "featureAiCatalogItem": true,
        })
    };
    for (library, tls) in [
        (Library::Core, true),
        (Library::Core, false),
        (Library::Node, true),
        (Library::Node, false),
    ] {
        let call = scene
            .allowed("TrackSelfHostedExecuteWorkflow")
            .message(event("a"))
            .message(event("b"))
            .message(event("c"));
        let outcomes = scene.outcomes_by(library, tls, vec![call]);
        assert_eq!(status(&outcomes[0]), ("OK", ""), "{library:?} {tls}");
        let echoed = json!([{"requestID": "a"}, {"requestID": "b"}, {"requestID": "c"}]);
        assert_eq!(outcomes[0]["messages"], echoed);
    }
}

/// A configuration as the catalogue makes it, with one change.
fn config(place: &str, value: Value) -> Value {
    let mut config = json!({
        "version": "v1", "environment": "chat-partial",
        "components": [{
            "type": "AgentComponent", "name": "helper", "prompt_id": "mine",
            "toolset": ["get_project"],
        }],
        "routers": [], "flow": {},
        "prompts": [{
            "prompt_id": "mine", "name": "Mine", "unit_primitives": [],
            "prompt_template": {"system": "Help.", "user": "{{goal}}", "placeholder": "history"},
            "params": {"timeout": 30},
        }],
    });
    let (parent, name) = place.rsplit_once('/').unwrap();
    config.pointer_mut(parent).unwrap()[name] = value;
    config
}

#[test]
fn a_flow_is_judged_before_anybody_runs_it() {
    let scene = Scene::start();
    let failed = |text: &str| format!("Flow compilation failed during validation: {text}");
    let cases = [
        (json!({}), "Missing required field: flow_config".to_owned()),
        (
            json!({"flow_config": {"environment": "chat"}}),
            "Missing required field 'version' in flow config".to_owned(),
        ),
        (
            json!({"flow_config": {"version": "v1"}}),
            "Missing required field 'environment' in flow config".to_owned(),
        ),
        (
            json!({"flow_config": config("/environment", json!("ambient"))}),
            failed("environment: ambient is not supported yet; this server runs chat-partial"),
        ),
        (
            json!({"flow_config": config("/components/0/toolset", json!(["get_project", "fly"]))}),
            failed("components[0].toolset[1]: there is no tool 'fly'"),
        ),
        (
            json!({"flow_config": config("/prompts/0/prompt_template/system", json!("<goal>"))}),
            failed(
                "prompts[0].prompt_template.system: holds comments, invisible letters or tags of \
                 the server's own; take them out",
            ),
        ),
        (
            json!({"flow_config": config("/name", json!("Mine"))}),
            String::new(),
        ),
    ];
    let calls = cases.iter().map(|(request, _)| {
        scene
            .call("ValidateFlowConfig", &[])
            .message(request.clone())
    });
    let outcomes = scene.outcomes(calls.collect());
    for (outcome, (request, error)) in outcomes.iter().zip(&cases) {
        assert_eq!(status(outcome), ("OK", ""), "{request}");
        let expected = if error.is_empty() {
            json!([{"valid": true}])
        } else {
            json!([{"errors": [error]}])
        };
        assert_eq!(outcome["messages"], expected, "{request}");
    }
}

#[test]
fn methods_of_newer_clients_are_unimplemented() {
    let scene = Scene::start();
    let outcomes = scene.outcomes(vec![scene.allowed("OfTheFuture")]);
    assert_eq!(status(&outcomes[0]).0, "UNIMPLEMENTED");
}

#[test]
fn metadata_of_gitlabs_size_pass() {
    let scene = Scene::start();
    let call = scene
        .allowed("ListTools")
        .header("x-gitlab-oauth-token", &"t".repeat(24 * 1024))
        .header("x-gitlab-project-id", "not a number")
        .header("x-gitlab-langsmith-trace", "{no json");
    let outcomes = scene.outcomes(vec![call]);
    assert_eq!(status(&outcomes[0]), ("OK", ""));
}
