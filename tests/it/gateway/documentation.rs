//! `POST /v1/search/gitlab-docs`, with indexes of ours and of the official layout.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};

use super::{VERSIONS, open_gateway, post, post_file, with, without};
use crate::support::{Duogate, Folder, Outcome, command, curl::Fetched, python, run};

const SEARCH: &str = "/v1/search/gitlab-docs";

/// What Rails sends.
fn question(query: &str) -> Value {
    json!({
        "type": "search-docs",
        "metadata": {"source": "GitLab EE", "version": "18.9.0"},
        "payload": {"query": query},
    })
}

#[track_caller]
fn results(answer: &Fetched) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut answer = answer.json();
    serde_json::from_value(answer["response"]["results"].take()).unwrap()
}

#[track_caller]
fn search(edge: &Duogate, query: &str) -> Vec<Value> {
    results(&post(edge, &[], SEARCH, &question(query)))
}

/// Sources of results, without the site.
fn sources(results: &[Value]) -> Vec<&str> {
    let sources = results.iter().map(|result| {
        let source = result["metadata"]["source_url"].as_str().unwrap();
        source.strip_prefix("https://docs.gitlab.com/").unwrap()
    });
    sources.collect()
}

/// `duogate docs index`.
fn index(folder: &Path, output: &Path, more: &[&str]) -> Outcome {
    let mut duogate = command(env!("CARGO_BIN_EXE_duogate"));
    duogate
        .args(["docs", "index"])
        .arg(folder)
        .arg("--output")
        .arg(output)
        .args(more);
    run(duogate, Duration::from_secs(60))
}

/// An index that Python's SQLite writes.
fn official_index(file: &Path, rows: &[Value]) {
    let mut script = python("clients/official_index.py");
    script.arg(file).args(rows.iter().map(Value::to_string));
    run(script, Duration::from_secs(60)).success();
}

/// Three pages as they stand in GitLab's sources.
fn pages() -> Folder {
    let folder = Folder::new();
    let filler = "Some more words that say nothing in particular. ".repeat(12);
    for (name, text) in [
        (
            "user/project/_index.md",
            format!(
                "---\nstage: Create\ntitle: Projects\n---\n\n{{{{< details >}}}}\n\n- Tier: Free\n\n\
                 {{{{< /details >}}}}\n\n{filler}\n\n## Archive a project\n\n\
                 <!-- secretcomment -->\nTo archive it, open **Settings > General**.\n\n\
                 ```shell\n# not a heading\n```\n\n{filler}\n\n## Delete a project\n\n\
                 Deleting needs the Owner role. See [zebras](../zebra.md). {filler}\n"
            ),
        ),
        (
            "ci/runners.md",
            format!(
                "# Self-hosted runners\n\n{filler}\n\n## Register {{#reg}}\n\n\
                 Registering a runner needs a token. {filler}\n"
            ),
        ),
        (
            "moved.md",
            "---\nredirect_to: 'ci/runners.md'\n---\n\nArchive moved runners.\n".to_owned(),
        ),
        (".hidden.md", "archive archive archive".to_owned()),
        ("picture.png", "archive".to_owned()),
    ] {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    folder
}

/// A gateway with an index of those pages.
fn searchable() -> (Duogate, Folder) {
    let pages = pages();
    let output = pages.path().join("docs.db");
    let said = index(pages.path(), &output, &[]).success();
    assert!(said.contains("5 sections of 2 pages"), "{said}");
    let edge = open_gateway()
        .set("documentation_index", output.to_str().unwrap())
        .start();
    (edge, pages)
}

#[test]
fn a_search_is_answered_field_by_field() {
    let (edge, _pages) = searchable();
    for version in VERSIONS {
        let answer = post(&edge, &[version], SEARCH, &question("archive project"));
        let mut body = answer.json();
        assert!(body["metadata"]["timestamp"].take().as_u64().unwrap() > 1_700_000_000);
        assert_eq!(
            body["metadata"],
            json!({"provider": "sqlite", "timestamp": null})
        );
        let results = results(&answer);
        // what holds all words, then what holds some
        assert_eq!(sources(&results)[0], "user/project/#archive-a-project");
        assert_eq!(results.len(), 3, "{results:?}");
        let first = &results[0];
        let content = first["content"].as_str().unwrap();
        assert!(content.starts_with("## Archive a project\n\nTo archive it, open **Settings"));
        assert!(content.contains("# not a heading") && !content.contains("secretcomment"));
        let id = first["id"].as_str().unwrap();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(
            first["metadata"],
            json!({
                "filename": id,
                "title": "Projects > Archive a project",
                "source_url": "https://docs.gitlab.com/user/project/#archive-a-project",
                "path": "user/project/_index.md",
            })
        );
        assert_eq!(first.as_object().unwrap().len(), 3);
    }
    for (query, expected) in [
        ("how do I register self-hosted runners?", "ci/runners/#reg"),
        ("Registering", "ci/runners/#reg"),
        ("tokens", "ci/runners/#reg"),
    ] {
        assert_eq!(sources(&search(&edge, query))[0], expected, "{query}");
    }
    assert!(search(&edge, "secretcomment").is_empty());
    assert!(
        search(&edge, "docs.gitlab.com zebra.md").is_empty(),
        "targets are not text"
    );
    let one = with(question("project"), "payload.page_size", 1);
    assert_eq!(results(&post(&edge, &[], SEARCH, &one)).len(), 1);
    let text = edge.operator("/metrics").body;
    assert!(text.contains(r#"duogate_documentation_searches_total{outcome="found"}"#));
}

#[test]
fn the_official_layout_is_read() {
    let folder = Folder::new();
    let file = folder.path().join("docs of GitLab?#%.db");
    let row = |word: &str, words: usize, metadata: &str| {
        let content = format!("{word} {}", "x ".repeat(words - 1));
        json!([content, content, metadata])
    };
    official_index(
        &file,
        &[
            row(
                "runner",
                3000,
                r#"{"filename":"ci/runners.md","title":"Runners"}"#,
            ),
            row("runner", 2500, r#"{"filename":"abc123"}"#),
            row("runner", 2000, "no JSON"),
            row("token", 3, "{}"),
            row("selfhosted", 3, "{}"),
        ],
    );
    let edge = open_gateway()
        .set("documentation_index", file.to_str().unwrap())
        .start();
    let found = search(&edge, "runner");
    // 4200 and 3500 of 8000 tokens leave no room for a third, whichever is first
    assert_eq!(found.len(), 2, "{found:?}");
    let ids: Vec<_> = found
        .iter()
        .map(|result| result["id"].as_str().unwrap())
        .collect();
    assert!(
        ids.iter()
            .all(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    );
    let titled = with(question("ci runners md"), "payload.page_size", 1);
    let titled = results(&post(&edge, &[], SEARCH, &titled));
    assert_eq!(titled[0]["metadata"]["filename"], "ci/runners.md");
    assert_eq!(
        search(&edge, "self-hosted").len(),
        1,
        "however it was split"
    );
    assert_eq!(search(&edge, "selfhosted OR token").len(), 2);
    assert_eq!(search(&edge, "token NOT x").len(), 0);
}

#[test]
fn no_question_is_more_than_words() {
    let (edge, _pages) = searchable();
    for query in [
        "",
        " ",
        "\"",
        "'; DROP TABLE doc_index; --",
        "archive\" OR content:\"x",
        "NEAR(archive project, 2)",
        "processed : archive",
        "^archive",
        "arch*",
        "archive AND",
        "OR NOT AND",
        "(((((",
        "archive\u{0}project",
        "{archive} -project",
        "\u{202e}\u{feff}é漢字",
        "a + b",
    ] {
        let answer = post(&edge, &[], SEARCH, &question(query));
        assert_eq!(answer.status, 200, "{query:?} {answer:?}");
    }
    let long = |words: &str, length: usize| {
        let query: String = words.chars().cycle().take(length).collect();
        post_file(&edge, SEARCH, &question(&query))
    };
    for words in ["archive ", "a-", "\"", "NOT ", "x", "é "] {
        assert_eq!(long(words, 400_000).status, 200, "{words}");
    }
    assert_eq!(long("a", 400_001).status, 422);
    assert!(!edge.log().contains("find nothing"), "{}", edge.log());
}

#[test]
fn what_does_not_fit_the_contract_is_refused_by_field() {
    let (edge, _pages) = searchable();
    let good = || question("archive");
    for (body, field) in [
        (json!([]), "body: "),
        (without(good(), "type"), "type: "),
        (with(good(), "type", "x".repeat(101)), "type: "),
        (without(good(), "metadata"), "metadata: "),
        (without(good(), "metadata.source"), "metadata.source: "),
        (with(good(), "metadata.version", 7), "metadata.version: "),
        (without(good(), "payload"), "payload: "),
        (without(good(), "payload.query"), "payload.query: "),
        (
            with(good(), "payload.query", Value::Null),
            "payload.query: ",
        ),
        (with(good(), "payload.page_size", 0), "payload.page_size: "),
        (with(good(), "payload.page_size", 21), "payload.page_size: "),
        (with(good(), "payload.page_size", -1), "payload.page_size: "),
        (
            with(good(), "payload.page_size", "4"),
            "payload.page_size: ",
        ),
    ] {
        let answer = post(&edge, &[], SEARCH, &body);
        assert_eq!(answer.status, 422, "{field} {answer:?}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(field), "{field}: {detail}");
    }
}

/// What the operator reads of it.
fn part(edge: &Duogate) -> Value {
    let ready: Value = serde_json::from_str(&edge.operator("/readyz").body).unwrap();
    ready["parts"]["documentation"].clone()
}

#[test]
fn the_file_may_come_go_and_be_replaced_while_the_process_runs() {
    let pages = pages();
    let file = pages.path().join("docs.db");
    let edge = open_gateway()
        .set("documentation_index", file.to_str().unwrap())
        .start();
    let warnings = || edge.log().matches("find nothing").count();
    for _ in 0..3 {
        assert_eq!(search(&edge, "archive"), [Value::Null; 0]);
    }
    assert_eq!(warnings(), 1, "{}", edge.log());
    let told = part(&edge);
    assert_eq!(told["ready"], true);
    assert!(
        told["detail"]
            .as_str()
            .unwrap()
            .contains("duogate docs index"),
        "{told}"
    );

    let checked = |edge: &Duogate| {
        let mut check = command(env!("CARGO_BIN_EXE_duogate"));
        check
            .args(["check", "--config"])
            .arg(edge.folder().join("duogate.yaml"));
        run(check, Duration::from_secs(20)).success()
    };
    assert!(
        checked(&edge).contains("note: "),
        "starting gets along without it"
    );
    index(pages.path(), &file, &[]).success();
    assert!(!checked(&edge).contains("note: "));
    assert_eq!(
        sources(&search(&edge, "archive"))[0],
        "user/project/#archive-a-project"
    );
    assert!(
        part(&edge)["detail"]
            .as_str()
            .unwrap()
            .ends_with("is searched")
    );

    std::fs::write(
        pages.path().join("new.md"),
        "# News\n\nArchive archive archive.",
    )
    .unwrap();
    index(pages.path(), &file, &[]).success();
    assert_eq!(sources(&search(&edge, "archive"))[0], "new/");

    let good = std::fs::read(&file).unwrap();
    let mut torn = good.clone();
    for byte in torn.iter_mut().skip(4096) {
        *byte = 0x5a;
    }
    for bad in [
        &b"no database at all, but long enough to look into"[..],
        &good[..5000],
        &torn,
        b"",
    ] {
        let before = warnings();
        std::fs::write(&file, bad).unwrap();
        for _ in 0..3 {
            assert_eq!(search(&edge, "archive"), [Value::Null; 0]);
        }
        assert!(warnings() <= before + 1, "{}", edge.log());
    }
    assert!(warnings() > 1);
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert_eq!(search(&edge, "archive"), [Value::Null; 0]);
    std::fs::remove_dir(&file).unwrap();
    std::fs::write(&file, &good).unwrap();
    assert_eq!(sources(&search(&edge, "archive"))[0], "new/");
    assert_eq!(edge.operator("/readyz").status, 200);
}

#[test]
fn without_an_index_nothing_is_found_and_nobody_is_warned() {
    let edge = open_gateway().start();
    assert_eq!(search(&edge, "archive"), [Value::Null; 0]);
    assert!(!edge.log().contains("find nothing"));
    assert_eq!(part(&edge), Value::Null);
}

#[test]
fn the_same_pages_make_the_same_file_and_a_failure_leaves_the_old_one() {
    let pages = pages();
    let (one, other) = (pages.path().join("one.db"), pages.path().join("other.db"));
    index(pages.path(), &one, &[]).success();
    index(pages.path(), &other, &[]).success();
    let first = std::fs::read(&one).unwrap();
    assert!(first == std::fs::read(&other).unwrap());

    std::fs::write(pages.path().join("latin.md"), b"caf\xe9").unwrap();
    let failed = index(pages.path(), &one, &[]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        failed.stderr.contains("latin.md: is not UTF-8"),
        "{}",
        failed.stderr
    );
    assert!(first == std::fs::read(&one).unwrap());
    let names = std::fs::read_dir(pages.path()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    let left = names
        .iter()
        .find(|name| name.to_string_lossy().contains("unfinished"));
    assert_eq!(left, None);

    let empty = Folder::new();
    let failed = index(empty.path(), &one, &[]);
    assert!(
        failed.stderr.contains("has no page of Markdown"),
        "{}",
        failed.stderr
    );
    let failed = index(pages.path(), &empty.path().join("no/docs.db"), &[]);
    assert_eq!(failed.status.code(), Some(1));
    let usage = index(pages.path(), &one, &["--base-url", "docs"]);
    assert_eq!(usage.status.code(), Some(2));
}
