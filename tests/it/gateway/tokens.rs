//! Who may do what: tokens of two GitLab instances, permissions by route, and tokens that we issue.

use serde_json::{Value, json};

use super::{
    VERSIONS, completion, generations::generation, post, prompt, suggestions::suggestion, with,
};
use crate::support::{
    Duogate, Settings, fetch,
    key_server::KeyServer,
    model_server::ModelServer,
    token_key::{INSTANCE, TokenKey, claims_now, claims_of},
};

/// Two GitLab instances and a gateway that knows both, and signs tokens of its own.
pub(super) struct Town {
    pub(super) gateway: Duogate,
    keys: [TokenKey; 2],
    gitlabs: [KeyServer; 2],
}

impl Town {
    pub(super) fn start() -> Self {
        Self::with(Settings::public())
    }

    pub(super) fn with(settings: Settings) -> Self {
        let keys = [TokenKey::new("first"), TokenKey::new("second")];
        let gitlabs = [KeyServer::start(), KeyServer::start()];
        for (gitlab, key) in gitlabs.iter().zip(&keys) {
            gitlab.publish("", &[key]);
        }
        let instances: Vec<Value> = gitlabs
            .iter()
            .map(|gitlab| json!({"url": gitlab.url()}))
            .collect();
        let mut gateway = settings
            .set("gitlab", instances)
            .set("customers_portal", Value::Null)
            .set("keys.gateway.signing", TokenKey::new("own").pem())
            .start();
        gateway.wait_until_ready(std::time::Duration::from_secs(20));
        Self {
            gateway,
            keys,
            gitlabs,
        }
    }

    pub(super) fn token(&self, gitlab: usize, scopes: &[&str]) -> String {
        self.keys[gitlab].token(&claims_now(&self.gitlabs[gitlab].url(), scopes))
    }
}

/// The headers of a caller with a token; `more` stand beside.
pub(super) fn headers(token: &str, more: &[&str]) -> Vec<String> {
    let mut headers = vec![
        format!("Authorization: Bearer {token}"),
        "X-Gitlab-Authentication-Type: oidc".to_owned(),
        "X-Gitlab-Realm: self-managed".to_owned(),
        format!("X-Gitlab-Instance-Id: {INSTANCE}"),
        "X-Gitlab-Global-User-Id: user-9".to_owned(),
    ];
    headers.extend(more.iter().map(ToString::to_string));
    headers
}

pub(super) fn arguments(headers: &[String]) -> Vec<&str> {
    headers
        .iter()
        .flat_map(|header| ["-H", header.as_str()])
        .collect()
}

#[test]
fn tokens_of_both_instances_open_what_their_scopes_say() {
    let model = ModelServer::start("x");
    let town = Town::start();
    let edge = &town.gateway;
    for (gitlab, version) in [(0, VERSIONS[0]), (1, VERSIONS[1])] {
        let scopes = ["complete_code", "generate_code", "generate_commit_message"];
        let may = headers(&town.token(gitlab, &scopes), &[]);
        let may_not = headers(&town.token(gitlab, &["explain_code"]), &[]);
        for (path, body, denied) in [
            (
                "/v2/code/completions",
                completion(&model),
                "Unauthorized to access code completions",
            ),
            (
                "/v3/code/completions",
                suggestion(&model),
                "Unauthorized to access code suggestions",
            ),
            (
                "/v4/code/suggestions",
                suggestion(&model),
                "Unauthorized to access code suggestions",
            ),
            (
                "/v3/code/completions",
                generation(&model),
                "Unauthorized to access code suggestions",
            ),
            (
                "/v4/code/suggestions",
                generation(&model),
                "Unauthorized to access code suggestions",
            ),
            (
                "/v2/code/generations",
                with(completion(&model), "prompt", "x"),
                "Unauthorized to access code generations",
            ),
            (
                "/v1/prompts/generate_commit_message",
                prompt(&model),
                "Unauthorized to access 'generate_commit_message'",
            ),
            (
                "/v2/prompts/generate_commit_message",
                prompt(&model),
                "Unauthorized to access 'generate_commit_message'",
            ),
        ] {
            let mut allowed = arguments(&may);
            allowed.push(version);
            let answer = post(edge, &allowed, path, &body);
            assert_eq!(answer.status, 200, "{path} {answer:?}");
            let mut refused = arguments(&may_not);
            refused.push(version);
            let answer = post(edge, &refused, path, &body);
            assert_eq!(answer.status, 403, "{path} {answer:?}");
            assert_eq!(answer.json()["detail"], denied);
        }
        // an unknown prompt is no secret, and is told before the permission (http-api 2.4)
        let answer = post(
            edge,
            &arguments(&may_not),
            "/v1/prompts/nothing",
            &prompt(&model),
        );
        assert_eq!(answer.status, 400, "{answer:?}");
    }
    let stranger =
        TokenKey::new("first").token(&claims_now(&town.gitlabs[0].url(), &["complete_code"]));
    let answer = post(
        edge,
        &arguments(&headers(&stranger, &[])),
        "/v2/code/completions",
        &completion(&model),
    );
    assert_eq!(answer.status, 401, "{answer:?}");
    assert_eq!(answer.body, r#"{"error":"Forbidden by auth provider"}"#);
    let log = edge.log();
    assert!(
        log.contains("\"token_issuer\":\"http://127.0.0.1"),
        "who issued it is logged"
    );
    for part in stranger.split('.') {
        assert!(!log.contains(part), "no part of a token is");
    }
}

#[test]
fn a_token_of_ours_is_for_completions_in_the_editor() {
    let model = ModelServer::start("x");
    let town = Town::start();
    let edge = &town.gateway;
    let scopes = ["complete_code", "generate_code", "generate_commit_message"];
    let rails = headers(&town.token(0, &scopes), &[]);
    let mut ask = arguments(&rails);
    ask.extend(["-X", "POST", "-H", "Content-Type: application/json"]);
    let answer = fetch(edge, &ask, "/v1/code/user_access_token");
    assert_eq!(answer.status, 200, "{answer:?}");
    let issued = answer.json();
    let token = issued["token"].as_str().unwrap();
    let inside = claims_of(token);
    assert_eq!(inside["exp"], issued["expires_at"]);
    assert_eq!(inside["sub"], "user-9");
    assert_eq!(inside["scopes"], json!(["complete_code"]));

    let editor = headers(token, &[]);
    for (path, body, status) in [
        ("/v2/code/completions", completion(&model), 200),
        ("/v2/completions", completion(&model), 200),
        ("/v3/code/completions", suggestion(&model), 403),
        ("/v4/code/suggestions", suggestion(&model), 403),
        ("/v3/code/completions", generation(&model), 403),
        (
            "/v2/code/generations",
            with(completion(&model), "prompt", "x"),
            403,
        ),
        // the scope decides (http-api 8, row 17)
        ("/v1/prompts/generate_commit_message", prompt(&model), 403),
        (
            "/v1/prompts/model_configuration%2Fcheck",
            prompt(&model),
            200,
        ),
    ] {
        let answer = post(edge, &arguments(&editor), path, &body);
        assert_eq!(answer.status, status, "{path} {answer:?}");
    }
    let again = post(
        edge,
        &arguments(&editor),
        "/v1/code/user_access_token",
        &json!({}),
    );
    assert_eq!(again.status, 403);
    assert_eq!(
        again.json()["detail"],
        "Unauthorized to create user access token"
    );
    let other: Vec<String> = editor
        .iter()
        .map(|header| header.replace("user-9", "user-8"))
        .collect();
    let answer = post(
        edge,
        &arguments(&other),
        "/v2/code/completions",
        &completion(&model),
    );
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.body,
        r#"{"error":"Header mismatch 'X-Gitlab-Global-User-Id'"}"#
    );
    assert!(
        !edge.log().contains(token.rsplit('.').next().unwrap()),
        "no token is logged"
    );
}

#[test]
fn without_a_key_of_ours_no_token_is_issued_and_without_keys_nobody_is_judged() {
    let key = TokenKey::new("first");
    let gitlab = KeyServer::start();
    gitlab.publish("", &[&key]);
    let mut edge = Settings::public()
        .set("gitlab", json!([{"url": gitlab.url()}]))
        .set("customers_portal", Value::Null)
        .start();
    edge.wait_until_ready(std::time::Duration::from_secs(20));
    let rails = headers(
        &key.token(&claims_now(&gitlab.url(), &["complete_code"])),
        &[],
    );
    let answer = post(
        &edge,
        &arguments(&rails),
        "/v1/code/user_access_token",
        &json!({}),
    );
    assert_eq!(answer.status, 500, "{answer:?}");
    assert_eq!(answer.body, r#"{"detail":"Failed to generate JWT"}"#);

    let edge = Settings::public()
        .set("gitlab", json!([{"url": "http://127.0.0.1:1"}]))
        .set("customers_portal", Value::Null)
        .start();
    let answer = post(
        &edge,
        &arguments(&rails),
        "/v2/code/completions",
        &json!({}),
    );
    assert_eq!(
        (answer.status, answer.field("retry-after")),
        (503, Some("5")),
        "{answer:?}"
    );
    assert_eq!(fetch(&edge, &[], "/monitoring/ready").status, 503);
    assert_eq!(fetch(&edge, &[], "/monitoring/healthz").status, 200);
}

#[test]
fn search_and_embeddings_ask_for_their_permissions() {
    let model = ModelServer::start("x");
    let town = Town::start();
    let edge = &town.gateway;
    let search = json!({
        "type": "search-docs",
        "metadata": {"source": "GitLab EE", "version": "18.9.0"},
        "payload": {"query": "x"},
    });
    let vectors = json!({
        "model_metadata": {
            "provider": "litellm", "name": "embedding", "identifier": "m", "endpoint": model.url(),
        },
        "contents": ["x"],
    });
    for (path, body, permission, denied, allowed) in [
        (
            "/v1/search/gitlab-docs",
            &search,
            "documentation_search",
            "Unauthorized to search documentations",
            200,
        ),
        (
            "/v1/embeddings/code_embeddings/index",
            &vectors,
            "generate_embeddings_codebase",
            "Unauthorized to access code embeddings",
            // this server speaks of no vectors
            502,
        ),
    ] {
        let may = headers(&town.token(0, &[permission]), &[]);
        assert_eq!(post(edge, &arguments(&may), path, body).status, allowed);
        let may_not = headers(&town.token(0, &["complete_code"]), &[]);
        let refused = post(edge, &arguments(&may_not), path, body);
        assert_eq!(refused.status, 403, "{refused:?}");
        assert_eq!(refused.json()["detail"], denied);
        assert_eq!(post(edge, &[], path, body).status, 401);
    }
}
