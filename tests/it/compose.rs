//! docker-compose.yaml with .env.example, as Compose itself reads them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;

use crate::{
    command_line::{duogate, root},
    support::{Folder, Outcome, command, run, skip},
};

fn compose() -> Option<PathBuf> {
    let program = root("tests/.parts/compose/bin/docker-compose");
    if program.exists() {
        return Some(program);
    }
    skip("docker-compose is not installed (tests/parts.sh)");
    None
}

/// The composition with these variables, everything filled in.
fn configured(program: &Path, environment: &Path) -> Outcome {
    let mut compose = command(program);
    compose
        .env_clear()
        .env("HOME", environment.parent().unwrap())
        .arg("--env-file")
        .arg(environment)
        .arg("--file")
        .arg(root("docker-compose.yaml"))
        .args(["config", "--format", "json"]);
    run(compose, Duration::from_secs(60))
}

fn example() -> String {
    fs::read_to_string(root(".env.example")).unwrap()
}

#[test]
fn the_example_and_the_printed_keys_are_enough() {
    let Some(program) = compose() else { return };
    let folder = Folder::new();
    let keys = duogate(&["keys", "new", "--environment"], &[]);
    assert_eq!(keys.code, 0, "{keys:?}");
    let environment = folder.write(".env", format!("{}{}", example(), keys.output));
    let composed = configured(&program, &environment).json();

    let official = &composed["services"]["gitlab-ai-gateway"];
    let image = official["image"].as_str().unwrap();
    assert!(
        image.ends_with("/model-gateway:self-hosted-v18.9.0-ee"),
        "{image}"
    );
    assert!(official.get("ports").is_none(), "only duogate reaches it");
    let official = &official["environment"];
    assert_eq!(
        official["AIGW_GITLAB_API_URL"],
        "https://gitlab.example.com/api/v4/"
    );
    let mut different = BTreeSet::new();
    for service in ["AIGW", "DUO_WORKFLOW"] {
        for kind in ["SIGNING", "VALIDATION"] {
            let name = format!("{service}_SELF_SIGNED_JWT__{kind}_KEY");
            let key = official[&name].as_str().unwrap();
            // real line ends: other readers of PEM accept nothing else
            assert!(
                key.lines().count() > 20 && !key.contains("\\n"),
                "{name}: {key}"
            );
            duogate::foundation::private_key_from_pem(key).unwrap();
            different.insert(key);
        }
    }
    assert_eq!(different.len(), 4);

    let variables = variables(&composed["services"]["duogate"]["environment"]);
    let state = folder.path().join("state").to_string_lossy().into_owned();
    let mut variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    variables.push(("DUOGATE_TLS__STATE", &state));
    let checked = duogate(&["check"], &variables);
    assert_eq!(checked.code, 0, "{checked:?}");
    let printed = duogate(&["config", "print"], &variables).output;
    for value in [
        "aigw.example.com",
        "http://gitlab-ai-gateway:50052",
        "admin@example.com",
    ] {
        assert!(printed.contains(value), "{value} in {printed}");
    }
}

fn variables(environment: &Value) -> Vec<(String, String)> {
    let environment = environment.as_object().unwrap().iter();
    environment
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn what_is_missing_is_named_with_what_to_do() {
    let Some(program) = compose() else { return };
    let folder = Folder::new();
    let environment = folder.write(".env", example());
    let outcome = configured(&program, &environment);
    assert!(!outcome.status.success());
    let remedy = "duogate keys new --environment >>.env";
    assert!(outcome.stderr.contains(remedy), "{}", outcome.stderr);
    let environment = folder.write(".env", "");
    let outcome = configured(&program, &environment);
    assert!(
        outcome.stderr.contains("DUOGATE_DOMAINS"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn every_variable_stands_in_the_example() {
    let composition = fs::read_to_string(root("docker-compose.yaml")).unwrap();
    let used: BTreeSet<&str> = composition
        .split("${")
        .skip(1)
        .map(|rest| {
            let end =
                rest.find(|character: char| !character.is_ascii_alphanumeric() && character != '_');
            &rest[..end.unwrap()]
        })
        .collect();
    assert!(used.len() > 5, "{used:?}");
    let example = example();
    let explained: BTreeSet<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .map(|(name, _)| name)
        .filter(|name| !name.contains(' '))
        .collect();
    assert_eq!(used, explained);
}
