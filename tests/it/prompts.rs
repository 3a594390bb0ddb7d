//! Every prompt that is built in, rendered; and a folder of the operator's over them.

use std::{collections::BTreeSet, fs, path::Path};

use duogate::prompt::{FindError, Prompt, Prompts, RenderError, Role, Turn};
use serde_json::{Map, Value, json};

use crate::{
    command_line::duogate,
    support::{Folder, Settings},
};

fn builtin() -> Prompts {
    Prompts::load(None).expect("what is built in is whole")
}

/// Inputs for every variable a prompt uses, each recognisable in what comes out.
fn inputs(prompt: &Prompt) -> Map<String, Value> {
    prompt
        .variables()
        .map(|name| (name.to_owned(), input(name)))
        .collect()
}

fn input(name: &str) -> Value {
    let text = format!("«{name}»");
    match name {
        "tools" => json!([{"name": text, "resource": "r", "description": "d", "example": "e"}]),
        "steps" => json!([{"thought": "t", "tool": "x", "tool_input": "i", "observation": text}]),
        "context" => json!({"type": "issue", "content": text}),
        "current_file" => json!({"file_path": text, "data": "d", "selected_code": false}),
        "additional_context" => json!([{"category": "file", "id": "1", "content": text}]),
        "denied_tools" => json!([text]),
        "documents" => json!([{"id": "7a", "content": text, "metadata": {"title": "t"}}]),
        "libraries" | "related_files" | "related_snippets" | "unavailable_resources" => {
            json!([text])
        }
        "examples_array" => {
            json!([{"example": text, "response": "r", "trigger_type": "comment"}])
        }
        _ => text.into(),
    }
}

fn whole(turns: &[Turn]) -> String {
    turns.iter().map(|turn| turn.text.as_str()).collect()
}

#[test]
fn every_prompt_renders_with_all_its_variables_and_names_each_missing_one() {
    let prompts = builtin();
    assert!(prompts.all().count() > 0);
    for (id, folder, version, prompt) in prompts.all() {
        let place = format!("{id}/{folder}/{version}");
        let all = inputs(prompt);
        let turns = prompt
            .render(&all)
            .unwrap_or_else(|error| panic!("{place}: {error}"));
        let text = whole(&turns);
        // the gateway's whole text stands in for GitLab's trimmed one
        let replaced = all.contains_key("trimmed_content_above_cursor");
        for name in prompt.variables() {
            if replaced && name == "prefix" {
                continue;
            }
            assert!(
                text.contains(&format!("«{name}»")),
                "{place}: {name} is lost:\n{text}"
            );
        }
        assert!(
            !text.contains("{{") && !text.contains("{%"),
            "{place}:\n{text}"
        );
        for name in all.keys() {
            let mut others = all.clone();
            others.remove(name);
            let outcome = prompt.render(&others);
            if prompt.required().any(|required| required == name) {
                let missing = match outcome {
                    Err(RenderError::Missing { missing, .. }) => missing,
                    other => panic!("{place} without {name}: {other:?}"),
                };
                assert_eq!(missing.join(" "), *name, "{place}");
            } else {
                let text = whole(&outcome.expect(&place));
                if name == "trimmed_content_above_cursor" {
                    assert!(text.contains("«prefix»"), "{place}:\n{text}");
                }
                assert!(!text.contains(&format!("«{name}»")), "{place}");
            }
        }
        let missing = match prompt.render(&Map::new()) {
            Err(RenderError::Missing { missing, .. }) => missing,
            Ok(_) => Vec::new(),
            Err(other) => panic!("{place}: {other}"),
        };
        assert!(missing.iter().eq(prompt.required()), "{place}: {missing:?}");
    }
}

#[test]
fn every_prompt_is_one_that_any_server_can_answer() {
    for (id, folder, version, prompt) in builtin().all() {
        let place = format!("{id}/{folder}/{version}");
        let all = inputs(prompt);
        let turns = prompt.render(&all).expect(&place);
        let roles: Vec<Role> = turns.iter().map(|turn| turn.role).collect();
        // an agent's frame comes in parts, which the flow room makes one
        let is_agent = id == AGENT;
        let systems = roles.iter().filter(|role| **role == Role::System).count();
        let user = [&[Role::System].repeat(systems)[..], &[Role::User][..]].concat();
        assert_eq!(roles, user, "{place}");
        assert!(systems <= 1 || is_agent, "{place}: {roles:?}");
        assert!(
            turns.iter().all(|turn| !turn.text.trim().is_empty()),
            "{place}"
        );
        assert!(
            prompt
                .sampling
                .max_tokens
                .is_none_or(|most| most <= 8192 || is_agent),
            "{place}"
        );
        let required = prompt.required().map(|name| (name.to_owned(), input(name)));
        let least = prompt.render(&required.collect()).expect(&place);
        for turn in turns.iter().chain(&least) {
            let gaps = turn.text.starts_with('\n') || turn.text.contains("\n\n\n");
            assert!(!gaps, "{place} has gaps:\n{}", turn.text);
        }
        // caches of model servers: nothing random, and nothing of the request in front
        assert_eq!(turns, prompt.render(&all).expect(&place), "{place}");
        // the chat's frame holds the tools, which are the same for hours, and the day
        if let [system, _, ..] = &turns[..]
            && id != "chat/react"
        {
            assert!(!system.text.contains('«'), "{place}: {}", system.text);
        }
    }
}

/// Whose conversation the flow room builds (agent-platform 8.3).
const AGENT: &str = "chat/agent";

/// What GitLab calls (http-api 2.4) and what its agents use, with what it asks of a caller.
const CALLED: [(&str, &str); 33] = [
    (AGENT, "duo_chat"),
    ("conversation_compaction", "duo_chat"),
    ("conversation_compaction_manual", "duo_chat"),
    ("model_configuration/check", "complete_code"),
    ("code_suggestions/completions", "complete_code"),
    ("code_suggestions/generations", "generate_code"),
    ("chat/react", "duo_classic_chat"),
    ("chat/explain_code", "explain_code"),
    ("chat/write_tests", "write_tests"),
    ("chat/refactor_code", "refactor_code"),
    ("chat/fix_code", "fix_code"),
    ("chat/troubleshoot_job", "troubleshoot_job"),
    ("chat/explain_vulnerability", "explain_vulnerability"),
    ("chat/summarize_comments", "summarize_comments"),
    ("chat/issue_reader", "ask_issue"),
    ("chat/epic_reader", "ask_epic"),
    ("chat/build_reader", "ask_build"),
    ("chat/commit_reader", "ask_commit"),
    ("chat/merge_request_reader", "ask_merge_request"),
    ("chat/work_item_reader", "ask_work_item"),
    ("chat/documentation_search", "documentation_search"),
    ("generate_commit_message", "generate_commit_message"),
    ("summarize_new_merge_request", "summarize_new_merge_request"),
    ("summarize_review", "summarize_review"),
    ("review_merge_request", "review_merge_request"),
    ("resolve_vulnerability", "resolve_vulnerability"),
    ("glab_ask_git_command", "glab_ask_git_command"),
    ("generate_description", "generate_issue_description"),
    ("categorize_question", "duo_chat"),
    ("measure_comment_temperature", "measure_comment_temperature"),
    ("classify_code_review_mention_intent", "duo_agent_platform"),
    ("generate_session_title", "duo_agent_platform"),
    ("summarize_duo_workflow", "duo_agent_platform"),
];

/// The families of models-and-prompts 1.3 with the folders that are searched for each.
const FAMILIES: [&[&str]; 11] = [
    &[],
    &["mistral"],
    &["mixtral", "mistral"],
    &["codestral", "mistral"],
    &["llama3"],
    &["codellama"],
    &["gpt"],
    &["codegemma"],
    &["deepseekcoder"],
    &["gemini"],
    &["qwen"],
];

#[test]
fn gitlab_finds_what_it_calls_in_every_family_and_version() {
    let prompts = builtin();
    for (id, unit_primitive) in CALLED {
        for folders in FAMILIES {
            for version in [None, Some("^1.0.0"), Some("1.0.0")] {
                let prompt = prompts
                    .find(id, folders, version)
                    .unwrap_or_else(|error| panic!("{id} {folders:?}: {error}"));
                assert_eq!(prompt.unit_primitive, unit_primitive, "{id}");
            }
        }
    }
    let pinned = [
        ("summarize_new_merge_request", "^2.0.0"),
        ("summarize_new_merge_request", "2.0.1"),
        ("summarize_review", "^2.0.0"),
        ("code_suggestions/generations", "^2.0.1"),
        ("code_suggestions/generations", "1.2.0"),
        ("code_suggestions/generations", "1.1.0-dev"),
        ("code_suggestions/generations", "1.2.0-dev"),
        ("code_suggestions/generations", "2.0.0"),
        ("code_suggestions/generations", "2.0.2-dev"),
        ("code_suggestions/generations", "3.0.2-dev"),
    ];
    for (id, version) in pinned {
        let found = prompts.find(id, &["mistral"], Some(version));
        assert!(found.is_ok(), "{id} {version}: {found:?}");
    }
    let newest = prompts
        .find("summarize_review", &[], Some("3.0.0"))
        .unwrap();
    assert_eq!(newest.unit_primitive, "duo_agent_platform");
}

#[test]
fn bare_text_completion_has_one_message_that_ends_at_the_cursor() {
    let prompts = builtin();
    for families in FAMILIES {
        let native: Vec<String> = families.iter().map(|name| format!("{name}_fim")).collect();
        let native = native.iter().map(String::as_str);
        let folders: Vec<&str> = native
            .chain(families.iter().copied())
            .chain(["base_fim"])
            .collect();
        let id = "code_suggestions/completions";
        let prompt = prompts.find(id, &folders, None).unwrap();
        let turns = prompt.render(&inputs(prompt)).unwrap();
        let [turn] = &turns[..] else {
            panic!("{families:?}: {turns:?}");
        };
        let rest = turn.text.replace("«prefix»", "").replace("«suffix»", "");
        assert!(
            rest.len() < 60 && !rest.contains('\n'),
            "{families:?}: {rest:?}"
        );
        assert!(!turn.text.ends_with('\n'), "{families:?}");
    }
}

#[test]
fn each_contract_names_the_marks_that_gitlab_looks_for() {
    let reader: &[&str] = &[
        "```json",
        "ResourceIdentifierType",
        "ResourceIdentifier",
        "current",
    ];
    let contracts: [(&str, &[&str]); 14] = [
        ("chat/issue_reader", reader),
        ("chat/epic_reader", reader),
        ("chat/work_item_reader", reader),
        ("chat/merge_request_reader", reader),
        ("chat/commit_reader", reader),
        ("chat/build_reader", reader),
        (
            "chat/documentation_search",
            &["ATTRS:", "CNT-IDX-", "I don't know", "id=\"CNT-IDX-7a\""],
        ),
        (
            "review_merge_request",
            &[
                "<review>",
                "</review>",
                "<comment file=\"",
                "old_line=\"\" new_line=\"12\">",
                "</comment>",
                "<from>\n",
                "\n</from>\n<to>\n",
                "\n</to>",
                "<review></review>",
                "According to custom instructions in '<name>':",
            ],
        ),
        (
            "resolve_vulnerability",
            &[
                "<analysis>\n",
                "</analysis>",
                "<fixed_code>\n",
                "</fixed_code>",
                "<summary>\n",
                "</summary>",
                "<is_false_positive>\ntrue\n</is_false_positive>",
            ],
        ),
        (
            "categorize_question",
            &[
                "\"category\"",
                "\"detailed_category\"",
                "\"language\"",
                "\"labels\"",
            ],
        ),
        (
            "measure_comment_temperature",
            &["\"rating\"", "\"issues\"", "without a code fence"],
        ),
        ("generate_commit_message", &["plain text"]),
        ("chat/troubleshoot_job", &["#### "]),
        ("glab_ask_git_command", &["```\ngit "]),
    ];
    let prompts = builtin();
    for (id, marks) in contracts {
        for folders in FAMILIES {
            let prompt = prompts.find(id, folders, None).unwrap();
            let text = whole(&prompt.render(&inputs(prompt)).unwrap());
            for mark in marks {
                assert!(text.contains(mark), "{id} {folders:?}: {mark:?} in\n{text}");
            }
        }
    }
    // what every family is told of the wish, which the reference loses for most of them
    for folders in FAMILIES {
        let prompt = prompts
            .find("code_suggestions/generations", folders, None)
            .unwrap();
        let turns = prompt.render(&inputs(prompt)).unwrap();
        let last = &turns.last().unwrap().text;
        assert!(
            last.contains("<instruction>\n«user_instruction»\n</instruction>"),
            "{last}"
        );
    }
}

#[test]
fn what_people_wrote_stands_between_tags_that_are_said_to_be_data() {
    for (id, folder, version, prompt) in builtin().all() {
        let turns = prompt.render(&inputs(prompt)).expect(id);
        let text = whole(&turns);
        let native = turns.len() == 1;
        assert!(
            native || text.contains("data"),
            "{id}/{folder}/{version} does not say what is data"
        );
    }
}

#[test]
fn what_is_declared_optional_may_be_missing_and_null_prints_nothing() {
    let prompts = builtin();
    let cases = [
        (
            "chat/explain_code",
            json!({"input": "i", "selected_text": "s"}),
        ),
        (
            "code_suggestions/generations",
            json!({"prefix": "p", "file_name": "f", "language": ""}),
        ),
        (
            "categorize_question",
            json!({"question": "q", "previous_answer": null}),
        ),
        (
            "chat/issue_reader",
            json!({"input": "i", "suggestions": null}),
        ),
    ];
    for (id, inputs) in cases {
        let prompt = prompts.find(id, &[], None).unwrap();
        let turns = prompt.render(inputs.as_object().unwrap()).expect(id);
        let last = &turns.last().unwrap().text;
        assert!(
            !last.contains("none") && !last.contains("undefined"),
            "{last}"
        );
        assert!(!last.contains("\n\n\n"), "{id}: {last}");
    }
    let prompt = prompts.find("chat/fix_code", &[], None).unwrap();
    assert!(prompt.required().eq(["input", "selected_text"]));
    let wrong = json!({"input": 7, "selected_text": ["x"], "libraries": 5});
    let error = prompt.render(wrong.as_object().unwrap()).unwrap_err();
    assert!(matches!(error, RenderError::Failed { .. }), "{error}");
    assert!(
        error.to_string().contains("chat/libraries.jinja"),
        "{error}"
    );
}

#[test]
fn a_prompt_is_found_by_id_folders_and_version() {
    let prompts = builtin();
    let id = "code_suggestions/completions";
    let name = |folders: &[&str], version| {
        prompts
            .find(id, folders, version)
            .map(|prompt| prompt.name.clone())
    };
    assert_eq!(name(&[], None).unwrap(), "Code Completions");
    assert_eq!(
        name(&["mixtral", "mistral"], Some("")).unwrap(),
        "Mistral Code Completions"
    );
    assert_eq!(
        name(&["nowhere"], Some("1.0.0")).unwrap(),
        "Code Completions"
    );
    assert_eq!(
        name(&["codestral"], Some("^9.0.0"))
            .unwrap_err()
            .to_string(),
        "No version matching '^9.0.0' (available: ['1.0.0'])"
    );
    assert_eq!(
        name(&[], Some("abc")).unwrap_err().to_string(),
        "Version 'abc' is not a valid PEP 440 constraint and no exact match found (available: ['1.0.0'])"
    );
    let unknown = prompts.find("a/b", &[], None).unwrap_err();
    assert_eq!(unknown, FindError::UnknownId("a/b".to_owned()));
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn minimal(name: &str, text: &str) -> String {
    format!("name: {name}\nunit_primitive: explain_code\nprompt_template:\n  user: |\n    {text}\n")
}

#[test]
fn a_folder_replaces_single_files_and_adds_others() {
    let folder = Folder::new();
    let root = folder.path();
    let id = "code_suggestions/completions";
    write(
        root,
        &format!("{id}/base/1.0.0.yml"),
        &minimal("Mine", "{{ prefix }}"),
    );
    write(
        root,
        &format!("{id}/mistral/2.0.0-orbit.yaml"),
        &minimal("Orbit", "x"),
    );
    write(
        root,
        &format!("{id}/mistral/1.9.0-dev.yml"),
        &minimal("Dev", "x"),
    );
    write(
        root,
        "new/base/0.1.0.yml",
        &minimal("New", "{% include 'new/part.jinja' %}!"),
    );
    write(root, "new/part.jinja", "<{{ a.b }}>\n");
    write(root, "new/base/0.9.0.yml", &minimal("Newer", "x"));
    write(root, "new/base/0.10.0.yml", &minimal("Newest", "x"));
    write(root, ".hidden/x", "");
    write(root, "README.md", "");
    let prompts = Prompts::load(Some(root)).unwrap();
    let name = |folders: &[&str], version| {
        prompts
            .find(id, folders, Some(version))
            .map(|prompt| prompt.name.clone())
    };
    assert_eq!(name(&[], "^1.0.0").unwrap(), "Mine");
    assert_eq!(
        name(&["mistral"], "^1.0.0").unwrap(),
        "Mistral Code Completions"
    );
    assert_eq!(name(&["mistral"], "2.0.0-orbit").unwrap(), "Orbit");
    assert_eq!(name(&["mistral"], "1.9.0.dev0").unwrap(), "Dev");
    assert_eq!(
        name(&["mistral"], "~3").unwrap_err().to_string(),
        "No version matching '~3' (available: ['2.0.0-orbit', '1.0.0', '1.9.0-dev'])"
    );
    let highest = prompts.find("new", &[], Some("*")).unwrap();
    assert_eq!(highest.name, "Newest");
    let new = prompts.find("new", &[], Some("0.1.0")).unwrap();
    let inputs = json!({"a": {"b": "c"}});
    let turns = new.render(inputs.as_object().unwrap()).unwrap();
    assert_eq!(whole(&turns), "<c>!");
    let ids: BTreeSet<_> = prompts.ids().collect();
    assert!(ids.contains("new") && ids.contains("model_configuration/check"));
}

#[test]
fn a_broken_folder_is_refused_with_file_line_and_remedy() {
    let good = minimal("x", "y");
    let cases = [
        (
            "a/base/1.0.0.yml",
            minimal("x", "\n    {% if %}\n    y"),
            "a/base/1.0.0.yml:6: the template is broken",
        ),
        (
            "a/base/1.0.0.yml",
            minimal("x", "{{ y | upper }}"),
            "a/base/1.0.0.yml:5: the template is broken: unknown filter",
        ),
        (
            "a/base/1.0.0.yml",
            minimal("x", "{% include 'b' %}"),
            "a/base/1.0.0.yml:5: the template is broken",
        ),
        (
            "a/base/1.0.0.yml",
            good.replace("name", "nam"),
            "a/base/1.0.0.yml:1: ",
        ),
        (
            "a/part.jinja",
            "\n{% if %}".to_owned(),
            "a/part.jinja:2: the template is broken",
        ),
        (
            "1.0.0.yml",
            good.clone(),
            "1.0.0.yml: is no place for a prompt",
        ),
        ("a/base/1.0.0.toml", good, "1.0.0.toml: is neither a prompt"),
    ];
    for (path, text, words) in cases {
        let folder = Folder::new();
        write(folder.path(), path, &text);
        let error = Prompts::load(Some(folder.path())).unwrap_err().to_string();
        assert!(error.starts_with("prompts: "), "{error}");
        assert!(error.contains(words), "{words}\n{error}");
        assert!(error.contains("; "), "no remedy: {error}");
    }
    let error = Prompts::load(Some(Path::new("/nowhere")))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("prompts: /nowhere: cannot be read"),
        "{error}"
    );
}

#[test]
fn check_and_start_name_what_is_broken_and_a_reload_keeps_the_old() {
    let folder = Folder::new();
    let root = folder.path();
    let place = "chat/explain_code/base/1.0.0.yml";
    write(root, place, &minimal("Mine", "{{ input }}"));
    let shown = root.to_string_lossy().into_owned();
    let variables = [("DUOGATE_PROMPTS", shown.as_str())];
    let good = duogate(&["check"], &variables);
    assert_eq!(good.code, 0, "{good:?}");
    let mut edge = Settings::public().set("prompts", shown.as_str()).start();
    let file = edge.configuration();
    edge.reload(&file, "ok");

    write(root, place, &minimal("Mine", "{{ input | upper }}"));
    write(
        root,
        "chat/explain_code/base/2.0.0.yml",
        "name: x\nunit_primitiv: y\n",
    );
    let bad = duogate(&["check"], &variables);
    assert_eq!(bad.code, 1, "{bad:?}");
    for words in [
        "prompts: ",
        "chat/explain_code/base/2.0.0.yml:2: ",
        "unit_primitiv",
        "chat/explain_code/base/1.0.0.yml:5: ",
        "filter upper is unknown",
        "2 problems",
        "remedy: write the keys as docs/prompts.md shows them",
    ] {
        assert!(bad.errors.contains(words), "{words}: {bad:?}");
    }
    edge.reload(&file, "refused");
    edge.log_line("2.0.0.yml:2");
    fs::remove_file(root.join("chat/explain_code/base/2.0.0.yml")).unwrap();
    edge.reload(&file, "refused");
    edge.log_line("filter upper is unknown");
    write(root, place, &minimal("Mine", "{{ input }}"));
    edge.reload(&file, "ok");

    write(root, place, "name: [\n");
    let refused = duogate(&["serve"], &variables);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.errors.contains(place), "{refused:?}");
}
