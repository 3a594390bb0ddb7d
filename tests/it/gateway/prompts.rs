//! `POST /v1/prompts/{prompt_id}` and `POST /v2/prompts/{prompt_id}`

use serde_json::{Value, json};

use super::{CONTENT, MODEL_KEY, VERSIONS, open_gateway, post, prompt, with, without};
use crate::support::model_server::{ModelServer, Reply};

/// A value for every variable of http-api 2.4.
const INPUTS: &str = r#"{
    "file_content": "", "input": "Explain", "language_info": "", "selected_text": "x = 1",
    "libraries": ["a"], "file_content_reuse": "", "identifiers": "CVE-1", "title": "t",
    "vulnerability_description": "d", "vulnerability_info": "i", "notes_content": "n",
    "suggestions": "", "content_id": "ATTRS", "question": "q",
    "documents": [{"id": "1", "content": "c", "metadata": {}}],
    "file_name": "a.py", "language": "python", "prefix": "p", "suffix": "s",
    "instruction": "i", "user_instruction": "u", "diff": "d", "content": "c",
    "template": "t", "extracted_diff": "e", "draft_notes_content": "d",
    "custom_instructions_section": "", "diff_lines": "d", "full_content_section": "",
    "full_file_intro": "", "mr_description": "d", "mr_title": "t", "filename": "f",
    "name": "n", "source_code": "s", "vulnerable_code": "v", "prompt": "p",
    "previous_answer": null, "message": "m", "context": "c", "definition": "d", "logs": "l"
}"#;

const COMMIT: &str = "/v1/prompts/generate_commit_message";

#[test]
fn v1_answers_a_string_and_v2_an_object() {
    let model = ModelServer::start("Add a \"line\"");
    let edge = open_gateway().start();
    for version in VERSIONS {
        let answer = post(&edge, &[version], COMMIT, &prompt(&model));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.field("content-type"), Some("application/json"));
        assert_eq!(answer.body, r#""Add a \"line\"""#);
        let answer = post(
            &edge,
            &[version],
            "/v2/prompts/generate_commit_message",
            &prompt(&model),
        );
        assert_eq!(
            answer.body,
            r#"{"content":"Add a \"line\"","usage":{"mistral":{"input_tokens":7,"output_tokens":5}}}"#
        );
    }
    assert!(model.last().text().contains("+ a line"));
    assert_eq!(
        model.last().header("authorization"),
        Some(format!("Bearer {MODEL_KEY}").as_str())
    );
}

#[test]
fn streams_are_bare_text_or_lines_of_objects() {
    let model = ModelServer::with(Reply::Pieces(vec!["Add ".to_owned(), "é line".to_owned()]));
    let edge = open_gateway().start();
    let body = with(prompt(&model), "stream", true);
    for version in VERSIONS {
        let answer = post(&edge, &[version], COMMIT, &body);
        let kind = answer.field("content-type");
        assert_eq!(kind, Some("text/event-stream; charset=utf-8"));
        assert_eq!((answer.status, answer.body.as_str()), (200, "Add é line"));
        let answer = post(
            &edge,
            &[version],
            "/v2/prompts/generate_commit_message",
            &body,
        );
        assert_eq!(
            answer.body,
            "{\"content\":\"Add \"}\n{\"content\":\"é line\"}\n\
             {\"content\":\"\",\"usage\":{\"mistral-x\":{\"input_tokens\":7,\"output_tokens\":5}}}\n"
        );
    }
}

#[test]
fn every_prompt_of_gitlab_is_there() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let inputs: Value = serde_json::from_str(INPUTS).unwrap();
    for id in [
        "model_configuration/check",
        "chat/explain_code",
        "chat/write_tests",
        "chat/refactor_code",
        "chat/fix_code",
        "chat/explain_vulnerability",
        "chat/troubleshoot_job",
        "chat/summarize_comments",
        "chat/issue_reader",
        "chat/epic_reader",
        "chat/build_reader",
        "chat/commit_reader",
        "chat/merge_request_reader",
        "chat/work_item_reader",
        "chat/documentation_search",
        "code_suggestions/completions",
        "code_suggestions/generations",
        "generate_commit_message",
        "generate_description",
        "summarize_new_merge_request",
        "summarize_review",
        "review_merge_request",
        "resolve_vulnerability",
        "glab_ask_git_command",
        "categorize_question",
        "measure_comment_temperature",
        "classify_code_review_mention_intent",
        "generate_session_title",
        "summarize_duo_workflow",
    ] {
        for family in ["mistral", "gpt", "claude_3", "general", "llama3", "qwen"] {
            let body = with(prompt(&model), "inputs", inputs.clone());
            let body = with(body, "model_metadata.name", family);
            let answer = post(&edge, &[], &format!("/v1/prompts/{id}"), &body);
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (200, "\"x\""),
                "{id} {family}"
            );
            let asked = model.last().body;
            let messages = asked["messages"].as_array().unwrap();
            let last = messages.last().unwrap();
            assert_eq!(
                last["role"], "user",
                "{id} {family}: no server continues a prefill"
            );
            let systems = messages
                .iter()
                .filter(|message| message["role"] == "system");
            assert!(systems.count() <= 1, "{id} {family}");
        }
    }
}

#[test]
fn the_date_is_given_and_may_be_given() {
    let model = ModelServer::start("x");
    let folder = crate::support::Folder::new();
    std::fs::create_dir_all(folder.path().join("generate_commit_message/base")).unwrap();
    folder.write(
        "generate_commit_message/base/1.0.0.yml",
        "name: Dated\nmodel: {params: {max_tokens: 9}}\nunit_primitive: generate_commit_message\n\
         prompt_template: {user: 'On {{ current_date }}: {{ diff }}'}\n",
    );
    let edge = open_gateway()
        .set("prompts", folder.path().to_str().unwrap())
        .start();
    let body = with(prompt(&model), "model_metadata.name", "general");
    assert_eq!(post(&edge, &[], COMMIT, &body).status, 200);
    let text = model.last().text();
    let date = text
        .strip_prefix("On ")
        .unwrap()
        .split(": ")
        .next()
        .unwrap();
    let (month, rest) = date.split_once(' ').unwrap();
    let (day, year) = rest.split_once(", ").unwrap();
    assert!(
        month.chars().all(char::is_alphabetic) && day.len() == 2 && year.len() == 4,
        "{date}"
    );
    assert_eq!(model.last().body["max_tokens"], 9);
    let body = with(body, "inputs.current_date", "tomorrow");
    assert_eq!(post(&edge, &[], COMMIT, &body).status, 200);
    assert_eq!(
        model.last().text(),
        format!("On tomorrow: + a line {CONTENT}")
    );
}

#[test]
fn refusals_come_in_their_order() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let good = || prompt(&model);
    for (path, body, status, expected) in [
        (COMMIT, without(good(), "inputs"), 422, "inputs: "),
        (COMMIT, with(good(), "inputs", Value::Null), 422, "inputs: "),
        (COMMIT, with(good(), "inputs", json!([])), 422, "inputs: "),
        (COMMIT, with(good(), "stream", 1), 422, "stream: "),
        (
            COMMIT,
            with(good(), "prompt_version", 1),
            422,
            "prompt_version: ",
        ),
        (
            COMMIT,
            with(good(), "model_metadata.name", "mistal"),
            422,
            "model_metadata.name: ",
        ),
        (
            COMMIT,
            with(good(), "prompt_version", "^9.0.0"),
            400,
            "No version matching '^9.0.0' (available: ['1.0.0'",
        ),
        (
            COMMIT,
            with(good(), "prompt_version", "abc"),
            400,
            "Version 'abc' is not a valid PEP 440 constraint and no exact match found (available: [",
        ),
        (
            "/v1/prompts/nothing/here",
            good(),
            400,
            "Failed to load prompt definition for 'nothing/here'",
        ),
        (
            "/v1/prompts/..%2F..%2Fetc",
            good(),
            400,
            "Failed to load prompt definition for",
        ),
    ] {
        let answer = post(&edge, &[], path, &body);
        assert_eq!(answer.status, status, "{expected} {answer:?}");
        let detail = answer.json()["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(detail.starts_with(expected), "{expected}: {detail}");
    }
    let missing = with(good(), "inputs", json!({}));
    for stream in [false, true] {
        let answer = post(&edge, &[], COMMIT, &with(missing.clone(), "stream", stream));
        assert_eq!(answer.status, 422, "{answer:?}");
        assert!(
            answer.json()["detail"].as_str().unwrap().contains("diff"),
            "{answer:?}"
        );
    }
    assert!(model.requests().is_empty());
}

#[test]
fn no_metadata_and_no_default_is_told_at_once() {
    let edge = open_gateway().start();
    for body in [
        json!({"inputs": {"diff": "x"}}),
        json!({"inputs": {"diff": "x"}, "model_metadata": null}),
    ] {
        let answer = post(&edge, &[], COMMIT, &body);
        assert_eq!(answer.status, 422, "{answer:?}");
        assert!(answer.body.contains("models.default"), "{answer:?}");
    }
}
