//! Tokens on the wire of the built-in gateway: who gets in, what refusals look like, the way of an
//! IDE, and that no token stands in a log.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::support::{
    Duogate, Settings,
    curl::Fetched,
    fetch,
    judge::INSTANCE,
    key_server::{DISCOVERY, KeyServer, Reply},
    settles,
    token_key::{TokenKey, claims_of},
};

/// A public server with one GitLab instance and a key of its own.
struct Scene {
    server: KeyServer,
    key: TokenKey,
    edge: Duogate,
}

impl Scene {
    fn start() -> Self {
        let (server, key) = (KeyServer::start(), TokenKey::new("gitlab"));
        server.publish("", &[&key]);
        let edge = Settings::public()
            .set("gitlab", json!([{"url": server.url()}]))
            .set("keys.gateway.signing", TokenKey::new("").pem())
            .start();
        settles(&edge, "duogate_key_fetches_total{outcome=\"ok\"}", 1.0);
        Self { server, key, edge }
    }

    /// A token of the instance, valid for an hour.
    fn token(&self, changes: &Value) -> String {
        let mut claims = json!({
            "iss": "https://gitlab.example.com", "sub": INSTANCE, "aud": ["gitlab-ai-gateway"],
            "nbf": now() - 5, "iat": now(), "exp": now() + 3600, "gitlab_realm": "self-managed",
            "scopes": ["complete_code", "duo_classic_chat"],
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.key.token(&claims)
    }

    /// A request as Rails sends it.
    #[track_caller]
    fn ask(&self, token: &str, arguments: &[&str], path: &str) -> Fetched {
        let authorization = format!("Authorization: Bearer {token}");
        let mut all = vec!["-H", &authorization];
        for header in HEADERS {
            all.extend(["-H", header]);
        }
        all.extend(arguments);
        fetch(&self.edge, &all, path)
    }
}

const HEADERS: [&str; 4] = [
    "X-Gitlab-Authentication-Type: oidc",
    "X-Gitlab-Realm: self-managed",
    "X-Gitlab-Instance-Id: 6a3d0f5e-0000-4000-8000-000000000001",
    "X-Gitlab-Global-User-Id: user",
];

#[expect(clippy::disallowed_methods, reason = "the tokens of a real process")]
fn now() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(now.unwrap().as_secs()).unwrap()
}

#[test]
fn refusals_have_the_texts_of_the_contract_and_come_before_routing() {
    let scene = Scene::start();
    let good = scene.token(&json!({}));
    let expired = scene.token(&json!({"exp": now() - 60}));
    let foreign = scene.token(&json!({"aud": "gitlab-duo-workflow-service"}));
    let other = scene.token(&json!({"sub": "another instance"}));
    let stranger = TokenKey::new("stranger").token(&claims_of(&good));
    let confused = scene.key.confused("pem", &claims_of(&good));
    let long = format!("{good}{}", "A".repeat(40_000));
    let forbidden = "Forbidden by auth provider";
    let paths = ["/v1/code/user_access_token", "/nowhere", "/"];
    for path in paths {
        for (token, arguments, text) in [
            ("", &[][..], forbidden),
            ("x", &[], forbidden),
            (&expired, &[], forbidden),
            (&foreign, &[], forbidden),
            (&stranger, &[], forbidden),
            (&confused, &[], forbidden),
            (&long, &[], forbidden),
            (&other, &[], "Header mismatch 'X-Gitlab-Instance-Id'"),
            (
                &good,
                &["-H", "X-Gitlab-Realm:"][..],
                "Header mismatch 'X-Gitlab-Realm'",
            ),
            (
                &good,
                &["-H", "X-Gitlab-Authentication-Type:"],
                "Invalid authentication token type - only OIDC is supported",
            ),
            (
                &good,
                &["-H", "Authorization: Basic x"],
                "Invalid authorization header",
            ),
        ] {
            // curl takes the last of two headers of one name from its command line as a second one
            let answer = if arguments.is_empty() {
                scene.ask(token, &["-X", "POST"], path)
            } else {
                changed(&scene, token, arguments[1], path)
            };
            assert_eq!(answer.status, 401, "{path} {text}");
            assert_eq!(answer.body, json!({ "error": text }).to_string(), "{path}");
        }
    }
    // behind the door, a path that does not exist is told as one
    let answer = scene.ask(&good, &[], "/nowhere");
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (404, r#"{"detail":"Not Found"}"#)
    );
    let logged = scene.edge.log();
    for token in [&good, &expired, &stranger, &confused] {
        for part in token.split('.').filter(|part| part.len() > 40) {
            assert!(
                !logged.contains(part),
                "a part of a token stands in the log"
            );
        }
    }
    for reason in ["the token has expired", "no source publishes the key"] {
        assert!(
            logged.contains(reason),
            "the operator does not learn: {reason}"
        );
    }
}

/// The usual request with one header replaced; an empty value leaves it out.
#[track_caller]
fn changed(scene: &Scene, token: &str, header: &str, path: &str) -> Fetched {
    let (name, value) = header.split_once(':').unwrap();
    let authorization = format!("Authorization: Bearer {token}");
    let mut headers: Vec<&str> = HEADERS.to_vec();
    headers.push(&authorization);
    headers.retain(|header| !header.starts_with(&format!("{name}:")));
    if !value.is_empty() {
        headers.push(header);
    }
    let mut all = vec!["-X", "POST"];
    for header in headers {
        all.extend(["-H", header]);
    }
    fetch(&scene.edge, &all, path)
}

#[test]
fn an_ide_gets_a_token_through_gitlab_and_comes_with_it_itself() {
    let scene = Scene::start();
    let path = "/v1/code/user_access_token";
    for version in ["--http1.1", "--http2"] {
        let token = scene.token(&json!({}));
        let answer = scene.ask(&token, &[version, "-X", "POST"], path);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let issued: Value = serde_json::from_str(&answer.body).unwrap();
        let ours = issued["token"].as_str().unwrap();
        let expires = issued["expires_at"].as_i64().unwrap();
        assert!((expires - now() - 3600).abs() < 60, "{expires}");
        assert_eq!(claims_of(ours)["sub"], "user");
        // let in, and told that this is not for it
        let again = scene.ask(ours, &[version, "-X", "POST"], path);
        assert_eq!(
            (again.status, again.body.as_str()),
            (
                403,
                r#"{"detail":"Unauthorized to create user access token"}"#
            )
        );
        let unknown = scene.ask(ours, &[version], "/nowhere");
        assert_eq!(unknown.status, 404);
        let somebody = changed(&scene, ours, "X-Gitlab-Global-User-Id: other", "/nowhere");
        assert_eq!(
            somebody.body,
            r#"{"error":"Header mismatch 'X-Gitlab-Global-User-Id'"}"#
        );
        assert!(!scene.edge.log().contains(ours.rsplit('.').next().unwrap()));
    }
    let poor = scene.token(&json!({"scopes": ["duo_classic_chat"]}));
    assert_eq!(scene.ask(&poor, &["-X", "POST"], path).status, 403);
}

#[test]
fn without_any_keys_the_answer_is_come_again_and_health_goes_on() {
    let scene = Scene::start();
    let token = scene.token(&json!({}));
    scene.server.reply(DISCOVERY, Reply::html());
    let edge = Settings::public()
        .set("gitlab", json!([{"url": scene.server.url()}]))
        .start();
    settles(
        &edge,
        "duogate_key_fetches_total{outcome=\"malformed\"}",
        1.0,
    );
    let lost = Scene { edge, ..scene };
    let answer = lost.ask(&token, &[], "/nowhere");
    assert_eq!(answer.status, 503, "{}", answer.body);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert!(body["detail"].is_string(), "{body}");
    assert!(!answer.fields("retry-after").is_empty());
    let bad = lost.ask("a.b.c", &[], "/nowhere");
    assert_eq!(bad.status, 401, "what no key could mend");
    assert_eq!(fetch(&lost.edge, &[], "/monitoring/healthz").status, 200);
    // it mends itself, within the first pause
    lost.server.publish("", &[&lost.key]);
    settles(&lost.edge, "duogate_key_fetches_total{outcome=\"ok\"}", 1.0);
    assert_eq!(lost.ask(&token, &[], "/nowhere").status, 404);
}
