//! Keys for Amazon: where they are looked for, how long they are kept, and what is said where
//! there are none.

use std::{fs, time::Duration};

use serde_json::{Value, json};

use super::Room;
use crate::support::{Folder, Port, cloud_server::CloudServer};

fn model() -> Value {
    json!({
        "provider": "openai", "name": "claude_3", "endpoint": "http://bedrockselfhosted.com/v1",
        "identifier": "bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    })
}

/// A room that asks the stand-in, with these variables besides.
fn room(amazon: &CloudServer, variables: &[(&str, &str)]) -> Room {
    let url = amazon.url();
    let known = [("AWS_BEDROCK_RUNTIME_ENDPOINT", url.as_str())];
    Room::with(&[&known[..], variables].concat())
}

/// The key that signed a request.
fn signer(amazon: &CloudServer) -> String {
    let asked = amazon.last();
    let authorization = asked.header("authorization").unwrap();
    let (_, rest) = authorization.split_once("Credential=").unwrap();
    rest.split('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_place_gives_keys_and_they_are_kept() {
    let Some(amazon) = CloudServer::amazon() else {
        return;
    };
    let folder = Folder::new();
    let url = amazon.url();
    let path = |name: &str| folder.path().join(name).display().to_string();
    folder.write("token", "pod-token\n");
    folder.write("shown", "container-token\n");
    let profile = format!(
        "[profile pod]\nrole_arn = arn:r\nweb_identity_token_file = {}\n",
        path("token")
    );
    folder.write("config", profile);
    let container = format!("{url}/container");
    let (token, shown, config) = (path("token"), path("shown"), path("config"));
    let role = ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r");
    let sts = ("AWS_ENDPOINT_URL_STS", url.as_str());
    let full = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.as_str());
    let places = [
        (
            "IRSA",
            vec![role, sts, ("AWS_WEB_IDENTITY_TOKEN_FILE", &token)],
            "/",
        ),
        (
            "a profile's role",
            vec![sts, ("AWS_PROFILE", "pod"), ("AWS_CONFIG_FILE", &config)],
            "/",
        ),
        (
            "ECS",
            vec![
                full,
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container-token"),
            ],
            "/container",
        ),
        (
            "EKS",
            vec![full, ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &shown)],
            "/container",
        ),
        (
            "EC2",
            vec![("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str())],
            "/latest/api/token",
        ),
    ];
    for (number, (name, variables, path)) in (1..).zip(places) {
        let questions = || {
            amazon
                .requests()
                .iter()
                .filter(|asked| asked.path == path)
                .count()
        };
        let before = questions();
        let room = room(&amazon, &variables);
        // nothing is asked before a call needs it
        assert_eq!(questions(), before, "{name}");
        for _ in 0..3 {
            let whole = room.whole(&model(), false).await;
            assert_eq!(whole.unwrap().text, "Hello from Bedröck", "{name}");
            assert_eq!(signer(&amazon), format!("ASIA{number}"), "{name}");
            assert!(amazon.last().header("x-amz-security-token").is_some());
        }
        assert_eq!(questions(), before + 1, "{name}");
    }
    let asked = amazon.requests();
    let form = &asked.iter().find(|asked| asked.path == "/").unwrap().text;
    for field in [
        "Action=AssumeRoleWithWebIdentity",
        "RoleArn=arn%3Aaws%3Aiam",
        "RoleSessionName=duogate",
    ] {
        assert!(form.contains(field), "{form}");
    }
}

#[tokio::test]
async fn keys_of_a_file_and_of_variables_count_in_this_order() {
    let Some(amazon) = CloudServer::amazon() else {
        return;
    };
    let folder = Folder::new();
    let keys = "[default]\naws_access_key_id = AKIDENV\naws_secret_access_key = env-secret/+=\n";
    let file = folder.write("credentials", keys).display().to_string();
    let credentials = ("AWS_SHARED_CREDENTIALS_FILE", file.as_str());
    let nobody = Port::free().address();
    let machine = format!("http://{nobody}");
    let machine = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine.as_str());
    room(&amazon, &[credentials, machine])
        .whole(&model(), true)
        .await
        .unwrap();
    assert_eq!(signer(&amazon), "AKIDENV");
    // variables come first, also where they are wrong
    let wrong = [
        ("AWS_ACCESS_KEY_ID", "AKIDENV"),
        ("AWS_SECRET_ACCESS_KEY", "another"),
    ];
    let error = room(&amazon, &[credentials, wrong[0], wrong[1]])
        .whole(&model(), true)
        .await;
    let error = error.unwrap_err();
    assert!(
        error.wire().starts_with("403: Forbidden"),
        "{}",
        error.wire()
    );
    assert!(
        error.log().contains("InvalidSignatureException"),
        "{}",
        error.log()
    );
    assert!(!error.log().contains("another"), "{}", error.log());
}

#[tokio::test]
async fn keys_are_renewed_before_their_end_and_used_on_while_that_fails() {
    let Some(amazon) = CloudServer::amazon() else {
        return;
    };
    let url = amazon.url();
    // within five minutes of their end from the beginning
    amazon.control(&json!({"lifetime": 8}));
    let room = room(&amazon, &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)]);
    for number in 1..4 {
        room.whole(&model(), false).await.unwrap();
        assert_eq!(signer(&amazon), format!("ASIA{number}"));
    }
    amazon.control(&json!({"status": 503}));
    for _ in 0..3 {
        room.whole(&model(), false).await.unwrap();
        assert_eq!(signer(&amazon), "ASIA3");
    }
    assert_eq!(
        amazon.count("/latest/api/token"),
        4,
        "a source that fails gets its rest"
    );
    // until they have ended
    tokio::time::sleep(Duration::from_secs(8)).await;
    let error = room.whole(&model(), false).await.unwrap_err();
    assert!(
        error
            .wire()
            .starts_with("401: Unauthorized - this server has no credentials"),
        "{}",
        error.wire()
    );
    assert!(
        error.log().contains("503 Broken: no keys today"),
        "{}",
        error.log()
    );
    // and the source is asked again after its rest
    amazon.control(&json!({"status": 200}));
    tokio::time::sleep(Duration::from_secs(10)).await;
    room.whole(&model(), false).await.unwrap();
}

#[tokio::test]
async fn keys_that_amazon_calls_expired_are_replaced_within_the_call() {
    let Some(amazon) = CloudServer::amazon() else {
        return;
    };
    let url = amazon.url();
    let room = room(&amazon, &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)]);
    room.whole(&model(), true).await.unwrap();
    amazon.control(&json!({"revoke": true}));
    tokio::time::sleep(Duration::from_millis(1100)).await;
    room.whole(&model(), true).await.unwrap();
    assert_eq!(signer(&amazon), "ASIA2");
    assert_eq!(amazon.count("/model/"), 3, "once more and no oftener");
    // those that are new and refused all the same are the answer
    amazon.control(&json!({"revoke": true}));
    let error = room.whole(&model(), true).await.unwrap_err();
    assert!(
        error.log().contains("ExpiredTokenException"),
        "{}",
        error.log()
    );
    assert_eq!(amazon.count("/model/"), 4);
}

#[tokio::test]
async fn a_changed_profile_needs_no_restart() {
    let Some(amazon) = CloudServer::amazon() else {
        return;
    };
    let folder = Folder::new();
    let keys = |id: &str| {
        format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = env-secret/+=\n")
    };
    let file = folder.write("credentials", keys("AKIDENV"));
    let name = file.display().to_string();
    let room = room(&amazon, &[("AWS_SHARED_CREDENTIALS_FILE", &name)]);
    fs::write(&file, keys("AKIDOLD")).unwrap();
    let error = room.whole(&model(), false).await.unwrap_err();
    assert!(
        error.log().contains("UnrecognizedClientException"),
        "{}",
        error.log()
    );
    fs::write(&file, keys("AKIDENV")).unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    room.whole(&model(), false).await.unwrap();
}

#[tokio::test]
async fn without_keys_it_is_said_where_they_were_looked_for_and_what_to_do() {
    let Some(amazon) = CloudServer::amazon() else {
        return;
    };
    let folder = Folder::new();
    let far = "[profile far]\nrole_arn = arn:r\nsource_profile = default\n";
    let config = folder.write("config", far).display().to_string();
    let gone = folder.path().join("gone").display().to_string();
    let machine = format!("http://{}", Port::free().address());
    let off = ("AWS_EC2_METADATA_DISABLED", "true");
    for (variables, words) in [
        (
            vec![off],
            "set AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID",
        ),
        (
            vec![("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine.as_str())],
            "cannot be reached for credentials",
        ),
        (
            vec![off, ("AWS_PROFILE", "none"), ("AWS_CONFIG_FILE", &config)],
            "names the profile none, which no file holds",
        ),
        (
            vec![off, ("AWS_PROFILE", "far"), ("AWS_CONFIG_FILE", &config)],
            "asks for source_profile",
        ),
        (
            vec![
                off,
                ("AWS_ROLE_ARN", "arn:r"),
                ("AWS_WEB_IDENTITY_TOKEN_FILE", &gone),
            ],
            "there is no such file",
        ),
        (
            vec![
                off,
                (
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                    "http://keys.example.com/",
                ),
            ],
            "another host in clear",
        ),
    ] {
        let error = room(&amazon, &variables)
            .whole(&model(), false)
            .await
            .unwrap_err();
        assert!(
            error.wire().starts_with("401: Unauthorized"),
            "{}",
            error.wire()
        );
        assert!(error.log().contains(words), "{words}: {}", error.log());
        assert!(!error.wire().contains("profile"), "{}", error.wire());
    }
    assert_eq!(amazon.count("/model/"), 0);
}
