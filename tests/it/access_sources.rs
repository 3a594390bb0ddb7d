//! Keys of others: fetched in the background, kept while their source is down, followed when they
//! change.

use std::time::{Duration, Instant};

use duogate::access::{Access, SourceState, SourceStatus};
use serde_json::json;

use crate::support::{
    Folder, TestAuthority,
    judge::Judge,
    key_server::{DISCOVERY, KEYS, KeyServer, Reply},
    token_key::TokenKey,
};

const REFUSED: &str = "Forbidden by auth provider";

fn failed(sources: &[SourceStatus]) -> bool {
    sources.iter().all(|source| source.failure.is_some())
}

fn good_token(judge: &Judge, key: &TokenKey) -> String {
    key.token(&judge.claims(&json!({})))
}

/// How long a verdict takes.
async fn timed(judge: &Judge, token: &str) -> (String, Duration) {
    let begin = Instant::now();
    let verdict = judge.verdict(token).await;
    (verdict, begin.elapsed())
}

#[tokio::test]
async fn a_new_key_is_fetched_when_its_first_token_comes_once_a_minute() {
    let server = KeyServer::start();
    let [old, new, newer] = ["old", "new", "newer"].map(TokenKey::new);
    server.publish("", &[&old]);
    let judge = Judge::of(&server.url()).ready().await;
    // GitLab publishes a key while it still signs with the one before
    server.publish("", &[&old, &new]);
    judge.clock.set_ahead_by(Duration::from_secs(61));
    assert_eq!(judge.verdict(&good_token(&judge, &new)).await, "ok");
    assert_eq!(judge.verdict(&good_token(&judge, &old)).await, "ok");
    assert_eq!(server.fetches(), 2);
    // within the minute nobody is asked, whatever comes
    server.publish("", &[&old, &new, &newer]);
    for _ in 0..20 {
        assert_eq!(judge.verdict(&good_token(&judge, &newer)).await, REFUSED);
    }
    assert_eq!(server.fetches(), 2);
    judge.clock.set_ahead_by(Duration::from_secs(122));
    assert_eq!(judge.verdict(&good_token(&judge, &newer)).await, "ok");
    assert_eq!(server.fetches(), 3);
    assert_eq!(judge.metric("duogate_key_fetches_total{outcome=\"ok\"}"), 3);
}

#[tokio::test]
async fn a_key_that_leaves_takes_its_remembered_tokens_along() {
    let server = KeyServer::start();
    let [stays, leaves] = ["stays", "leaves"].map(TokenKey::new);
    server.publish("", &[&stays, &leaves]);
    let judge = Judge::of(&server.url()).ready().await;
    let tokens = [good_token(&judge, &stays), good_token(&judge, &leaves)];
    for token in &tokens {
        assert_eq!(judge.verdict(token).await, "ok");
        assert_eq!(judge.verdict(token).await, "ok");
    }
    server.publish("", &[&stays]);
    // somebody's unknown key makes the source be asked
    judge.clock.set_ahead_by(Duration::from_secs(61));
    let stranger = good_token(&judge, &TokenKey::new("stranger"));
    assert_eq!(judge.verdict(&stranger).await, REFUSED);
    assert_eq!(judge.access.sources()[0].keys, 1);
    assert_eq!(judge.verdict(&tokens[1]).await, REFUSED);
    let remembered = "duogate_authentications_total{outcome=\"remembered\"}";
    let before = judge.metric(remembered);
    assert_eq!(judge.verdict(&tokens[0]).await, "ok");
    assert_eq!(
        judge.metric(remembered),
        before + 1,
        "what stays is remembered"
    );
}

#[tokio::test]
async fn another_key_under_the_same_name_replaces_the_first() {
    let server = KeyServer::start();
    let [first, second] = ["same", "same"].map(TokenKey::new);
    server.publish("", &[&first]);
    let judge = Judge::of(&server.url()).ready().await;
    let token = good_token(&judge, &first);
    assert_eq!(judge.verdict(&token).await, "ok");
    server.publish("", &[&second]);
    judge.clock.set_ahead_by(Duration::from_secs(3601));
    judge.until(|_| server.fetches() == 2).await;
    let fresh = second.token(&judge.claims(&json!({})));
    judge.until(|sources| sources[0].fetched.is_some()).await;
    while judge.verdict(&fresh).await != "ok" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let late = first.token(&judge.claims(&json!({})));
    assert_eq!(judge.verdict(&late).await, REFUSED);
    assert_eq!(judge.verdict(&token).await, REFUSED);
}

#[tokio::test]
async fn a_dead_source_delays_and_fails_nobody_else() {
    let (server, key) = (KeyServer::start(), TokenKey::new("a"));
    server.publish("", &[&key]);
    let hanging = KeyServer::start();
    hanging.reply(DISCOVERY, Reply::Silence);
    let dead = KeyServer::start();
    let dead_url = dead.url();
    drop(dead);
    let judge = Judge::start(&[
        ("DUOGATE_GITLAB__0__URL", &hanging.url()),
        ("DUOGATE_GITLAB__1__URL", &server.url()),
        ("DUOGATE_CUSTOMERS_PORTAL", &dead_url),
    ]);
    judge
        .until(|sources| sources[1].state == SourceState::Current && sources[2].failure.is_some())
        .await;
    let (verdict, took) = timed(&judge, &good_token(&judge, &key)).await;
    assert_eq!(verdict, "ok");
    assert!(took < Duration::from_millis(500), "{took:?}");
    // an unknown key waits for the one that hangs, but not for long
    let (verdict, took) = timed(&judge, &good_token(&judge, &TokenKey::new("x"))).await;
    assert_eq!(verdict, REFUSED);
    assert!(took < Duration::from_secs(4), "{took:?}");
    let sources = judge.access.sources();
    assert_eq!(sources[0].state, SourceState::Waiting);
    assert_eq!(sources[2].state, SourceState::Waiting);
    let failure = sources[2].failure.clone().unwrap();
    assert!(
        failure.starts_with("127.0.0.1 cannot be reached"),
        "{failure}"
    );
    assert!(judge.access.is_ready());
}

#[tokio::test]
async fn a_new_key_does_not_wait_for_a_source_that_hangs() {
    let (server, old, new) = (
        KeyServer::start(),
        TokenKey::new("old"),
        TokenKey::new("new"),
    );
    server.publish("", &[&old]);
    let hanging = KeyServer::start();
    hanging.reply(DISCOVERY, Reply::Silence);
    let judge = Judge::start(&[
        ("DUOGATE_GITLAB__0__URL", &hanging.url()),
        ("DUOGATE_GITLAB__1__URL", &server.url()),
    ]);
    judge
        .until(|sources| sources[1].state == SourceState::Current)
        .await;
    server.publish("", &[&old, &new]);
    judge.clock.set_ahead_by(Duration::from_secs(61));
    let (verdict, took) = timed(&judge, &good_token(&judge, &new)).await;
    assert_eq!(verdict, "ok");
    assert!(took < Duration::from_millis(1500), "{took:?}");
}

#[tokio::test]
async fn nobody_has_answered_yet_is_told_apart_and_ends_by_itself() {
    let server = KeyServer::start();
    let (address, url) = (server.address, server.url());
    drop(server);
    let judge = Judge::of(&url);
    judge.until(failed).await;
    let key = TokenKey::new("a");
    let token = good_token(&judge, &key);
    let told = "The keys that verify tokens could not be fetched yet. Please try again later.";
    assert_eq!(judge.verdict(&token).await, told);
    assert!(!judge.access.is_ready());
    // what is wrong whatever the keys are stays a 401
    assert_eq!(judge.verdict("a.b.c").await, REFUSED);
    let server = KeyServer::start_at(address);
    server.publish("", &[&key]);
    judge.clock.set_ahead_by(Duration::from_secs(6));
    judge
        .until(|sources| sources[0].state == SourceState::Current)
        .await;
    assert_eq!(judge.verdict(&token).await, "ok");
    assert!(judge.access.is_ready());
}

#[tokio::test]
async fn tokens_that_come_before_the_first_answer_wait_for_it() {
    let (server, key) = (KeyServer::start(), TokenKey::new("a"));
    server.publish("", &[&key]);
    let document = json!({ "jwks_uri": format!("{}{KEYS}", server.url()) });
    let late = Reply::Later(Duration::from_millis(500), Box::new(Reply::json(&document)));
    server.reply(DISCOVERY, late);
    let judge = Judge::of(&server.url());
    let token = good_token(&judge, &key);
    assert_eq!(judge.verdict(&token).await, "ok");
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn the_last_good_keys_stay_whatever_a_source_answers() {
    let (server, key) = (KeyServer::start(), TokenKey::new("a"));
    server.publish("", &[&key]);
    let judge = Judge::of(&server.url()).ready().await;
    let many: Vec<_> = (0..65)
        .map(|number| {
            let mut jwk = key.jwk();
            jwk["kid"] = json!(number.to_string());
            jwk
        })
        .collect();
    let huge = vec![b' '; 300 * 1024];
    let body = |status, body: &[u8]| Reply::Body(status, "application/json", body.to_vec());
    let secure = "https://127.0.0.1:1/keys";
    let cases = [
        (KEYS, Reply::html(), "no JSON with a list of keys"),
        (
            KEYS,
            Reply::json(&json!({"keys": []})),
            "publishes no RSA key",
        ),
        (
            KEYS,
            Reply::json(&json!({"keys": many})),
            "more than 64 keys",
        ),
        (KEYS, body(200, &huge), "more than 262144 bytes"),
        (KEYS, Reply::Endless, "more than 262144 bytes"),
        (
            KEYS,
            body(200, b"{\"keys\":"),
            "no JSON with a list of keys",
        ),
        (KEYS, body(500, b"{}"), "answered 500"),
        (KEYS, body(204, b""), "answered 204"),
        (
            KEYS,
            Reply::Redirect(302, KEYS.to_owned()),
            "redirects too often",
        ),
        (KEYS, Reply::Redirect(301, String::new()), "redirects"),
        (
            KEYS,
            Reply::Redirect(301, "file:///etc/passwd".to_owned()),
            "redirects away from https",
        ),
        (
            KEYS,
            Reply::Redirect(302, secure.to_owned()),
            "cannot be reached",
        ),
        (DISCOVERY, Reply::html(), "no discovery document"),
        (
            DISCOVERY,
            Reply::json(&json!({"issuer": "x"})),
            "no discovery document",
        ),
        (
            DISCOVERY,
            Reply::json(&json!({"jwks_uri": "keys"})),
            "no discovery document",
        ),
        (DISCOVERY, body(404, b"{}"), "answered 404"),
        (DISCOVERY, Reply::Endless, "more than 65536 bytes"),
    ];
    let token = |judge: &Judge| key.token(&judge.claims(&json!({})));
    let mut ahead = 0;
    for (path, reply, expected) in cases {
        server.publish("", &[&key]);
        server.reply(path, reply.clone());
        ahead += 3700;
        judge.clock.set_ahead_by(Duration::from_secs(ahead));
        judge
            .until(|sources| {
                let failure = sources[0].failure.as_deref();
                failure.is_some_and(|failure| failure.contains(expected))
            })
            .await;
        assert_eq!(judge.access.sources()[0].state, SourceState::Stale);
        assert_eq!(
            judge.verdict(&token(&judge)).await,
            "ok",
            "{path} {reply:?}"
        );
    }
    assert!(judge.access.is_ready());
    // and it recovers
    server.publish("", &[&key]);
    judge.clock.set_ahead_by(Duration::from_secs(ahead + 3700));
    judge
        .until(|sources| sources[0].state == SourceState::Current)
        .await;
    assert_eq!(judge.access.sources()[0].failure, None);
}

#[tokio::test]
async fn a_source_that_drips_is_given_up() {
    let server = KeyServer::start();
    server.publish("", &[&TokenKey::new("a")]);
    server.reply(KEYS, Reply::Dripping);
    let begin = Instant::now();
    let judge = Judge::of(&server.url());
    while judge.access.sources()[0].failure.is_none() {
        assert!(begin.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let failure = judge.access.sources()[0].failure.clone().unwrap();
    assert_eq!(failure, "did not answer within 10 s");
}

#[tokio::test]
async fn failures_are_repeated_at_growing_distances() {
    let server = KeyServer::start();
    let judge = Judge::of(&server.url());
    judge.until(failed).await;
    let mut begin = 0;
    // the pauses are these, less a fifth at most
    for (number, pause) in [
        (2, 5),
        (3, 10),
        (4, 20),
        (5, 40),
        (6, 80),
        (7, 160),
        (8, 300),
        (9, 300),
    ] {
        judge
            .clock
            .set_ahead_by(Duration::from_secs(begin + pause * 7 / 10));
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(server.fetches(), number - 1, "too early for {number}");
        begin += pause + 1;
        judge.clock.set_ahead_by(Duration::from_secs(begin));
        judge.until(|_| server.fetches() == number).await;
        // until the attempt has ended
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_stops_nothing() {
    let (server, key) = (KeyServer::start(), TokenKey::new("a"));
    server.publish("", &[&key]);
    let judge = Judge::of(&server.url());
    judge.clock.set_ahead(400);
    judge
        .until(|sources| sources[0].state == SourceState::Current)
        .await;
    judge.clock.set_ahead(0);
    judge.until(|_| server.fetches() >= 2).await;
    assert_eq!(judge.verdict(&good_token(&judge, &key)).await, "ok");
}

#[tokio::test]
async fn a_path_prefix_is_kept_and_redirects_are_followed() {
    let (server, key) = (KeyServer::start(), TokenKey::new("a"));
    server.publish("/git/lab", &[&key]);
    let judge = Judge::of(&format!("{}/git/lab/", server.url()))
        .ready()
        .await;
    assert_eq!(judge.verdict(&good_token(&judge, &key)).await, "ok");
    let asked = server.asked();
    assert_eq!(
        asked,
        [format!("/git/lab{DISCOVERY}"), format!("/git/lab{KEYS}")]
    );
    // a moved GitLab, whose key set is on another host
    let moved = KeyServer::start();
    moved.discover("", &format!("{}/git/lab{KEYS}", server.url()));
    let old = KeyServer::start();
    old.reply(DISCOVERY, Reply::Redirect(301, "/one".to_owned()));
    old.reply("/one", Reply::Redirect(302, "/two".to_owned()));
    old.reply(
        "/two",
        Reply::Redirect(308, format!("{}{DISCOVERY}", moved.url())),
    );
    let judge = Judge::of(&old.url()).ready().await;
    assert_eq!(judge.verdict(&good_token(&judge, &key)).await, "ok");
}

#[tokio::test]
async fn equal_urls_are_asked_once_and_an_empty_portal_is_off() {
    let (server, key) = (KeyServer::start(), TokenKey::new("a"));
    server.publish("", &[&key]);
    let url = server.url();
    let slash = format!("{url}/");
    let judge = Judge::start(&[
        ("AIGW_GITLAB_URL", &url),
        ("DUOGATE_GITLAB__1__URL", &slash),
        ("DUOGATE_CUSTOMERS_PORTAL", &url),
    ]);
    let judge = judge.ready().await;
    assert_eq!(judge.access.sources().len(), 1);
    assert_eq!(server.fetches(), 1);
    assert_eq!(Judge::start(&[]).access.sources(), []);
}

#[tokio::test]
async fn a_private_authority_counts_for_the_instance_that_names_it() {
    let folder = Folder::new();
    let authority = TestAuthority::new(&folder);
    let (certificate, pair) = authority.issue(&folder, "gitlab", &["127.0.0.1"]);
    let server = KeyServer::secure(&certificate, &pair);
    let key = TokenKey::new("a");
    server.publish("", &[&key]);
    // a GitLab behind a proxy calls itself http; its https is asked for the keys
    let plain = format!("http://{}{KEYS}", server.address);
    server.discover("", &plain);
    let judge = Judge::of(&server.url());
    judge.until(failed).await;
    let failure = judge.access.sources()[0].failure.clone().unwrap();
    assert!(failure.contains("UnknownIssuer"), "{failure}");
    let root = authority.root.to_str().unwrap();
    let variables = [
        ("DUOGATE_GITLAB__0__URL", server.url()),
        ("DUOGATE_GITLAB__0__CA_FILE", root.to_owned()),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let judge = Judge::start(&variables).ready().await;
    assert_eq!(judge.verdict(&good_token(&judge, &key)).await, "ok");
    // the same for all through the variable everybody knows
    let judge = Judge::start(&[
        ("DUOGATE_GITLAB__0__URL", &server.url()),
        ("REQUESTS_CA_BUNDLE", root),
    ]);
    judge.ready().await;
    // never from https to http
    let clear = KeyServer::start();
    clear.publish("", &[&key]);
    server.reply(
        DISCOVERY,
        Reply::Redirect(302, format!("{}{DISCOVERY}", clear.url())),
    );
    let judge = Judge::start(&variables);
    judge.until(failed).await;
    let failure = judge.access.sources()[0].failure.clone().unwrap();
    assert!(failure.ends_with("redirects away from https"), "{failure}");
    server.discover("", "http://127.0.0.2/keys");
    let judge = Judge::start(&variables);
    judge.until(failed).await;
    let failure = judge.access.sources()[0].failure.clone().unwrap();
    assert!(failure.contains("is not https"), "{failure}");
    assert_eq!(clear.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_reload_keeps_the_sources_that_stay_and_ends_the_others() {
    let [first, second] = [KeyServer::start(), KeyServer::start()];
    let keys = ["a", "b"].map(TokenKey::new);
    first.publish("", &[&keys[0]]);
    second.publish("", &[&keys[1]]);
    let (one, two) = (first.url(), second.url());
    let mut judge = Judge::start(&[
        ("DUOGATE_GITLAB__0__URL", &one),
        ("DUOGATE_GITLAB__1__URL", &two),
    ]);
    judge = judge.ready().await;
    let tokens = keys.each_ref().map(|key| good_token(&judge, key));
    let before = judge.access.clone();
    assert_eq!(judge.tasks.len(), 2);
    judge.reload(&[("DUOGATE_GITLAB__0__URL", &one)]);
    assert_eq!(judge.verdict(&tokens[0]).await, "ok");
    assert_eq!(judge.verdict(&tokens[1]).await, REFUSED);
    assert_eq!(
        (first.fetches(), second.fetches()),
        (1, 1),
        "nobody was asked again"
    );
    // requests that began before end with what they began with
    assert_eq!(before.sources().len(), 2);
    drop(before);
    let begin = Instant::now();
    while judge.tasks.len() != 1 {
        assert!(
            begin.elapsed() < Duration::from_secs(5),
            "the task of the second stays"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    judge.clock.set_ahead_by(Duration::from_secs(4000));
    judge.until(|_| first.fetches() == 2).await;
    assert_eq!(second.fetches(), 1);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_asks_once_and_ends_in_bounded_time() {
    let server = KeyServer::start();
    server.publish("", &[&TokenKey::new("a")]);
    let judge = Judge::of(&server.url()).ready().await;
    server.reply(DISCOVERY, Reply::Silence);
    judge.clock.set_ahead_by(Duration::from_secs(61));
    let stranger = TokenKey::new("x");
    let claims = judge.claims(&json!({}));
    let begin = Instant::now();
    let asking = (0..1000).map(|number| {
        let header = json!({"alg": "RS256", "kid": number.to_string()});
        // the signature is never looked at
        let token = format!(
            "{}.AAAA",
            crate::support::token_key::unsigned(&header, &claims)
        );
        let access: Access = judge.access.clone();
        async move {
            let headers =
                crate::support::judge::headers(&[("authorization", &format!("Bearer {token}"))]);
            access.authenticate(&headers).await.is_err()
        }
    });
    let refused = futures_util::future::join_all(asking).await;
    assert!(refused.iter().all(|refused| *refused));
    assert!(
        begin.elapsed() < Duration::from_secs(4),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(server.fetches(), 2);
    drop(stranger);
}
