//! Tokens that somebody made to be let in: each is refused, at a bounded cost.

use std::time::Instant;

use aws_lc_rs::signature::{RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::support::{
    judge::{Judge, headers},
    key_server::KeyServer,
    token_key::{TokenKey, unsigned},
};

const REFUSED: &str = "Forbidden by auth provider";

/// A judge with one source that publishes one key.
async fn scene() -> (KeyServer, TokenKey, Judge) {
    let (server, key) = (KeyServer::start(), TokenKey::new("good"));
    server.publish("", &[&key]);
    let judge = Judge::of(&server.url()).ready().await;
    let token = key.token(&judge.claims(&json!({})));
    assert_eq!(judge.verdict(&token).await, "ok");
    (server, key, judge)
}

#[tokio::test]
async fn unsigned_and_confused_tokens_are_refused() {
    let (server, key, judge) = scene().await;
    let claims = judge.claims(&json!({}));
    let mut tokens = Vec::new();
    for algorithm in [
        "none", "None", "NONE", "nOnE", "", "HS256", "RS256 ", "rs256",
    ] {
        let header = json!({"alg": algorithm, "typ": "JWT", "kid": "good"});
        let body = unsigned(&header, &claims);
        tokens.push(format!("{body}."));
        tokens.push(format!("{body}.AAAA"));
        tokens.push(body);
    }
    for form in ["pem", "der", "modulus"] {
        tokens.push(key.confused(form, &claims));
    }
    // right key, right header, no signature
    let header = json!({"alg": "RS256", "kid": "good"});
    tokens.push(format!("{}.", unsigned(&header, &claims)));
    // signed well, but not in the way that is agreed
    let ways: [(&str, &'static dyn RsaEncoding); 3] = [
        ("PS256", &RSA_PSS_SHA256),
        ("RS384", &RSA_PKCS1_SHA384),
        ("RS512", &RSA_PKCS1_SHA512),
    ];
    for (name, way) in ways {
        tokens.push(key.sign_by(way, &json!({"alg": name, "kid": "good"}), &claims));
        tokens.push(key.sign_by(way, &json!({"alg": "RS256", "kid": "good"}), &claims));
    }
    for token in &tokens {
        assert_eq!(judge.verdict(token).await, REFUSED, "{token}");
    }
    assert_eq!(server.fetches(), 1, "no source was bothered");
}

#[tokio::test]
async fn keys_that_a_token_brings_along_are_not_looked_at() {
    let (server, _, judge) = scene().await;
    let mine = TokenKey::new("good");
    let claims = judge.claims(&json!({}));
    let elsewhere = KeyServer::start();
    elsewhere.publish("", &[&mine]);
    for extra in [
        json!({"jwk": mine.jwk()}),
        json!({"jku": format!("{}/oauth/discovery/keys", elsewhere.url())}),
        json!({"x5u": elsewhere.url()}),
        json!({"x5c": ["AAAA"]}),
        json!({"crit": []}),
        json!({"b64": false, "crit": ["b64"]}),
        json!({"zip": "DEF"}),
    ] {
        let mut header = json!({"alg": "RS256", "typ": "JWT", "kid": "good"});
        for (name, value) in extra.as_object().unwrap() {
            header[name] = value.clone();
        }
        assert_eq!(
            judge.verdict(&mine.sign(&header, &claims)).await,
            REFUSED,
            "{header}"
        );
    }
    assert_eq!(elsewhere.asked(), Vec::<String>::new());
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn changed_and_foreign_tokens_are_refused() {
    let (server, key, judge) = scene().await;
    let claims = judge.claims(&json!({}));
    let token = key.token(&claims);
    let parts: Vec<_> = token.split('.').collect();
    let richer = judge.claims(&json!({"scopes": ["everything"]}));
    let richer = BASE64URL_NOPAD.encode(richer.to_string().as_bytes());
    let other = TokenKey::new("good");
    let mut flipped = BASE64URL_NOPAD.decode(parts[2].as_bytes()).unwrap();
    flipped[100] ^= 1;
    let flipped = BASE64URL_NOPAD.encode(&flipped);
    for token in [
        format!("{}.{richer}.{}", parts[0], parts[2]),
        format!("{}.{}.{flipped}", parts[0], parts[1]),
        format!("{}.{}.{}AAAA", parts[0], parts[1], parts[2]),
        format!("{}.{}.{}=", parts[0], parts[1], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], "A".repeat(342)),
        format!(" {token}"),
        format!("{token} "),
        format!("{token}\t{token}"),
        format!("{token}.{}", parts[2]),
        other.token(&claims),
    ] {
        assert_eq!(judge.verdict(&token).await, REFUSED, "{token}");
    }
    for changes in [
        json!({"aud": "gitlab-duo-workflow-service"}),
        json!({"aud": []}),
        json!({"aud": "absent"}),
        json!({"aud": {"gitlab-ai-gateway": 1}}),
        json!({"exp": "absent"}),
        json!({"exp": judge.now() - 3600}),
        json!({"exp": "9999999999"}),
        json!({"exp": 9e18}),
        json!({"nbf": judge.now() + 3600}),
        json!({"sub": ["x"]}),
        // whoever has a key of GitLab is not us
        json!({"iss": "gitlab-ai-gateway", "sub": "user"}),
    ] {
        let token = key.token(&judge.claims(&changes));
        assert_eq!(judge.verdict(&token).await, REFUSED, "{changes}");
    }
    for claims in [json!([]), json!("x"), Value::Null] {
        assert_eq!(
            judge.verdict(&key.token(&claims)).await,
            REFUSED,
            "{claims}"
        );
    }
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn names_of_keys_are_names_and_nothing_more() {
    let (server, _, judge) = scene().await;
    let stranger = TokenKey::new("stranger");
    let claims = judge.claims(&json!({}));
    for kid in [
        json!("stranger"),
        json!("../../../../dev/null"),
        json!("http://127.0.0.1:1/"),
        json!("' OR 1=1 --"),
        json!("good\u{0}"),
        json!("GOOD"),
        json!(""),
        json!("x".repeat(1000)),
        json!(["good"]),
        json!({"good": 1}),
    ] {
        let token = stranger.sign(&json!({"alg": "RS256", "kid": kid}), &claims);
        assert_eq!(judge.verdict(&token).await, REFUSED, "{kid}");
    }
    // no name at all: none of ours signed it, and nobody else is asked
    let token = stranger.sign(&json!({"alg": "RS256"}), &claims);
    assert_eq!(judge.verdict(&token).await, REFUSED);
    assert_eq!(server.fetches(), 1, "it was asked within the minute");
}

#[tokio::test]
async fn what_is_too_long_costs_nothing() {
    let (server, key, judge) = scene().await;
    let long = key.token(&judge.claims(&json!({"pad": "x".repeat(40_000)})));
    let mut tokens = vec![long];
    for piece in ["a", ".", "eyJhbGciOiJSUzI1NiJ9.", "é", "=", "\t"] {
        tokens.push(piece.repeat(1_000_000 / piece.len()));
    }
    let dots = format!(
        "{}.{}.{}",
        "A".repeat(10_000),
        "A".repeat(10_000),
        "A".repeat(10_000)
    );
    tokens.push(dots);
    let begin = Instant::now();
    for token in &tokens {
        assert_eq!(judge.verdict(token).await, REFUSED);
    }
    // a thousand of a megabyte within the time that one would take if it were parsed
    for _ in 0..100 {
        assert_eq!(judge.verdict(&tokens[1]).await, REFUSED);
    }
    assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn nested_and_wide_claims_are_read_or_refused_in_peace() {
    let (_server, key, judge) = scene().await;
    let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let header = part(r#"{"alg":"RS256","kid":"good"}"#);
    // headers are read before the signature: they must bear anything
    let deep_header = format!(
        r#"{{"alg":"RS256","x":{}1{}}}"#,
        "[".repeat(700),
        "]".repeat(700)
    );
    for token in [
        format!("{header}.{}.AAAA", part(&deep)),
        format!("{}.{}.AAAA", part(&deep_header), part("{}")),
        format!("{}.{}.AAAA", part(&deep), part("{}")),
        format!("{}.e30.AAAA", part(r#"{"alg":"RS256","alg":"RS256"}"#)),
    ] {
        assert_eq!(judge.verdict(&token).await, REFUSED);
    }
    let wide: Vec<_> = (0..2000).map(|number| format!("scope_{number}")).collect();
    let token = key.token(&judge.claims(&json!({"scopes": wide})));
    let verdict = judge.verdict(&token).await;
    let expected = if token.len() > 32 * 1024 {
        REFUSED
    } else {
        "ok"
    };
    assert_eq!(verdict, expected);
    // two of one header: the first counts, as it does for the official gateway
    let mut twice = headers(&[("authorization", "Bearer x")]);
    twice.append("authorization", format!("Bearer {token}").parse().unwrap());
    let found = judge.access.authenticate(&twice).await;
    assert_eq!(found.unwrap_err().to_string(), REFUSED);
}
