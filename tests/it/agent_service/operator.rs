//! What the operator sees and sets: the log, the metrics, reflection, both ports, the end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{appears, grpcurl, run, settles, skip};

use super::scene::{Library, Scene, status};

/// The line of a method's call.
fn line(scene: &mut Scene, method: &str) -> Value {
    let line = scene.edge.log_line(&format!("Finished {method} RPC"));
    serde_json::from_str(&line).unwrap()
}

#[test]
fn each_call_leaves_a_line_and_a_count_without_its_contents() {
    let mut scene = Scene::start();
    let secret = "a goal that nobody should read";
    let start = json!({"startRequest": {
        "workflowID": "4711", "workflowDefinition": "developer/v1", "goal": secret,
        "additional_context": [{"category": "file", "content": secret}],
    }});
    let outcomes = scene.outcomes(vec![
        scene
            .allowed("ExecuteWorkflow")
            .header("x-request-id", "01JWORKHORSE")
            .header("x-gitlab-oauth-token", "oauth-secret")
            .message(start),
        scene
            .allowed("ListTools")
            .header("x-gitlab-correlation-id", "01JRAILS"),
        scene
            .allowed("ListFlows")
            .header("authorization", "Bearer x"),
    ]);
    assert_eq!(status(&outcomes[0]).0, "INVALID_ARGUMENT");
    let executed = line(&mut scene, "ExecuteWorkflow");
    for (name, value) in [
        ("correlation_id", "01JWORKHORSE"),
        ("workflow_id", "4711"),
        ("workflow_definition", "developer/v1"),
        ("grpc_type", "BIDI_STREAMING"),
        ("grpc_service_name", "DuoWorkflow"),
        ("grpc_method_name", "ExecuteWorkflow"),
        ("servicer_context_code", "INVALID_ARGUMENT"),
        ("gitlab_global_user_id", "user-global-id"),
        ("gitlab_realm", "self-managed"),
        ("gitlab_version", "18.11.2-ee"),
    ] {
        assert_eq!(executed[name], value, "{name} in {executed}");
    }
    assert!(executed["duration_s"].as_f64().unwrap() >= 0.0);
    assert!(
        executed["request_arrived_at"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
    assert_eq!(line(&mut scene, "ListTools")["correlation_id"], "01JRAILS");
    let refused = line(&mut scene, "ListFlows");
    assert_eq!(refused["servicer_context_code"], "UNAUTHENTICATED");
    let log = scene.edge.log();
    for secret in [secret, "oauth-secret", "eyJ"] {
        assert!(!log.contains(secret), "{secret} stands in the log");
    }
    let client = "lsp_version=\"unknown\",gitlab_version=\"18.11.2-ee\",client_type=\"gitlab-rails\",\
                  gitlab_realm=\"self-managed\",is_gitlab_team_member=\"unknown\"}";
    let handled = |kind: &str, method: &str, code: &str, flow: &str| {
        format!(
            "grpc_server_handled_total{{grpc_type=\"{kind}\",grpc_service=\"DuoWorkflow\",\
             grpc_method=\"{method}\",grpc_code=\"{code}\",flow_type=\"{flow}\",{client}"
        )
    };
    let executed = handled(
        "BIDI_STREAMING",
        "ExecuteWorkflow",
        "INVALID_ARGUMENT",
        "developer/v1",
    );
    settles(&scene.edge, &executed, 1.0);
    settles(
        &scene.edge,
        &handled("UNARY", "ListTools", "OK", "unknown"),
        1.0,
    );
    let starts = format!("agent_platform_receive_start_total{{flow_type=\"developer/v1\",{client}");
    settles(&scene.edge, &starts, 1.0);
    // of strangers nothing becomes a label
    appears(
        &scene.edge,
        "grpc_server_handled_total{grpc_type=\"UNARY\",grpc_service=\"DuoWorkflow\",\
         grpc_method=\"ListFlows\",grpc_code=\"UNAUTHENTICATED\",flow_type=\"unknown\",\
         lsp_version=\"unknown\",gitlab_version=\"unknown\",client_type=\"unknown\",\
         gitlab_realm=\"unknown\",is_gitlab_team_member=\"unknown\"}",
    );
}

#[test]
fn one_port_serves_tls_and_clear() {
    let scene = Scene::start();
    for tls in [true, false] {
        for library in [Library::Core, Library::Node] {
            let calls = vec![scene.allowed("ListCapabilities")];
            let outcomes = scene.outcomes_at(library, &scene.clear(), tls, calls);
            assert_eq!(status(&outcomes[0]), ("OK", ""), "{library:?} {tls}");
        }
    }
}

/// grpcurl without a file of the contract: what it knows comes by reflection.
fn reflected(scene: &Scene, words: &[&str]) -> Option<(bool, String)> {
    let mut client = grpcurl()?;
    client.arg("-plaintext").arg(scene.clear()).args(words);
    let outcome = run(client, Duration::from_secs(60));
    Some((outcome.status.success(), outcome.stdout + &outcome.stderr))
}

#[test]
fn reflection_answers_where_it_is_wanted() {
    let scene = Scene::start();
    let Some((found, said)) = reflected(&scene, &["list"]) else {
        return skip("grpcurl is not installed (tests/parts.sh)");
    };
    assert!(!found, "{said}");
    let scene = Scene::start_with(|settings| {
        settings.environment("DUO_WORKFLOW_GRPC_REFLECTION_ENABLED", "True")
    });
    let (found, said) = reflected(&scene, &["list"]).unwrap();
    assert!(found, "{said}");
    for service in ["DuoWorkflow\n", "grpc.health.v1.Health\n"] {
        assert!(said.contains(service), "{said}");
    }
    let (_, said) = reflected(&scene, &["describe", "StartWorkflowRequest"]).unwrap();
    assert!(said.contains("resume_checkpoint_ts = 17"), "{said}");
    let (_, said) = reflected(&scene, &["describe", "DuoWorkflow"]).unwrap();
    assert!(
        said.contains("rpc ExecuteWorkflow ( stream .ClientEvent )"),
        "{said}"
    );
}

#[test]
fn a_stream_goes_on_over_the_begin_of_the_end_and_new_ones_go_elsewhere() {
    let mut scene = Scene::start();
    let call = scene
        .allowed("TrackSelfHostedExecuteWorkflow")
        .message(json!({"requestID": "before"}))
        .message(json!({"requestID": "after"}))
        .with_gaps(2.0);
    let held = scene.begin(call);
    settles(
        &scene.edge,
        "duogate_http_requests_in_flight{kind=\"grpc\"}",
        1.0,
    );
    let begin = Instant::now();
    scene.edge.terminate();
    scene.edge.log_line("listeners close");
    let outcome = held.join().unwrap();
    assert_eq!(status(&outcome), ("OK", ""));
    assert_eq!(outcome["messages"].as_array().unwrap().len(), 2);
    assert!(scene.edge.wait(Duration::from_secs(20)).success());
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "its end was waited for, not the grace"
    );
}
