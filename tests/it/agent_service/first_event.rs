//! The first event of a session's stream (agent-platform 3.2, 3.3, 2.6).

use serde_json::{Value, json};

use super::scene::{Call, Library, Scene, status};

/// A start of session 7 with these fields.
fn start(scene: &Scene, fields: &Value) -> Call {
    let mut request = json!({"workflowID": "7"});
    for (name, value) in fields.as_object().unwrap() {
        request[name] = value.clone();
    }
    scene
        .allowed("ExecuteWorkflow")
        .message(json!({"startRequest": request}))
}

fn partial() -> Value {
    json!({
        "version": "v1", "environment": "chat-partial",
        "components": [{"type": "AgentComponent", "name": "helper", "prompt_id": "mine"}],
        "prompts": [{"prompt_id": "mine", "prompt_template": {"system": "Help."}}],
    })
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table of cases")]
fn what_cannot_run_is_refused_with_the_text_of_its_rule() {
    let scene = Scene::start();
    let schema = "flowConfigSchemaVersion";
    let mut unsafe_one = partial();
    unsafe_one["prompts"][0]["prompt_template"]["system"] = json!("<!-- hidden -->");
    let broken = "Failed to create flow from FlowConfig protobuf: validation error: ";
    let cases = [
        (
            json!({"flowConfigId": "developer", "flowConfig": {}}),
            "flowConfigId and flowConfig are mutually exclusive — set one or the other, not both.",
        ),
        (
            json!({"flowConfigId": "developer"}),
            "flowConfigId requires flowConfigSchemaVersion to also be provided.",
        ),
        (
            json!({"flowConfigId": "developer", schema: "v1", "flowVersion": ""}),
            "flowConfigId requires flowVersion to also be provided.",
        ),
        (
            json!({"flowConfigId": "developer", schema: "v9", "flowVersion": "^1.0.0"}),
            "Invalid flowConfigSchemaVersion: 'v9'. Must be one of: experimental, v1.",
        ),
        (
            json!({"flowConfigId": "developer", schema: "v1", "flowVersion": "^1.0.0"}),
            "Failed to load flow developer/v1 (version ^1.0.0): flows of the registry are not \
             supported yet",
        ),
        (
            json!({"flowConfig": partial()}),
            "flowConfig requires flowConfigSchemaVersion to also be provided.",
        ),
        (
            json!({"flowVersion": "1.0.0", "flowConfigId": "", "workflowDefinition": "chat"}),
            "flowVersion requires flowConfigId to also be provided.",
        ),
        (
            json!({"workflowDefinition": "developer"}),
            "Invalid workflow_definition format: 'developer'. Expected \
             '<flow_name>/<api_version>' (e.g. 'developer/v1').",
        ),
        (
            json!({"workflowDefinition": "developer/v2"}),
            "Invalid API version 'v2'. Must be one of: experimental, v1.",
        ),
        (
            json!({"workflowDefinition": "x".repeat(257)}),
            "workflow_definition exceeds maximum length of 256",
        ),
        (
            json!({"workflowDefinition": "developer/v1"}),
            "Failed to load flow developer/v1 (version 1.0.0): flows of the registry are not \
             supported yet",
        ),
        (
            json!({}),
            "workflow_definition: software_development is not supported yet; this server runs chat",
        ),
        (
            json!({"flowConfig": unsafe_one, schema: "v1"}),
            "Flow configuration failed security validation",
        ),
        (
            json!({"flowConfig": {"version": "v1", "environment": "ambient"}, schema: "v1"}),
            &format!(
                "{broken}environment: ambient is not supported yet; this server runs chat-partial"
            ),
        ),
        (
            json!({"workflowDefinition": "chat", "workflowMetadata": "{"}),
            "workflowMetadata: is no JSON object; send one, or nothing",
        ),
        (
            json!({
                "workflowDefinition": "chat",
                "additional_context": [
                    {"category": "file", "metadata": "{}"}, {"category": "x", "metadata": "[1]"},
                ],
            }),
            "additional_context[1].metadata: is no JSON object; send one, or nothing",
        ),
    ];
    for (library, tls) in [(Library::Core, true), (Library::Core, false)] {
        let calls = cases
            .iter()
            .map(|(fields, _)| start(&scene, fields))
            .collect();
        let outcomes = scene.outcomes_by(library, tls, calls);
        for (outcome, (fields, text)) in outcomes.iter().zip(&cases) {
            assert_eq!(status(outcome), ("INVALID_ARGUMENT", *text), "{fields}");
            assert_eq!(outcome["headers"], json!({}), "{outcome}");
        }
    }
    // the same for editors; structs are not what their library is asked for here
    let plain = |fields: &Value| fields.get("flowConfig").is_none();
    let cases: Vec<_> = cases.iter().filter(|(fields, _)| plain(fields)).collect();
    for tls in [true, false] {
        let calls = cases
            .iter()
            .map(|(fields, _)| start(&scene, fields))
            .collect();
        let outcomes = scene.outcomes_by(Library::Node, tls, calls);
        for (outcome, (fields, text)) in outcomes.iter().zip(&cases) {
            assert_eq!(status(outcome), ("INVALID_ARGUMENT", *text), "{fields}");
        }
    }
}

#[test]
fn a_stream_without_a_session_ends_without_a_word() {
    let scene = Scene::start();
    let calls = || {
        let open = || scene.call("ExecuteWorkflow", &[]);
        vec![
            open(),
            open().message(json!({"startRequest": {"workflowDefinition": "nonsense"}})),
            open().message(json!({"heartbeat": {"timestamp": "1"}})),
            open().message(json!({"stopWorkflow": {"reason": "x"}})),
            open().message(json!({"actionResponse": {"requestID": "x"}})),
            open().message(json!({})),
        ]
    };
    for (library, tls) in [
        (Library::Core, true),
        (Library::Core, false),
        (Library::Node, true),
        (Library::Node, false),
    ] {
        for (index, outcome) in scene.outcomes_by(library, tls, calls()).iter().enumerate() {
            assert_eq!(status(outcome), ("OK", ""), "{library:?} {index}");
            assert_eq!(outcome["messages"], json!([]));
        }
    }
}

#[test]
fn a_stream_that_says_nothing_ends() {
    let scene = Scene::start_with(|settings| settings.set("limits.agent_first_event_seconds", 1));
    let silent = scene.allowed("ExecuteWorkflow").with_gaps(20.0);
    let outcomes = scene.outcomes(vec![silent]);
    assert_eq!(
        status(&outcomes[0]),
        (
            "DEADLINE_EXCEEDED",
            "no start came within 1 s (limits.agent_first_event_seconds)"
        )
    );
}

#[test]
fn a_message_of_4_mib_passes_and_one_byte_more_does_not() {
    let scene = Scene::start();
    let limit = 4 * 1024 * 1024;
    // what is not too large is judged, and refused for what it says
    let judged = "Invalid API version 'v2'. Must be one of: experimental, v1.";
    let too_large = "a message is larger than 4 MiB (4194304 bytes)";
    for (library, tls) in [
        (Library::Core, true),
        (Library::Core, false),
        (Library::Node, true),
    ] {
        let call = |bytes| start(&scene, &json!({"workflowDefinition": "a/v2"})).filled_to(bytes);
        let outcomes = scene.outcomes_by(library, tls, vec![call(limit), call(limit + 1)]);
        assert_eq!(status(&outcomes[0]), ("INVALID_ARGUMENT", judged));
        assert_eq!(status(&outcomes[1]), ("RESOURCE_EXHAUSTED", too_large));
    }
    let name = "x".repeat(limit);
    let token = scene
        .allowed("GenerateToken")
        .message(json!({"workflowDefinition": name}));
    let outcomes = scene.outcomes(vec![token]);
    assert_eq!(status(&outcomes[0]), ("RESOURCE_EXHAUSTED", too_large));
}
