//! Who is let in, and what each method permits (agent-platform 2.3, 2.4).

use serde_json::{Value, json};

use crate::support::{judge::INSTANCE, settles, token_key::TokenKey};

use super::scene::{Call, Library, Scene, now, status};

/// Each case is wrong in what its text says and in what comes later.
fn refused(scene: &Scene) -> Vec<(Call, &'static str)> {
    let call = || scene.allowed("ListTools");
    let named = scene.bearer(&json!({"gitlab_instance_id": INSTANCE}));
    let forbidden = "Forbidden by auth provider";
    let instance = "Header mismatch 'X-Gitlab-Instance-Id'";
    let realm = "Header mismatch 'X-Gitlab-Realm'";
    let changed = |changes: Value| call().header("authorization", &scene.bearer(&changes));
    let forged = TokenKey::new("gitlab").token(&Scene::claims(&json!({})));
    let own = scene.own.sign(
        &json!({"alg": "RS256"}),
        &Scene::claims(&json!({"iss": "gitlab-duo-workflow-service", "sub": "else"})),
    );
    vec![
        (
            call()
                .header("authorization", "")
                .header("x-gitlab-authentication-type", ""),
            "No authorization header presented",
        ),
        (
            call()
                .header("authorization", "Token x")
                .header("x-gitlab-authentication-type", ""),
            "Invalid authorization header",
        ),
        (
            call()
                .header("authorization", "Bearer x")
                .header("x-gitlab-authentication-type", "jwt"),
            "Invalid authentication token type - only OIDC is supported",
        ),
        (
            call()
                .header("authorization", "Bearer x")
                .header("x-gitlab-realm", ""),
            forbidden,
        ),
        (
            call().header("authorization", &format!("Bearer {forged}")),
            forbidden,
        ),
        (changed(json!({"exp": now() - 60})), forbidden),
        (changed(json!({"nbf": now() + 60})), forbidden),
        (changed(json!({"aud": "gitlab-ai-gateway"})), forbidden),
        (
            changed(json!({"iss": "gitlab-duo-workflow-service"})),
            forbidden,
        ),
        (
            call()
                .header("authorization", &named)
                .header("x-gitlab-instance-id", "")
                .header("x-gitlab-realm", ""),
            instance,
        ),
        (
            call()
                .header("authorization", &named)
                .header("x-gitlab-instance-id", "else"),
            instance,
        ),
        (
            changed(json!({"gitlab_instance_id": INSTANCE, "sub": "else"})),
            instance,
        ),
        (call().header("x-gitlab-realm", ""), realm),
        (call().header("x-gitlab-realm", "saas"), realm),
        (
            call().header("authorization", &format!("Bearer {own}")),
            "Header mismatch 'X-Gitlab-Global-User-Id'",
        ),
    ]
}

#[test]
fn whoever_is_not_let_in_reads_why_and_nothing_else() {
    let scene = Scene::start();
    for (library, tls) in [
        (Library::Core, true),
        (Library::Core, false),
        (Library::Node, true),
        (Library::Node, false),
    ] {
        let (calls, texts): (Vec<_>, Vec<_>) = refused(&scene).into_iter().unzip();
        let outcomes = scene.outcomes_by(library, tls, calls);
        for (outcome, text) in outcomes.iter().zip(texts) {
            assert_eq!(status(outcome), ("UNAUTHENTICATED", text), "{library:?}");
            assert_eq!(outcome["messages"], json!([]));
            let is_core = matches!(library, Library::Core);
            // trailers-only: C core shows no headers then, the other library shows them as trailers
            assert!(!is_core || outcome["headers"] == json!({}), "{outcome}");
        }
    }
    let log = scene.edge.log();
    for secret in ["Bearer ", "eyJ"] {
        assert!(!log.contains(secret), "a token stands in the log");
    }
}

#[test]
fn streams_are_refused_as_calls_are() {
    let scene = Scene::start();
    for method in ["ExecuteWorkflow", "TrackSelfHostedExecuteWorkflow"] {
        let call = || scene.allowed(method).header("authorization", "");
        for library in [Library::Core, Library::Node] {
            let outcomes = scene.outcomes_by(library, true, vec![call()]);
            let expected = ("UNAUTHENTICATED", "No authorization header presented");
            assert_eq!(status(&outcomes[0]), expected, "{method} {library:?}");
        }
    }
}

#[test]
fn each_method_asks_for_its_permission() {
    let scene = Scene::start();
    let start = |definition: &str| json!({"startRequest": {"workflowID": "7", "workflowDefinition": definition}});
    let run = |definition: &str, scopes: &[&str]| {
        scene
            .call("ExecuteWorkflow", scopes)
            .message(start(definition))
    };
    let token = |definition: &str, scopes: &[&str]| {
        let request = json!({"workflowDefinition": definition});
        scene.call("GenerateToken", scopes).message(request)
    };
    let track = |scopes: &[&str]| scene.call("TrackSelfHostedExecuteWorkflow", scopes);
    let own = scene.own.sign(
        &json!({"alg": "RS256"}),
        &Scene::claims(&json!({
            "iss": "gitlab-duo-workflow-service", "sub": "user-global-id",
            "scopes": ["duo_agent_platform", "duo_chat"],
        })),
    );
    let own = format!("Bearer {own}");
    let inline = json!({"startRequest": {
        "workflowID": "7", "flowConfig": {"version": "v1"}, "flowConfigSchemaVersion": "v1",
    }});
    let (older, newer, chat) = (
        "duo_workflow_execute_workflow",
        "duo_agent_platform",
        "duo_chat",
    );
    let no_token = "Unauthorized to generate token";
    let no_tracking = "Unauthorized to track self-hosted workflow execution";
    // an empty text: permitted
    let cases = vec![
        (run("chat", &[newer, older]), "Unauthorized to execute chat"),
        (run("chat", &[chat]), ""),
        (
            run("developer/v1", &[chat]),
            "Unauthorized to execute developer/v1",
        ),
        (
            run("duo_planner/experimental", &[]),
            "Unauthorized to execute duo_planner/v1",
        ),
        (
            run("", &[chat]),
            "Unauthorized to execute software_development",
        ),
        (run("software_development", &[older]), ""),
        (
            scene.call("ExecuteWorkflow", &[chat]).message(inline),
            "Unauthorized to execute workflow",
        ),
        (token("", &[newer]), ""),
        (token("", &[older]), ""),
        (token("", &[chat]), no_token),
        (token("chat", &[newer]), no_token),
        (token("chat", &[chat]), ""),
        (token("", &[newer]).header("authorization", &own), no_token),
        (track(&[chat]), no_tracking),
        (track(&[newer]).header("authorization", &own), no_tracking),
        (track(&[older]), ""),
        (scene.call("ListTools", &[]), ""),
        (scene.call("ListFlows", &[]), ""),
        (scene.call("ListCapabilities", &[]), ""),
        (
            scene
                .call("ValidateFlowConfig", &[])
                .header("authorization", &own),
            "",
        ),
    ];
    let (calls, texts): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let outcomes = scene.outcomes(calls);
    for (index, (outcome, text)) in outcomes.iter().zip(texts).enumerate() {
        let (code, details) = status(outcome);
        if text.is_empty() {
            assert_ne!(code, "PERMISSION_DENIED", "{index}: {details}");
        } else {
            assert_eq!((code, details), ("PERMISSION_DENIED", text), "{index}");
        }
    }
}

#[test]
fn before_any_key_is_known_the_answer_is_come_again() {
    let scene = Scene::start_without_keys();
    let outcomes = scene.outcomes(vec![scene.allowed("ListTools")]);
    assert_eq!(status(&outcomes[0]).0, "UNAVAILABLE");
}

#[test]
fn nobody_is_asked_where_the_operator_says_so() {
    let scene =
        Scene::start_with(|settings| settings.environment("DUO_WORKFLOW_AUTH__ENABLED", "false"));
    let call = |method: &str| scene.allowed(method).header("authorization", "");
    let outcomes = scene.outcomes(vec![
        call("ListTools"),
        call("GenerateToken").header("x-gitlab-authentication-type", ""),
    ]);
    assert_eq!(status(&outcomes[0]), ("OK", ""));
    assert_eq!(status(&outcomes[1]), ("OK", ""));
    let bypassed = "duogate_authentications_total{outcome=\"bypassed\"}";
    settles(&scene.edge, bypassed, 2.0);
}
