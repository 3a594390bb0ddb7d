//! The rooms of `src/` import downwards only, and each file keeps the house's measures.
//!
//! Nobody keeps one crate acyclic by good will, so this test reads the sources. It sees text, not
//! types: comments and literals are blanked first, test modules are left out, and what remains is
//! searched for paths into rooms, for long functions and for logic in doors.

use std::{fs, path::Path};

use source::Source;

mod source;

#[test]
fn the_house_keeps_its_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    collect(&root.join("src"), &root.join("src"), &mut sources);
    assert!(
        sources.len() > 10,
        "only {} sources were found",
        sources.len()
    );
    let document_exists = |name: &str| {
        ["", "docs", "certs", "benches"]
            .iter()
            .any(|folder| root.join(folder).join(name).exists())
    };
    let faults = faults(&sources, &document_exists);
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            sources.push(Source::new(&name, &fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Each room with its level, as ARCHITECTURE.md shows them. A room imports rooms of a lower level.
const LEVELS: [(&str, u8); 24] = [
    ("foundation", 0),
    ("config", 1),
    ("telemetry", 1),
    ("listener", 2),
    ("upstream", 2),
    ("prompt", 2),
    ("limit", 2),
    ("tls", 3),
    ("access", 3),
    ("documentation", 3),
    ("model", 3),
    ("acme", 4),
    ("http", 4),
    ("flow", 4),
    ("gateway", 5),
    ("agent", 5),
    ("forward", 5),
    ("admin", 5),
    ("inspect", 5),
    ("app", 6),
    ("cli", 7),
    ("main.rs", 8),
    // Declares the rooms and nothing else, which `logic_in_door` sees to.
    ("lib.rs", 9),
    // What the build writes from proto/, if a room includes it by path.
    ("generated", 0),
];

/// A file is read in one sitting: 500 lines before its tests.
const FILE_LINES: usize = 500;

/// A function fits on a screen: 40 lines are the aim, 70 the end.
const FUNCTION_LINES: usize = 70;

/// main.rs holds allocator, provider, arguments and exit code.
const MAIN_LINES: usize = 40;

/// An essay shorter than this says what the name says.
const ESSAY_LINES: usize = 5;

/// One of these stands in the sentence that tells where a room ends.
const BOUNDARY_WORDS: [&str; 3] = ["know", "belongs to", "only place that sees"];

/// Names that say nothing about what a file is for.
const EMPTY_NAMES: [&str; 7] = [
    "util", "utils", "helper", "helpers", "common", "misc", "manager",
];

fn level(room: &str) -> Option<u8> {
    LEVELS
        .iter()
        .find(|(name, _)| *name == room)
        .map(|(_, level)| *level)
}

fn faults(sources: &[Source], document_exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        wrong_edges(source, &mut faults);
        wrong_measures(source, &mut faults);
        wrong_name(source, &mut faults);
        if source.is_door() {
            logic_in_door(source, &mut faults);
            missing_essay(source, &mut faults);
        }
        if source.name == "lib.rs" {
            logic_in_door(source, &mut faults);
        }
        for document in source.documents_named() {
            if !document_exists(&document) {
                faults.push(format!(
                    "{}: names {document}, which readers of this repository do not have",
                    source.name
                ));
            }
        }
    }
    faults
}

fn wrong_edges(source: &Source, faults: &mut Vec<String>) {
    let room = source.room();
    let Some(own) = level(room) else {
        faults.push(format!("{}: the room {room} has no level", source.name));
        return;
    };
    for (line, target) in source.rooms_used() {
        let Some(other) = level(&target) else {
            continue;
        };
        if target != room && other >= own {
            let way = if other == own { "sideways" } else { "upwards" };
            faults.push(format!(
                "{}:{line}: {room} (level {own}) imports {way} from {target} (level {other})",
                source.name
            ));
        }
    }
}

fn wrong_measures(source: &Source, faults: &mut Vec<String>) {
    let lines = source.lines_before_tests();
    let bound = if source.name == "main.rs" {
        MAIN_LINES
    } else {
        FILE_LINES
    };
    if lines > bound {
        faults.push(format!(
            "{}: {lines} lines before the tests, {bound} at most",
            source.name
        ));
    }
    for function in source.functions() {
        if function.lines > FUNCTION_LINES {
            faults.push(format!(
                "{}:{}: fn {} has {} lines, {FUNCTION_LINES} at most",
                source.name, function.line, function.name, function.lines
            ));
        }
    }
}

fn wrong_name(source: &Source, faults: &mut Vec<String>) {
    let stems = source.name.trim_end_matches(".rs").split('/');
    for stem in stems.filter(|stem| EMPTY_NAMES.contains(stem)) {
        faults.push(format!(
            "{}: the name {stem} says nothing of what is inside",
            source.name
        ));
    }
}

fn logic_in_door(source: &Source, faults: &mut Vec<String>) {
    for (line, statement) in source.statements() {
        let after_visibility =
            statement
                .strip_prefix("pub")
                .map(str::trim_start)
                .map_or(statement.as_str(), |rest| match rest.strip_prefix('(') {
                    Some(scope) => scope
                        .split_once(')')
                        .map_or(scope, |(_, after)| after.trim_start()),
                    None => rest,
                });
        let declares = after_visibility.starts_with("mod ") && statement.ends_with(';');
        let exports = statement.starts_with("pub") && after_visibility.starts_with("use ");
        if !declares && !exports {
            faults.push(format!(
                "{}:{line}: logic in a door: {statement}",
                source.name
            ));
        }
    }
}

fn missing_essay(source: &Source, faults: &mut Vec<String>) {
    let essay = source.essay();
    if essay.len() < ESSAY_LINES {
        faults.push(format!("{}: a door without its essay in //!", source.name));
        return;
    }
    let text = essay.join(" ");
    if !BOUNDARY_WORDS.iter().any(|word| text.contains(word)) {
        faults.push(format!(
            "{}: the essay does not tell what the room must not know",
            source.name
        ));
    }
    if !text.contains("Limits:") {
        faults.push(format!(
            "{}: the essay does not tell the room's limits",
            source.name
        ));
    }
}

mod tests {
    use super::{Source, faults};

    const ESSAY: &str = "//! Does this.\n//! And that.\n//! It must not know much.\n//! More.\n\
                         //! Limits: none but these.\n";

    fn found(name: &str, text: &str) -> String {
        faults(&[Source::new(name, text)], &|document| {
            document == "README.md"
        })
        .join("\n")
    }

    #[test]
    fn downward_edges_pass() {
        assert_eq!(
            found(
                "tls/store.rs",
                "use crate::{config::Tls, foundation::Clock};"
            ),
            ""
        );
        assert_eq!(
            found(
                "tls/store.rs",
                "use crate::tls::Other;\nuse std::net::IpAddr;"
            ),
            ""
        );
    }

    #[test]
    fn upward_and_sideways_edges_fail() {
        assert!(found("tls/store.rs", "use crate::http::Door;").contains("upwards from http"));
        assert!(found("tls/store.rs", "fn f() { crate::access::check() }").contains("sideways"));
        let group = "use crate::{\n    foundation::{Clock, Tasks},\n    app,\n};";
        assert!(found("http/gate.rs", group).contains("http/gate.rs:3: http (level 4) imports up"));
        assert!(found("config/types.rs", "use super::super::telemetry::X;").contains("sideways"));
        assert!(found("http/gate/chunk.rs", "use super::super::super::app;").contains("upwards"));
        assert!(found("kitchen/mod.rs", ESSAY).contains("kitchen has no level"));
    }

    #[test]
    fn what_is_not_code_does_not_count() {
        let text = "/// See crate::app.\nfn f() -> &'static str { \"crate::app { \" }\n\
                    /* crate::app /* nested */ crate::cli */\nconst RAW: &str = r#\"\"crate::app\"#;\n\
                    #[cfg(test)]\nmod tests {\n    use crate::app::App;\n}\n";
        assert_eq!(found("tls/store.rs", text), "");
        let after = format!("{text}use crate::app::App;\n");
        assert!(
            found("tls/store.rs", &after).contains("tls/store.rs:9:"),
            "code after the tests"
        );
        assert!(found("tls/x.rs", "const C: char = '\"'; use crate::app::A;").contains("upwards"));
    }

    #[test]
    fn long_files_and_functions_fail() {
        let long = "// a line\n".repeat(501);
        assert!(found("tls/store.rs", &long).contains("501 lines before the tests"));
        let tests = format!(
            "#[cfg(test)]\nmod tests {{\n{}}}\n",
            "// a line\n".repeat(600)
        );
        assert_eq!(found("tls/store.rs", &tests), "");
        let function =
            |lines: usize| format!("fn f(x: [u8; 2]) {{\n{}}}\n", "    g();\n".repeat(lines));
        assert!(found("tls/store.rs", &function(69)).contains("fn f has 71 lines"));
        assert_eq!(found("tls/store.rs", &function(68)), "");
        assert!(found("main.rs", &"//\n".repeat(41)).contains("main.rs: 41 lines"));
    }

    #[test]
    fn doors_hold_declarations_and_an_essay() {
        let good = "mod a;\n#[cfg(unix)]\npub(crate) mod b;\npub use a::{B, C};\n\
                    #[cfg(test)]\nmod tests {\n    fn f() {}\n}\n";
        assert_eq!(found("tls/mod.rs", &format!("{ESSAY}{good}")), "");
        assert!(
            found("tls/mod.rs", &format!("{ESSAY}fn f() {{}}\n")).contains("tls/mod.rs:6: logic")
        );
        assert!(found("tls/mod.rs", &format!("{ESSAY}use a::B;\n")).contains("logic in a door"));
        assert!(found("tls/mod.rs", &format!("{ESSAY}mod a {{ }}\n")).contains("logic in a door"));
        assert!(found("tls/mod.rs", "//! Short.\nmod a;\n").contains("without its essay"));
        let no_limits = ESSAY.replace("Limits", "Bounds");
        let no_end = ESSAY.replace("know", "have");
        assert!(found("tls/mod.rs", &no_limits).contains("room's limits"));
        assert!(found("tls/mod.rs", &no_end).contains("must not know"));
        assert!(found("lib.rs", "pub mod tls;\nfn f() {}").contains("logic in a door"));
    }

    #[test]
    fn empty_names_and_foreign_documents_fail() {
        for name in [
            "tls/utils.rs",
            "tls/common/key.rs",
            "http/manager.rs",
            "http/helpers.rs",
        ] {
            assert!(found(name, "").contains("says nothing"), "{name}");
        }
        assert_eq!(
            found("tls/commons.rs", "// see README.md, or (README.md)\n"),
            ""
        );
        assert!(found("tls/key.rs", "// trap 3 of traps.md\n").contains("names traps.md"));
    }
}
