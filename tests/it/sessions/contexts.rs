//! What clients attach to a goal (agent-platform 3.4).

use serde_json::json;

use super::Scene;

/// Every category that the contract knows, and one that it does not.
const CATEGORIES: [&str; 14] = [
    "file",
    "snippet",
    "merge_request",
    "issue",
    "dependency",
    "local_git",
    "terminal",
    "repository",
    "directory",
    "user_rule",
    "os_information",
    "shell_information",
    "agent_user_environment",
    "something_new",
];

#[test]
fn whatever_is_attached_reaches_the_model_and_the_log() {
    let scene = Scene::new("I see.");
    let items: Vec<_> = CATEGORIES
        .iter()
        .map(|category| {
            json!({
                "category": category, "id": format!("id-of-{category}"),
                "content": format!("content of {category}"),
                "metadata": json!({"title": format!("title of {category}")}).to_string(),
            })
        })
        .collect();
    let turn = scene.turn(json!({"context": items}));
    turn.went_well();
    let read = scene.model.last().body["messages"][1]["content"].clone();
    let read = read.as_str().unwrap();
    for category in CATEGORIES {
        assert!(read.contains(&format!("content of {category}")), "{read}");
    }
    assert!(read.contains("<context category=\"file\" id=\"id-of-file\">"));
    assert!(read.ends_with("Who am I?"));
    let shown = turn.0["log"][0]["additional_context"].as_array().unwrap();
    assert_eq!(shown.len(), CATEGORIES.len());
    // and it is still there when the session goes on
    scene.turn(json!({"goal": "And now?"})).went_well();
    let read = scene.model.last().body["messages"].to_string();
    assert!(read.contains("content of snippet"));
}

#[test]
fn rules_of_the_users_are_no_mere_data() {
    let scene = Scene::new("I will.");
    let rule = |id: &str, content: &str| {
        json!({
            "category": "user_rule", "id": id, "content": content, "metadata": "{}",
        })
    };
    let turn = scene.turn(json!({"context": [
        rule("agents-md-user-instructions", "Write tests first."),
        rule("agent-skills-instructions", "A skill: release."),
        rule("rule-1", "Answer in Latin."),
    ]}));
    turn.went_well();
    let messages = scene.model.last().body["messages"].clone();
    let read = messages[1]["content"].as_str().unwrap();
    for part in [
        "<user_rules from=\"AGENTS.md\">\nWrite tests first.\n</user_rules>",
        "<user_rules about=\"skills\">\nA skill: release.\n</user_rules>",
        "<user_rules>\nAnswer in Latin.\n</user_rules>",
    ] {
        assert!(read.contains(part), "{read}");
    }
    let system = messages[0]["content"].as_str().unwrap();
    assert!(system.contains("<user_rules>"), "{system}");
}

#[test]
fn items_without_id_content_or_metadata_do_no_harm() {
    let scene = Scene::new("Fine.");
    let turn = scene.turn(json!({"context": [
        {"category": "repository"},
        {"category": "file", "metadata": ""},
        {"category": "issue", "id": "1", "content": "", "metadata": "{}"},
    ]}));
    turn.went_well();
}
