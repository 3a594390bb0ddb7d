//! `/v1/proxy/*` and `/v1/amazon_q/*`: refused, after authentication, and nobody is called.

use std::{net::TcpListener, time::Duration};

use serde_json::json;

use super::{VERSIONS, open_gateway, post};
use crate::support::{Settings, fetch};

const PROXIES: [&str; 6] = [
    "/v1/proxy/openai/v1/chat/completions",
    "/v1/proxy/openai/v1/models",
    "/v1/proxy/anthropic/v1/messages",
    "/v1/proxy/anthropic/v1/messages?beta=true",
    "/v1/proxy/vertex-ai/v1/projects/P/locations/L/publishers/google/models/m:predict",
    "/ai/v1/proxy/anthropic/v1/messages",
];

const AMAZON: [&str; 4] = [
    "/v1/amazon_q/oauth/application",
    "/v1/amazon_q/oauth/application/delete",
    "/v1/amazon_q/oauth/application/verify",
    "/v1/amazon_q/events",
];

#[test]
fn clouds_are_refused_with_the_way_out_and_nobody_is_called() {
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let proxy = format!("http://{}", trap.local_addr().unwrap());
    let edge = open_gateway()
        .environment("HTTPS_PROXY", &proxy)
        .environment("HTTP_PROXY", &proxy)
        .environment("ANTHROPIC_API_KEY", "key-of-the-cloud")
        .start();
    let body = json!({"model": "claude", "messages": []});
    for version in VERSIONS {
        for (paths, words) in [
            (
                &PROXIES[..],
                "Proxy endpoints are not enabled for this instance: ",
            ),
            (
                &AMAZON[..],
                "Unauthorized to perform action: Amazon Q is not served here.",
            ),
        ] {
            for path in paths {
                let answer = post(
                    &edge,
                    &[version, "-H", "X-Gitlab-Unit-Primitive: x"],
                    path,
                    &body,
                );
                assert_eq!(answer.status, 403, "{path} {answer:?}");
                let detail = answer.json()["detail"].as_str().unwrap().to_owned();
                assert!(detail.starts_with(words), "{path}: {detail}");
                assert!(detail.contains("self-hosted model"), "{detail}");
            }
        }
    }
    assert_eq!(fetch(&edge, &[], PROXIES[0]).status, 405);
    assert_eq!(post(&edge, &[], "/v1/amazon_q/other", &body).status, 404);
    // longer than any call would have taken to come
    std::thread::sleep(Duration::from_millis(200));
    assert!(trap.accept().is_err());
}

#[test]
fn strangers_are_refused_before() {
    let edge = Settings::public().start();
    for path in PROXIES.into_iter().chain(AMAZON) {
        let answer = post(&edge, &[], path, &json!({}));
        assert_eq!(answer.status, 401, "{path} {answer:?}");
        assert_eq!(answer.json()["error"], "No authorization header presented");
    }
}
