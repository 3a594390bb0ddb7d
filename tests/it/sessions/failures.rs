//! What goes wrong, what the user reads of it, and that the next turn works.

use serde_json::{Value, json};

use super::Scene;
use crate::support::model_server::Reply;

const GENERIC: &str = "There was an error processing your request in the Duo Agent Platform, \
                       please contact support if the issue persists.";

#[test]
fn a_model_that_fails_ends_the_turn_and_not_the_session() {
    let scene = Scene::new("");
    let refusal = r#"{"error": {"message": "secret words of the model server"}}"#;
    let json_type = ("Content-Type", "application/json");
    scene
        .model
        .reply(Reply::Status(400, vec![json_type], refusal.to_owned()));
    let failed = scene.turn(json!({}));
    failed.is_golden("model_error");
    assert_eq!(failed.0["status"], "failed");
    assert!(
        !failed.0.to_string().contains("secret words"),
        "{failed:#?}"
    );
    scene.model.reply(Reply::CutEvents(
        "data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n".to_owned(),
    ));
    let cut = scene.turn(json!({"goal": "Again."}));
    assert_eq!(cut.0["code"], "INTERNAL", "{cut:#?}");
    assert_eq!(cut.brief().len(), 1);
    scene.model.reply(Reply::Pieces(vec!["Done.".to_owned()]));
    let next = scene.turn(json!({"goal": "Once more."}));
    next.went_well();
    next.is_golden("after_model_error");
}

#[test]
fn messages_that_are_too_large_end_the_turn() {
    let scene = Scene::new("Fine.");
    let incoming = scene.turn(json!({"large": 5 << 20}));
    assert_eq!(
        incoming.0["code"], "RESOURCE_EXHAUSTED",
        "{:?}",
        incoming.0["details"]
    );
    scene.turn(json!({"goal": "Go on."})).went_well();
    // as JSON the text is beyond 4 MiB, though the model's answer is not
    let piece = "\u{1}".repeat(100_000);
    scene.model.reply(Reply::Pieces(vec![piece; 8]));
    let outgoing = scene.turn(json!({"workflow": "8"}));
    outgoing.ended("RESOURCE_EXHAUSTED", "Outgoing message too large.");
    assert_eq!(outgoing.0["status"], "failed");
    assert_eq!(outgoing.brief(), [["agent", "failure", GENERIC]]);
}

#[test]
fn what_gitlab_refuses_has_its_own_end() {
    let scene = Scene::new("Fine.");
    let session = "/api/v4/ai/duo_workflows/workflows/";
    let html = "<html>Sign in</html>";
    let cases: [(Value, &str, &str, &str); 8] = [
        (
            json!({"create": false, "workflow": "404"}),
            "INVALID_ARGUMENT",
            "Invalid workflow ID: No workflow found for workflow ID: 404",
            "created",
        ),
        (
            json!({"workflow": "../../user"}),
            "INVALID_ARGUMENT",
            "Invalid workflow ID: it has to be a number",
            "created",
        ),
        (
            json!({"workflow": "10", "set": {"archived": true}}),
            "INTERNAL",
            "workflow execution failure: UnsupportedStatusEvent: Archived workflow can not be \
             executed. Please create a new workflow.",
            "failed",
        ),
        (
            json!({"workflow": "11", "faults": [["PATCH", session, [[403, "{}"]]]]}),
            "PERMISSION_DENIED",
            "workflow execution didn't start due to forbidden response",
            "created",
        ),
        (
            json!({"workflow": "12", "set": {"status": "finished"}}),
            "INTERNAL",
            "workflow execution failure: BadStatusEvent: Session status cannot be updated due to \
             bad status event",
            "finished",
        ),
        (
            json!({"workflow": "13", "faults": [["POST", "/api/graphql",
                [[200, r#"{"errors": [{"message": "secret"}]}"#]]]]}),
            "INTERNAL",
            "workflow execution failure: GraphQLError: GraphQL errors",
            "failed",
        ),
        (
            json!({"workflow": "14", "faults": [["POST", "/api/graphql", [[200, html]]]]}),
            "INTERNAL",
            "workflow execution failure: ExecutorError: GitLab's answer to GraphQL is not JSON \
             (status 200); a proxy in front of it may have answered",
            "failed",
        ),
        (
            json!({"workflow": "15", "set": {"status": "input_required", "checkpoints": [{
                "thread_ts": "1f0", "parent_ts": null, "metadata": {"step": 1},
                "checkpoint": {"v": 4}, "compressed_checkpoint": null,
            }]}}),
            "INTERNAL",
            "workflow execution failure: CheckpointUnreadable: the session's checkpoint cannot be \
             read: it has no channel_values",
            "failed",
        ),
    ];
    for (options, code, details, status) in cases {
        let turn = scene.turn(options);
        turn.ended(code, details);
        assert_eq!(turn.0["status"], status, "{turn:#?}");
    }
}

#[test]
fn a_gitlab_in_trouble_is_asked_again_and_a_lost_checkpoint_is_told() {
    let scene = Scene::new("Fine.");
    let checkpoints = "/api/v4/ai/duo_workflows/workflows/7/checkpoints";
    let busy = json!([502, "<html>Bad Gateway</html>"]);
    let passes = json!([["POST", checkpoints, [busy, busy]]]);
    scene.turn(json!({"faults": passes})).went_well();
    let lost = json!([[
        "POST",
        checkpoints,
        [busy, busy, busy, busy, busy, busy, busy, busy, busy]
    ]]);
    let turn = scene.turn(json!({"faults": lost, "goal": "Again.", "seconds": 50}));
    turn.ended("OK", "workflow execution success");
    let told = turn.brief().pop().unwrap();
    assert_eq!(told[..2], ["agent", "failure"]);
    assert!(
        told[2].starts_with("GitLab did not store this turn"),
        "{told:?}"
    );
}

#[test]
fn a_client_that_never_answers_can_still_stop() {
    let scene = Scene::new("Fine.");
    let ignored = "checkpoints loop";
    let stop = json!({"reason": "user", "after": ignored});
    let turn = scene.turn(json!({"ignore": ignored, "stop": stop}));
    turn.ended("OK", "workflow execution success");
    assert!(turn.0["seconds"].as_f64().unwrap() < 10.0, "{turn:#?}");
}
