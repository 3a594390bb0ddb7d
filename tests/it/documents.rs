//! The pages for people: every link inside the repository leads somewhere.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

#[test]
fn every_relative_link_leads_to_a_file_and_every_fragment_to_a_heading() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = pages(root);
    assert!(pages.len() >= 8, "{pages:?}");
    let mut dead = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for target in links(&text) {
            if let Err(reason) = follow(page, &target) {
                dead.push(format!("{}: {target}: {reason}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn the_tests_that_the_api_pages_name_exist() {
    assert!(named_tests("docs/http-api.md", "tests/it/gateway") > 40);
    assert!(named_tests("docs/agent-platform.md", "tests/it/agent_service") > 20);
    assert!(named_tests("docs/agent-sessions.md", "tests/it/sessions") > 30);
}

/// How many tests a page names, all of which have to exist.
fn named_tests(page: &str, folder: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join(page)).unwrap();
    let mut count = 0;
    for word in page.split('`').skip(1).step_by(2) {
        if word.starts_with("tests/") {
            assert!(root.join(word).exists(), "{word}");
        }
        let Some((module, name)) = word.split_once("::") else {
            continue;
        };
        let file = root.join(folder).join(format!("{module}.rs"));
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{word}: {error}"));
        let name = name.trim_end_matches(['…', '*']);
        assert!(text.contains(&format!("fn {name}")), "{word}");
        count += 1;
    }
    count
}

#[test]
fn links_and_headings_are_read_as_they_are_written() {
    let text = "see [a](b.md#c-d) and\n[e](https://f.test)\n```\n[x](not/one)\n```\n`[y](z)` [g]: h.md\n[g]: h.md\n";
    assert_eq!(links(text), ["b.md#c-d", "https://f.test", "h.md"]);
    let headings = "# What /readyz means\n## `a` b, (c)\n## Twice\n## Twice\n```\n# none\n```\n";
    let expected = ["what-readyz-means", "a-b-c", "twice", "twice-1"];
    assert_eq!(anchors(headings), expected.map(str::to_owned).into());
}

/// The pages at the root, in `docs` and `deploy`, and beside what they describe.
fn pages(root: &Path) -> Vec<PathBuf> {
    let folders = ["", "docs", "deploy", "benches", "certs", "config", "fuzz"];
    let mut pages: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| fs::read_dir(root.join(folder)).ok())
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect();
    pages.sort();
    pages
}

/// Lines outside fenced blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The targets of `[words](target)` and `[label]: target`.
fn links(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for line in prose(text) {
        if let Some((label, target)) = line.split_once("]: ")
            && label.starts_with('[')
        {
            targets.push(target.trim().to_owned());
            continue;
        }
        // every second piece is code
        for words in line.split('`').step_by(2) {
            let after = words.split("](").skip(1);
            targets.extend(after.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())));
        }
    }
    targets
}

fn follow(page: &Path, target: &str) -> Result<(), &'static str> {
    if target.contains("://") || target.starts_with("mailto:") {
        return Ok(());
    }
    let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
    let file = match path {
        "" => page.to_owned(),
        path => page.parent().unwrap().join(path),
    };
    if !file.exists() {
        return Err("there is no such file");
    }
    if fragment.is_empty() || file.extension().is_none_or(|end| end != "md") {
        return Ok(());
    }
    let found = anchors(&fs::read_to_string(&file).unwrap()).contains(fragment);
    found.then_some(()).ok_or("there is no such heading")
}

/// What GitLab and GitHub call the headings: lower case, spaces as hyphens, no punctuation.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in prose(text).filter(|line| line.starts_with('#')) {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let anchor: String = words
            .chars()
            .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'))
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect();
        let mut unique = anchor.clone();
        let mut repeats = 0;
        while !anchors.insert(unique.clone()) {
            repeats += 1;
            unique = format!("{anchor}-{repeats}");
        }
    }
    anchors
}
