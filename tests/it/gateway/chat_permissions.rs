//! Who may chat, with which tools and what context.

use serde_json::{Value, json};

use super::{VERSIONS, chat, post, tokens, tokens::Town, with};
use crate::support::{Settings, curl::Fetched, model_server::ModelServer};

const NEW: &str = "X-Gitlab-Version: 18.9.0-pre";

fn ask(town: &Town, scopes: &[&str], more: &[&str], body: &Value) -> Fetched {
    let headers = tokens::headers(&town.token(0, scopes), more);
    post(
        &town.gateway,
        &tokens::arguments(&headers),
        "/v2/chat/agent",
        body,
    )
}

#[track_caller]
fn refused(answer: &Fetched, detail: &str) {
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(answer.json()["detail"], detail);
}

/// The tools that the model was told of.
fn offered(model: &ModelServer) -> Vec<String> {
    let frame = model.last().body["messages"][0]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    let tools = frame.split("Tools:\n").nth(1).unwrap_or_default();
    let tools = tools.split("Rules:").next().unwrap().lines();
    tools
        .filter_map(|line| Some(line.strip_prefix("- ")?.split(',').next()?.to_owned()))
        .collect()
}

#[test]
fn tools_are_offered_by_permission_and_version() {
    let model = ModelServer::start("Final Answer: x");
    let town = Town::start();
    let all = [
        "duo_classic_chat",
        "ask_build",
        "ask_epic",
        "ask_issue",
        "ask_merge_request",
        "ask_commit",
        "ask_work_item",
        "documentation_search",
    ];
    let every = [
        "build_reader",
        "epic_reader",
        "issue_reader",
        "merge_request_reader",
        "commit_reader",
        "work_item_reader",
        "gitlab_documentation",
    ];
    let old = [
        "epic_reader",
        "issue_reader",
        "work_item_reader",
        "gitlab_documentation",
    ];
    for (scopes, version, expected) in [
        (&all[..], "18.9.0-pre", &every[..]),
        (&all, "17.5.0-pre", &every),
        (&all, "17.4.9", &old),
        (&all, "", &old),
        (&all, "newest", &old),
        (&all[..1], "18.9.0", &[]),
        (
            &["duo_classic_chat", "ask_commit", "ask_issue"],
            "18.9.0",
            &["issue_reader", "commit_reader"],
        ),
    ] {
        let version = format!("X-Gitlab-Version: {version}");
        for protocol in VERSIONS {
            let headers = tokens::headers(&town.token(0, scopes), &[&version]);
            let mut arguments = tokens::arguments(&headers);
            arguments.push(protocol);
            let answer = post(
                &town.gateway,
                &arguments,
                "/v2/chat/agent",
                &chat::question(&model),
            );
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        assert_eq!(offered(&model), expected, "{scopes:?} {version}");
    }
    // one that is not offered is not to be had
    let model = ModelServer::start("Action: epic_reader\nAction Input: &1");
    let answer = ask(
        &town,
        &["duo_classic_chat", "ask_issue"],
        &[NEW],
        &chat::question(&model),
    );
    let events = chat::events(&answer);
    assert_eq!(events[0]["data"]["message"], "tool not available");
    let answer = ask(
        &town,
        &["duo_classic_chat", "ask_epic"],
        &[NEW],
        &chat::question(&model),
    );
    assert_eq!(chat::events(&answer)[0]["data"]["tool"], "epic_reader");
}

#[test]
fn the_chat_and_each_kind_of_context_take_their_permission() {
    let model = ModelServer::start("Final Answer: x");
    let town = Town::start();
    let question = chat::question(&model);
    refused(
        &ask(&town, &["ask_issue"], &[], &question),
        "Unauthorized to access duo chat",
    );
    // older GitLabs know this one alone
    assert_eq!(ask(&town, &["duo_chat"], &[], &question).status, 200);
    let context = |category: &str| {
        let items = json!([{"category": category, "content": "x"}]);
        with(question.clone(), "messages.0.additional_context", items)
    };
    for category in ["file", "local_git", "agent_user_environment"] {
        let permission = format!("include_{category}_context");
        let answer = ask(&town, &["duo_classic_chat"], &[], &context(category));
        refused(&answer, &format!("Unauthorized to access {permission}"));
        let answer = ask(
            &town,
            &["duo_classic_chat", &permission],
            &[],
            &context(category),
        );
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    for category in ["user_rule", "something_new"] {
        assert_eq!(
            ask(&town, &["duo_classic_chat"], &[], &context(category)).status,
            200
        );
    }
}

#[test]
fn where_models_are_not_the_customers_own_the_old_permission_is_for_mentions() {
    let model = ModelServer::start("Final Answer: x");
    let default = json!({"name": "mistral", "endpoint": model.url(),
                         "identifier": "custom_openai/x"});
    let town = Town::with(
        Settings::public()
            .set("models.custom_enabled", false)
            .set("models.default", default),
    );
    let question = super::without(chat::question(&model), "model_metadata");
    let answer = ask(&town, &["duo_chat"], &[], &question);
    refused(
        &answer,
        "Duo Core no longer authorized to access Duo Classic Chat",
    );
    assert_eq!(
        ask(&town, &["duo_classic_chat"], &[], &question).status,
        200
    );
    let mentioned = with(question, "messages.2.content", "@GitLabDuo, what is this?");
    assert_eq!(ask(&town, &["duo_chat"], &[], &mentioned).status, 200);
}
