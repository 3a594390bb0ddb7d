//! Tokens as GitLab makes them are accepted for what they say, in the order of the contract.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    judge::{INSTANCE, Judge, headers},
    key_server::KeyServer,
    token_key::TokenKey,
};

#[tokio::test]
async fn a_token_of_gitlab_is_accepted_for_what_it_permits() {
    let (server, key) = (KeyServer::start(), TokenKey::new("a"));
    server.publish("", &[&key]);
    let judge = Judge::of(&server.url()).ready().await;
    let caller = judge.judge(&key.token(&judge.claims(&json!({})))).await;
    let caller = caller.unwrap();
    assert!(caller.can("complete_code") && caller.can("duo_classic_chat"));
    assert!(!caller.can("complete") && !caller.can("generate_code") && !caller.can(""));
    assert!(!caller.is_issued_by_us() && !caller.is_bypassed());
    assert_eq!(caller.realm(), Some("self-managed"));
    assert_eq!(caller.issuer(), Some("https://gitlab.example.com"));
    assert_eq!(caller.subject(), Some(INSTANCE));
    let shown = format!("{caller:?}");
    assert!(!shown.contains("complete_code"), "{shown}");
}

#[tokio::test]
async fn the_checks_come_in_their_order() {
    let (server, key) = (KeyServer::start(), TokenKey::new("a"));
    server.publish("", &[&key]);
    let judge = Judge::of(&server.url()).ready().await;
    let claims = judge.claims(&json!({"gitlab_instance_id": INSTANCE, "duo_seat_count": 5}));
    let good = format!("Bearer {}", key.token(&claims));
    let nothing = ("authorization", "");
    let bad = ("authorization", "Bearer x");
    let good = ("authorization", good.as_str());
    let (no_type, no_realm) = (("x-gitlab-authentication-type", ""), ("x-gitlab-realm", ""));
    let no_instance = ("x-gitlab-instance-id", "");
    let no_user = ("x-gitlab-global-user-id", "");
    // each case is wrong in what its text says and in everything that comes later
    let rest = [no_type, bad, no_realm, no_instance];
    let cases: [(&[(&str, &str)], &str); 8] = [
        (&[no_type, nothing], "No authorization header presented"),
        (
            &[no_type, ("authorization", "Token x")],
            "Invalid authorization header",
        ),
        (
            &rest,
            "Invalid authentication token type - only OIDC is supported",
        ),
        (&[bad, no_realm], "Forbidden by auth provider"),
        (
            &[("authorization", "Bearer "), no_realm],
            "Forbidden by auth provider",
        ),
        (
            &[good, no_realm, no_instance],
            "Header mismatch 'X-Gitlab-Realm'",
        ),
        (
            &[good, no_instance],
            "Header mismatch 'X-Gitlab-Instance-Id'",
        ),
        (&[good, no_user], "ok"),
    ];
    for (pairs, expected) in cases {
        let found = judge.access.authenticate(&headers(pairs)).await;
        let found = found.map_or_else(|error| error.to_string(), |_| "ok".to_owned());
        assert_eq!(found, expected, "{pairs:?}");
    }
    assert_eq!(
        judge.metric("duogate_authentications_total{outcome=\"mismatch\"}"),
        2
    );
}

#[tokio::test]
async fn clocks_may_differ_by_five_seconds() {
    let (server, key) = (KeyServer::start(), TokenKey::new("a"));
    server.publish("", &[&key]);
    let judge = Judge::of(&server.url()).ready().await;
    let now = judge.now();
    for (changes, accepted) in [
        (json!({"exp": now - 3}), true),
        (json!({"exp": now - 6}), false),
        (json!({"nbf": now + 4}), true),
        (json!({"nbf": now + 10}), false),
        (json!({"nbf": "absent"}), true),
        (json!({"iat": now + 500}), true),
    ] {
        let verdict = judge.verdict(&key.token(&judge.claims(&changes))).await;
        let expected = if accepted {
            "ok"
        } else {
            "Forbidden by auth provider"
        };
        assert_eq!(verdict, expected, "{changes}");
    }
}

#[tokio::test]
async fn a_token_is_examined_once_and_for_five_minutes_at_most() {
    let (server, key) = (KeyServer::start(), TokenKey::new("a"));
    server.publish("", &[&key]);
    let judge = Judge::of(&server.url()).ready().await;
    let long = key.token(&judge.claims(&json!({})));
    let short = key.token(&judge.claims(&json!({"exp": judge.now() + 100})));
    let count = |outcome: &str| {
        judge.metric(&format!(
            "duogate_authentications_total{{outcome=\"{outcome}\"}}"
        ))
    };
    for _ in 0..3 {
        assert_eq!(judge.verdict(&long).await, "ok");
        assert_eq!(judge.verdict(&short).await, "ok");
    }
    assert_eq!((count("verified"), count("remembered")), (2, 4));
    // what is remembered is still compared with the headers of each request
    let elsewhere = headers(&[
        ("authorization", &format!("Bearer {long}")),
        ("x-gitlab-instance-id", "other"),
    ]);
    let refused = judge.access.authenticate(&elsewhere).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "Header mismatch 'X-Gitlab-Instance-Id'"
    );
    judge.clock.set_ahead_by(Duration::from_secs(200));
    assert_eq!(judge.verdict(&short).await, "Forbidden by auth provider");
    assert_eq!(count("expired"), 1);
    judge.clock.set_ahead_by(Duration::from_secs(320));
    assert_eq!(judge.verdict(&long).await, "ok");
    assert_eq!(count("verified"), 3);
}

#[tokio::test]
async fn tokens_of_two_instances_and_of_the_portal_are_accepted_side_by_side() {
    let servers = [(); 3].map(|()| KeyServer::start());
    let keys = ["a", "b", "c"].map(TokenKey::new);
    for (server, key) in servers.iter().zip(&keys) {
        server.publish("", &[key]);
    }
    let [first, second, portal] = servers.each_ref().map(KeyServer::url);
    let judge = Judge::start(&[
        ("DUOGATE_GITLAB__0__URL", &first),
        ("DUOGATE_GITLAB__1__URL", &second),
        ("DUOGATE_CUSTOMERS_PORTAL", &portal),
    ]);
    let judge = judge.ready().await;
    for key in &keys {
        let token = key.token(&judge.claims(&json!({})));
        assert_eq!(judge.verdict(&token).await, "ok", "{}", key.kid);
    }
    // a name is no proof: the key of one under the name of another
    let mixed = keys[0].sign(
        &json!({"alg": "RS256", "kid": "b"}),
        &judge.claims(&json!({})),
    );
    assert_eq!(judge.verdict(&mixed).await, "Forbidden by auth provider");
}

#[tokio::test]
async fn two_instances_may_call_different_keys_the_same() {
    let servers = [KeyServer::start(), KeyServer::start()];
    let keys = [TokenKey::new("same"), TokenKey::new("same")];
    for (server, key) in servers.iter().zip(&keys) {
        server.publish("", &[key]);
    }
    let [first, second] = servers.each_ref().map(KeyServer::url);
    let judge = Judge::start(&[
        ("DUOGATE_GITLAB__0__URL", &first),
        ("DUOGATE_GITLAB__1__URL", &second),
    ]);
    let judge = judge.ready().await;
    for key in &keys {
        let token = key.token(&judge.claims(&json!({})));
        assert_eq!(judge.verdict(&token).await, "ok");
    }
}

#[tokio::test]
async fn another_service_name_is_another_audience() {
    let (server, key) = (KeyServer::start(), TokenKey::new("a"));
    server.publish("", &[&key]);
    let judge = Judge::start(&[
        ("DUOGATE_GITLAB__0__URL", &server.url()),
        ("AIGW_CLOUD_CONNECTOR_SERVICE_NAME", "duo"),
    ]);
    let judge = judge.ready().await;
    let token = |audience: Value| key.token(&judge.claims(&json!({"aud": audience})));
    assert_eq!(judge.verdict(&token(json!("duo"))).await, "ok");
    let usual = token(json!("gitlab-ai-gateway"));
    assert_eq!(judge.verdict(&usual).await, "Forbidden by auth provider");
}

#[tokio::test]
async fn switches_let_in_whom_they_say_and_nobody_else() {
    let bypass = ("bypass-auth", "true");
    let nothing: &[(&str, &str)] = &[("x-gitlab-authentication-type", "")];
    let lets_in = |judge: &Judge, pairs: &[(&str, &str)]| {
        let (access, headers) = (judge.access.clone(), headers(pairs));
        async move {
            let caller = access.authenticate(&headers).await.ok();
            caller.is_some_and(|caller| caller.is_bypassed() && caller.can("anything"))
        }
    };
    let strict = Judge::start(&[]);
    assert!(!lets_in(&strict, nothing).await);
    assert!(!lets_in(&strict, &[bypass]).await);
    let open = Judge::start(&[("AIGW_AUTH__BYPASS_EXTERNAL", "true")]);
    assert!(lets_in(&open, nothing).await);
    assert!(lets_in(&open, &[("x-forwarded-for", "192.0.2.1")]).await);
    let header = Judge::start(&[("AIGW_AUTH__BYPASS_EXTERNAL_WITH_HEADER", "true")]);
    assert!(lets_in(&header, &[bypass]).await);
    for value in ["True", "1", "true ", "false"] {
        assert!(
            !lets_in(&header, &[("bypass-auth", value)]).await,
            "{value}"
        );
    }
    assert!(!lets_in(&header, nothing).await);
}

#[tokio::test]
async fn without_signatures_all_other_checks_stay() {
    let judge = Judge::start(&[("AIGW_AUTH__BYPASS_JWT_SIGNATURE", "true")]);
    let stranger = TokenKey::new("stranger");
    let verdict = |changes: Value| {
        let token = stranger.token(&judge.claims(&changes));
        let judge = &judge;
        async move { judge.verdict(&token).await }
    };
    assert_eq!(verdict(json!({})).await, "ok");
    let refused = "Forbidden by auth provider";
    assert_eq!(verdict(json!({"exp": 1})).await, refused);
    assert_eq!(verdict(json!({"aud": "other"})).await, refused);
    let other = "Header mismatch 'X-Gitlab-Instance-Id'";
    assert_eq!(verdict(json!({"sub": "other"})).await, other);
}

#[tokio::test]
async fn local_mode_asks_only_those_who_come_through_a_proxy() {
    let judge = Judge::start(&[("DUOGATE_DOMAINS", "")]);
    let verdict = |pairs: &[(&str, &str)]| {
        let (access, headers) = (judge.access.clone(), headers(pairs));
        async move {
            let found = access.authenticate(&headers).await;
            found.map_or_else(|error| error.to_string(), |_| "ok".to_owned())
        }
    };
    assert_eq!(verdict(&[]).await, "ok");
    assert_eq!(verdict(&[("authorization", "Bearer x")]).await, "ok");
    for name in ["x-forwarded-for", "forwarded"] {
        let through = (name, "for=192.0.2.1");
        let missing = "No authorization header presented";
        assert_eq!(verdict(&[through]).await, missing, "{name}");
        let token = TokenKey::new("a").token(&judge.claims(&json!({})));
        let token = format!("Bearer {token}");
        let refused = verdict(&[through, ("authorization", &token)]).await;
        assert_eq!(refused, "Forbidden by auth provider");
    }
    assert!(judge.access.sources().is_empty() && judge.access.is_ready());
}
