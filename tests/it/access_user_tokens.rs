//! Tokens that we issue for users: what they say, who gets none, and that others can read them.

use std::time::Duration;

use http::HeaderMap;
use serde_json::{Value, json};

use crate::support::{
    Folder, have_tokens,
    judge::{INSTANCE, Judge, headers},
    jwt,
    key_server::KeyServer,
    run,
    token_key::{TokenKey, claims_of},
};

/// A source, its key, and a judge with a key of our own.
struct Scene {
    _server: KeyServer,
    key: TokenKey,
    judge: Judge,
}

async fn scene(variables: &[(&str, &str)]) -> Scene {
    let (server, key) = (KeyServer::start(), TokenKey::new("gitlab"));
    server.publish("", &[&key]);
    let url = server.url();
    let mut all = vec![("DUOGATE_GITLAB__0__URL", url.as_str())];
    all.extend(variables);
    let judge = Judge::start(&all).ready().await;
    Scene {
        _server: server,
        key,
        judge,
    }
}

impl Scene {
    /// What a caller with these claims and headers gets.
    async fn issue(&self, changes: &Value, headers: &HeaderMap) -> Result<String, String> {
        let token = self.key.token(&self.judge.claims(changes));
        let mut headers = headers.clone();
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        let caller = self.judge.access.authenticate(&headers).await.unwrap();
        let issued = self.judge.access.issue_user_token(&caller, &headers);
        let issued = issued.map_err(|error| error.to_string())?;
        let claims = claims_of(&issued.token);
        assert_eq!(claims["exp"], issued.expires_at);
        assert!(!format!("{issued:?}").contains(&issued.token));
        Ok(issued.token)
    }
}

#[tokio::test]
async fn a_token_says_what_the_contract_asks() {
    let pem = TokenKey::new("").pem();
    let scene = scene(&[("AIGW_SELF_SIGNED_JWT__SIGNING_KEY", &pem)]).await;
    let changes = json!({
        "scopes": ["duo_classic_chat", "ai_gateway_model_provider_proxy", "complete_code"],
        "gitlab_instance_uid": "uid", "duo_seat_count": 7, "skip_usage_cutoff": true,
    });
    let token = scene.issue(&changes, &headers(&[])).await.unwrap();
    let mut claims = claims_of(&token);
    let now = claims["iat"].as_i64().unwrap();
    assert!((scene.judge.now() - now).abs() < 5);
    assert_eq!(claims["jti"].as_str().unwrap().len(), 36);
    claims.as_object_mut().unwrap().remove("jti");
    let expected = json!({
        "iss": "gitlab-ai-gateway", "aud": "gitlab-ai-gateway", "sub": "user",
        "exp": now + 3600, "nbf": now, "iat": now,
        "gitlab_realm": "self-managed", "gitlab_instance_id": null, "gitlab_instance_uid": "uid",
        "scopes": ["complete_code", "ai_gateway_model_provider_proxy"],
        "duo_seat_count": "7", "skip_usage_cutoff": true,
    });
    assert_eq!(claims, expected);
}

#[tokio::test]
async fn on_gitlab_com_it_names_project_and_namespaces() {
    let pem = TokenKey::new("").pem();
    let scene = scene(&[("AIGW_SELF_SIGNED_JWT__SIGNING_KEY", &pem)]).await;
    let saas = |root: Value| json!({"gitlab_realm": "saas", "gitlab_root_namespace_id": root});
    let with = |pairs: &[(&str, &str)]| {
        let mut all = vec![("x-gitlab-realm", "saas")];
        all.extend(pairs);
        headers(&all)
    };
    let pairs = [
        ("x-gitlab-project-id", "1"),
        ("x-gitlab-namespace-id", "2"),
        ("x-gitlab-root-namespace-id", "3"),
    ];
    let claims = claims_of(&scene.issue(&saas(json!("9")), &with(&pairs)).await.unwrap());
    assert_eq!(claims["gitlab_project_id"], "1");
    assert_eq!(claims["gitlab_namespace_id"], "2");
    assert_eq!(claims["gitlab_root_namespace_id"], 9);
    let claims = claims_of(&scene.issue(&saas(json!(0)), &with(&pairs)).await.unwrap());
    assert_eq!(claims["gitlab_root_namespace_id"], 3);
    let claims = claims_of(&scene.issue(&saas(Value::Null), &with(&[])).await.unwrap());
    for name in [
        "gitlab_project_id",
        "gitlab_namespace_id",
        "gitlab_root_namespace_id",
    ] {
        assert!(
            claims[name].is_null() && claims.get(name).is_some(),
            "{name}"
        );
    }
    assert!(claims.get("gitlab_instance_uid").is_none());
}

#[tokio::test]
async fn an_ide_comes_back_with_it_as_its_user_alone() {
    let pem = TokenKey::new("").pem();
    let scene = scene(&[("AIGW_SELF_SIGNED_JWT__SIGNING_KEY", &pem)]).await;
    let token = scene.issue(&json!({}), &headers(&[])).await.unwrap();
    let caller = scene.judge.judge(&token).await.unwrap();
    assert!(caller.is_issued_by_us() && caller.can("complete_code"));
    assert!(!caller.can("duo_classic_chat"), "an IDE needs no more");
    // no token out of a token
    let refused = scene.judge.access.issue_user_token(&caller, &headers(&[]));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "Unauthorized to create user access token"
    );
    let authorization = format!("Bearer {token}");
    let other = headers(&[
        ("authorization", &authorization),
        ("x-gitlab-global-user-id", "somebody else"),
    ]);
    let found = scene.judge.access.authenticate(&other).await;
    assert_eq!(
        found.unwrap_err().to_string(),
        "Header mismatch 'X-Gitlab-Global-User-Id'"
    );
    scene.judge.clock.set_ahead_by(Duration::from_secs(3606));
    assert_eq!(
        scene.judge.verdict(&token).await,
        "Forbidden by auth provider"
    );
}

#[tokio::test]
async fn who_may_not_complete_code_gets_none_and_without_a_key_nobody_does() {
    let none = scene(&[]).await;
    assert_eq!(
        none.issue(&json!({}), &headers(&[])).await,
        Err("Failed to generate JWT".to_owned())
    );
    let pem = TokenKey::new("").pem();
    let scene = scene(&[("AIGW_SELF_SIGNED_JWT__SIGNING_KEY", &pem)]).await;
    let refused = Err("Unauthorized to create user access token".to_owned());
    for scopes in [
        json!([]),
        json!(["duo_classic_chat"]),
        json!("absent"),
        json!(["complete"]),
    ] {
        let issued = scene.issue(&json!({"scopes": scopes}), &headers(&[])).await;
        assert_eq!(issued, refused, "{scopes}");
    }
    // nobody in particular
    let open = Judge::start(&[
        ("AIGW_AUTH__BYPASS_EXTERNAL", "true"),
        ("AIGW_SELF_SIGNED_JWT__SIGNING_KEY", &pem),
    ]);
    let anybody = headers(&[("x-gitlab-global-user-id", "")]);
    let caller = open.access.authenticate(&anybody).await.unwrap();
    let issued = open.access.issue_user_token(&caller, &anybody).unwrap();
    let claims = claims_of(&issued.token);
    assert!(claims["sub"].is_null() && claims.get("gitlab_realm").is_none());
}

#[tokio::test]
async fn a_key_that_was_replaced_is_good_for_its_last_tokens() {
    let [old, new, other] = ["", "", ""].map(|name| TokenKey::new(name).pem());
    let before = scene(&[("AIGW_SELF_SIGNED_JWT__SIGNING_KEY", &old)]).await;
    let token = before.issue(&json!({}), &headers(&[])).await.unwrap();
    let verdict = |variables: Vec<(&'static str, String)>| {
        let token = token.clone();
        async move {
            let variables: Vec<_> = variables
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            Judge::start(&variables).verdict(&token).await
        }
    };
    let (signing, validation) = (
        "DUOGATE_KEYS__GATEWAY__SIGNING",
        "DUOGATE_KEYS__GATEWAY__VALIDATION",
    );
    let both = vec![(signing, new.clone()), (validation, old.clone())];
    assert_eq!(verdict(both).await, "ok");
    assert_eq!(verdict(vec![(validation, old.clone())]).await, "ok");
    // as .env files have it
    let quoted = format!("\"{}\"", old.trim_end().replace('\n', "\\n"));
    assert_eq!(verdict(vec![(signing, quoted)]).await, "ok");
    let folder = Folder::new();
    let file = folder.write("key.pem", &old);
    let file = file.to_str().unwrap().to_owned();
    assert_eq!(verdict(vec![(signing, file)]).await, "ok");
    let refused = "Forbidden by auth provider";
    assert_eq!(
        verdict(vec![(signing, new), (validation, other)]).await,
        refused
    );
    assert_eq!(verdict(vec![]).await, refused);
}

#[tokio::test]
async fn tokens_of_the_official_container_name_no_key_and_are_accepted_by_the_same_key() {
    let own = TokenKey::new("");
    let pem = own.pem();
    let judge = Judge::start(&[("AIGW_SELF_SIGNED_JWT__SIGNING_KEY", &pem)]);
    let claims = judge.claims(&json!({"iss": "gitlab-ai-gateway", "sub": "user"}));
    let nameless = own.sign(&json!({"alg": "RS256", "typ": "JWT"}), &claims);
    let caller = judge.judge(&nameless).await.unwrap();
    assert!(caller.is_issued_by_us());
    let stranger = TokenKey::new("").sign(&json!({"alg": "RS256"}), &claims);
    assert_eq!(judge.verdict(&stranger).await, "Forbidden by auth provider");
}

#[tokio::test]
async fn others_read_our_tokens_and_make_ones_that_we_accept() {
    if !have_tokens() {
        return;
    }
    let own = TokenKey::new("");
    let pem = own.pem();
    let scene = scene(&[("AIGW_SELF_SIGNED_JWT__SIGNING_KEY", &pem)]).await;
    let ours = scene.issue(&json!({}), &headers(&[])).await.unwrap();
    let gitlab = json!({"kid": "gitlab", "pem": scene.key.pem()});
    let task = json!({
        "own": pem, "token": ours, "audience": "gitlab-ai-gateway",
        "gitlab": gitlab, "claims": scene.judge.claims(&json!({})),
    });
    let mut command = jwt("clients/token_client.py");
    let folder = Folder::new();
    let file = folder.write("task.json", task.to_string());
    command.arg(file);
    let answer = run(command, Duration::from_secs(60)).json();
    for library in ["pyjwt", "jose"] {
        assert_eq!(answer[library]["sub"], "user", "{library}");
        let token = answer[library]["token"].as_str().unwrap();
        let caller = scene.judge.judge(token).await.unwrap();
        assert_eq!(caller.subject(), Some(INSTANCE), "{library}");
        // as the official container makes them for IDEs: without a name
        let user = answer[library]["user_token"].as_str().unwrap();
        let caller = scene.judge.judge(user).await.unwrap();
        assert!(caller.is_issued_by_us(), "{library}");
    }
    // a library that was told to take a public key for a secret
    for token in answer["hostile"].as_array().unwrap() {
        let token = token.as_str().unwrap();
        assert_eq!(
            scene.judge.verdict(token).await,
            "Forbidden by auth provider"
        );
    }
}
