//! What only callers with a token see.

use std::time::Instant;

use serde_json::json;

use super::{Said, ask, look};
use crate::support::{
    Duogate, Folder, Settings,
    key_server::KeyServer,
    model_server::{ModelServer, Reply},
    secrets::MODEL_KEY,
    token_key::{TokenKey, claims_now},
};

struct Town {
    edge: Duogate,
    gitlab: KeyServer,
    key: TokenKey,
    folder: Folder,
}

impl Town {
    fn start(required: bool) -> Self {
        let gitlab = KeyServer::start();
        let key = TokenKey::new("gitlab");
        gitlab.publish("", &[&key]);
        let edge = Settings::public()
            .set("gitlab", json!([{"url": gitlab.url()}]))
            .set("auth.required", required)
            .start();
        Self {
            edge,
            gitlab,
            key,
            folder: Folder::new(),
        }
    }

    /// Looks with a token that has these scopes, and a model.
    fn look(&self, key: &TokenKey, scopes: &[&str], model: &ModelServer) -> Said {
        let token = key.token(&claims_now(&self.gitlab.url(), scopes));
        let file = self.folder.write("token", &token);
        let url = model.url();
        let more = [
            "--token-file",
            file.to_str().unwrap(),
            "--model-family",
            "mistral",
            "--model-endpoint",
            &url,
            "--model-identifier",
            "custom_openai/mistral-x",
            "--api-key",
            MODEL_KEY,
        ];
        let edge = &self.edge;
        let said = look(edge.https(), edge.http(), edge.root(), &more);
        let report = said.report.to_string();
        assert!(
            !report.contains(&token) && !report.contains(MODEL_KEY),
            "{report}"
        );
        said
    }
}

#[test]
fn a_token_and_a_model_are_looked_at_where_they_are_given() {
    let town = Town::start(true);
    let model = ModelServer::start("ok");
    let said = town.look(&town.key, &["complete_code"], &model);
    said.tells("ok", "no token", "is refused", "");
    said.tells("ok", "token", "is taken", "");
    said.tells("ok", "model", "passes", "");
    assert_eq!(
        model.last().header("authorization"),
        Some(&*format!("Bearer {MODEL_KEY}"))
    );

    let said = town.look(&town.key, &["explain_code"], &model);
    said.problem("model", "does not allow", "complete_code");
    let other = TokenKey::new("other");
    let said = town.look(&other, &["complete_code"], &model);
    said.problem("token", "Forbidden by auth provider", "AIGW_GITLAB_URL");

    model.reply(Reply::Status(401, Vec::new(), "{}".to_owned()));
    let said = town.look(&town.key, &["complete_code"], &model);
    said.problem("model", "401: Unauthorized", "API key");
    model.reply(Reply::Silence);
    let began = Instant::now();
    let said = town.look(&town.key, &["complete_code"], &model);
    said.problem("model", "did not answer in time", "running");
    assert!(began.elapsed().as_secs() < 20);
}

#[test]
fn a_gateway_that_asks_for_no_token_is_told() {
    let town = Town::start(false);
    let model = ModelServer::start("ok");
    let said = town.look(&town.key, &["complete_code"], &model);
    said.tells(
        "warning",
        "no token",
        "whoever reaches this port",
        "auth.required",
    );
    said.tells("ok", "model", "passes", "");
}

#[test]
fn nothing_secret_goes_to_a_server_that_is_not_believed() {
    let town = Town::start(true);
    let model = ModelServer::start("ok");
    let token = town
        .key
        .token(&claims_now(&town.gitlab.url(), &["complete_code"]));
    let file = town.folder.write("token", token);
    let url = format!("https://edge.test:{}", town.edge.https().port());
    let port = town.edge.http().port().to_string();
    let said = ask(&[
        "--url",
        &url,
        "--address",
        "127.0.0.1",
        "--http-port",
        &port,
        "--token-file",
        file.to_str().unwrap(),
        "--model-family",
        "mistral",
        "--model-endpoint",
        &model.url(),
    ]);
    let checks = said.report["checks"].as_array().unwrap();
    let kept = checks.iter().filter(|finding| {
        let seen = finding["seen"].as_str().unwrap_or_default();
        seen.contains("nothing secret is sent")
    });
    assert_eq!(kept.count(), 3, "{:#}", said.report);
    assert!(model.requests().is_empty());
    assert!(
        !town.edge.log().contains("api request"),
        "{}",
        town.edge.log()
    );
}
