//! Tokens for the agent platform: its rules of who may come, and the tokens it issues.

use http::HeaderMap;
use serde_json::{Value, json};

use duogate::access::{Audience, IssueError};

use crate::support::{
    judge::{INSTANCE, Judge, headers},
    key_server::KeyServer,
    token_key::{TokenKey, claims_of},
};

/// A source, its key, and a judge of the agent platform with a key of our own.
struct Scene {
    _server: KeyServer,
    key: TokenKey,
    own: TokenKey,
    judge: Judge,
}

async fn scene(variables: &[(&str, &str)]) -> Scene {
    let (server, key, own) = (
        KeyServer::start(),
        TokenKey::new("gitlab"),
        TokenKey::new(""),
    );
    server.publish("", &[&key]);
    let (url, pem) = (server.url(), own.pem());
    let mut all = vec![
        ("DUOGATE_GITLAB__0__URL", url.as_str()),
        ("DUO_WORKFLOW_SELF_SIGNED_JWT__SIGNING_KEY", pem.as_str()),
    ];
    all.extend(variables);
    let judge = Judge::start_for(Audience::AgentPlatform, &all);
    Scene {
        judge: judge.ready().await,
        _server: server,
        key,
        own,
    }
}

impl Scene {
    async fn verdict(&self, pairs: &[(&str, &str)]) -> String {
        let found = self.judge.access.authenticate(&headers(pairs)).await;
        found.map_or_else(|error| error.to_string(), |_| "ok".to_owned())
    }

    /// What a token with these claims is called, for a header.
    fn bearer(&self, changes: &Value) -> String {
        format!("Bearer {}", self.key.token(&self.judge.claims(changes)))
    }

    /// The claims of the token that a caller with these claims and headers gets.
    async fn issue(&self, changes: &Value, headers: &HeaderMap) -> Value {
        let mut headers = headers.clone();
        headers.insert("authorization", self.bearer(changes).parse().unwrap());
        let caller = self.judge.access.authenticate(&headers).await.unwrap();
        let issued = self.judge.access.issue_agent_token(&caller, &headers);
        let issued = issued.unwrap();
        let claims = claims_of(&issued.token);
        assert_eq!(claims["exp"], issued.expires_at);
        claims
    }
}

#[tokio::test]
async fn the_checks_come_in_the_order_of_the_agent_platform() {
    let scene = scene(&[]).await;
    let good = scene.bearer(&json!({"gitlab_instance_id": INSTANCE}));
    let stranger = scene.bearer(&json!({"gitlab_instance_id": INSTANCE, "sub": "other"}));
    let other = scene.bearer(&json!({"aud": ["gitlab-ai-gateway"]}));
    let without_realm = scene.bearer(&json!({"gitlab_realm": "absent"}));
    let without_instance = scene.bearer(&json!({"sub": "other"}));
    let (no_type, no_realm) = (("x-gitlab-authentication-type", ""), ("x-gitlab-realm", ""));
    let no_instance = ("x-gitlab-instance-id", "");
    let token = |value: &'static str| ("authorization", value);
    let (instance, realm) = (
        "Header mismatch 'X-Gitlab-Instance-Id'",
        "Header mismatch 'X-Gitlab-Realm'",
    );
    let forbidden = "Forbidden by auth provider";
    // each case is wrong in what its text says and in everything that comes later
    let cases: [(&[(&str, &str)], &str); 12] = [
        (&[no_type, no_realm], "No authorization header presented"),
        (&[no_type, token("Token x")], "Invalid authorization header"),
        (
            &[no_type, token("Bearer x"), no_realm],
            "Invalid authentication token type - only OIDC is supported",
        ),
        (&[token("Bearer x"), no_instance], forbidden),
        (&[("authorization", &other), no_instance], forbidden),
        (&[("authorization", &good), no_realm, no_instance], instance),
        (
            &[("authorization", &good), ("x-gitlab-instance-id", "x")],
            instance,
        ),
        (&[("authorization", &stranger)], instance),
        (&[("authorization", &good), no_realm], realm),
        (&[("authorization", &without_realm)], realm),
        (
            &[("authorization", &good), ("x-gitlab-global-user-id", "")],
            "ok",
        ),
        (&[("authorization", &without_instance), no_instance], "ok"),
    ];
    for (pairs, expected) in cases {
        assert_eq!(scene.verdict(pairs).await, expected, "{pairs:?}");
    }
}

#[tokio::test]
async fn a_token_of_ours_belongs_to_its_user() {
    let scene = scene(&[]).await;
    let claims = scene.judge.claims(&json!({
        "iss": "gitlab-duo-workflow-service", "sub": "user", "gitlab_instance_id": INSTANCE,
    }));
    let header = json!({"alg": "RS256", "typ": "JWT"});
    let bearer = format!("Bearer {}", scene.own.sign(&header, &claims));
    let own = ("authorization", bearer.as_str());
    assert_eq!(scene.verdict(&[own]).await, "ok");
    for user in ["", "else"] {
        let pairs = [own, ("x-gitlab-global-user-id", user)];
        let mismatch = "Header mismatch 'X-Gitlab-Global-User-Id'";
        assert_eq!(scene.verdict(&pairs).await, mismatch, "{user}");
    }
    let claims = scene
        .judge
        .claims(&json!({"iss": "gitlab-duo-workflow-service"}));
    let forged = format!("Bearer {}", scene.key.token(&claims));
    let verdict = scene.verdict(&[("authorization", &forged)]).await;
    assert_eq!(verdict, "Forbidden by auth provider");
}

#[tokio::test]
async fn a_token_for_executors_says_what_the_contract_asks() {
    let scene = scene(&[]).await;
    let policies = json!({"allow": ["a"], "deny": []});
    let given = json!({
        "scopes": ["complete_code", "duo_chat", "include_file_context", "include_x_context",
                   "duo_agent_platform", "duo_workflow_execute_workflow"],
        "gitlab_instance_uid": "uid", "duo_seat_count": 7, "skip_usage_cutoff": true,
        "tool_access_policies": policies, "gitlab_root_namespace_id": 9, "unknown": 1,
    });
    let mut claims = scene.issue(&given, &headers(&[])).await;
    let now = claims["iat"].as_i64().unwrap();
    assert!((scene.judge.now() - now).abs() < 5);
    assert_eq!(claims["jti"].as_str().unwrap().len(), 36);
    claims.as_object_mut().unwrap().remove("jti");
    let expected = json!({
        "iss": "gitlab-duo-workflow-service", "aud": "gitlab-duo-workflow-service", "sub": "user",
        "exp": now + 3600, "nbf": now, "iat": now, "gitlab_realm": "self-managed",
        "gitlab_instance_id": INSTANCE, "gitlab_instance_uid": "uid",
        "scopes": ["duo_agent_platform", "duo_workflow_execute_workflow", "duo_chat",
                   "include_file_context"],
        "skip_usage_cutoff": true, "tool_access_policies": policies,
        "gitlab_root_namespace_id": 9,
    });
    assert_eq!(claims, expected);
    let bare = scene.issue(&json!({"scopes": []}), &headers(&[])).await;
    assert_eq!(bare["scopes"], json!([]));
    assert!(bare.get("gitlab_instance_uid").is_none());
}

#[tokio::test]
async fn nobody_gets_a_token_without_a_key_and_anybody_where_none_is_required() {
    let scene = scene(&[
        ("DUO_WORKFLOW_SELF_SIGNED_JWT__SIGNING_KEY", ""),
        ("DUO_WORKFLOW_AUTH__ENABLED", "false"),
        ("DUOGATE_KEYS__AGENT_PLATFORM__SIGNING", ""),
    ])
    .await;
    let headers = headers(&[("x-gitlab-authentication-type", "")]);
    let caller = scene.judge.access.authenticate(&headers).await.unwrap();
    assert!(caller.is_bypassed());
    let refused = scene.judge.access.issue_agent_token(&caller, &headers);
    assert_eq!(refused, Err(IssueError::NoKey));
    let pem = scene.own.pem();
    let mut scene = scene;
    scene.judge.reload(&[
        ("DUO_WORKFLOW_AUTH__ENABLED", "false"),
        ("DUOGATE_KEYS__AGENT_PLATFORM__SIGNING", &pem),
    ]);
    let issued = scene.judge.access.issue_agent_token(&caller, &headers);
    let scopes = &claims_of(&issued.unwrap().token)["scopes"];
    for scope in ["duo_agent_platform", "duo_chat", "include_file_context"] {
        assert!(
            scopes.as_array().unwrap().contains(&json!(scope)),
            "{scopes}"
        );
    }
}

#[tokio::test]
async fn the_bypasses_of_the_http_api_do_not_count() {
    let scene = scene(&[
        ("AIGW_AUTH__BYPASS_EXTERNAL", "true"),
        ("AIGW_AUTH__BYPASS_EXTERNAL_WITH_HEADER", "true"),
        ("AIGW_AUTH__BYPASS_JWT_SIGNATURE", "true"),
    ])
    .await;
    let bypass = scene.verdict(&[("bypass-auth", "true")]).await;
    assert_eq!(bypass, "No authorization header presented");
    let forged = TokenKey::new("gitlab").token(&scene.judge.claims(&json!({})));
    let forged = format!("Bearer {forged}");
    let verdict = scene.verdict(&[("authorization", &forged)]).await;
    assert_eq!(verdict, "Forbidden by auth provider");
}
