//! The table of keys for editors (JSON schema) and for readers (a page of documentation).

use serde_json::{Map, Value, json};

use super::{
    Mode,
    input::GivenValue,
    key::{DefaultValue, Key, Kind},
    keys::keys,
};

/// The JSON schema of a configuration file.
pub fn schema() -> String {
    let mut root = section("Configuration of Duogate");
    root.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    root.insert("title".to_owned(), json!("duogate.yaml"));
    for key in keys() {
        insert(&mut root, key.path, property(key));
    }
    let mut text = format!("{:#}", Value::Object(root));
    text.push('\n');
    text
}

/// The page of documentation: a table of all keys.
pub fn reference() -> String {
    let mut lines = vec![REFERENCE_HEAD.to_owned()];
    for key in keys() {
        let default = match key.default {
            DefaultValue::ByMode {
                public,
                drop_in,
                local,
            } => format!(
                "public {}, drop-in {}, local {}",
                shown(key, public),
                shown(key, drop_in),
                shown(key, local)
            ),
            other => shown(key, &other.text(Mode::Public)),
        };
        let null = if key.optional { ", or null" } else { "" };
        lines.push(format!(
            "| `{}` | {}{null} | {default} | {} |",
            key.path,
            key.kind.expectation(),
            key.about
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn shown(key: &Key, default: &str) -> String {
    match (default, key.kind.is_list()) {
        ("", true) => "`[]`".to_owned(),
        ("", false) => "`null`".to_owned(),
        (text, true) => format!("`[{}]`", text.replace(',', ", ")),
        (text, false) => format!("`{text}`"),
    }
}

fn section(about: &str) -> Map<String, Value> {
    let mut section = Map::new();
    section.insert("description".to_owned(), json!(about));
    section.insert("type".to_owned(), json!(["object", "null"]));
    section.insert("additionalProperties".to_owned(), json!(false));
    section.insert("properties".to_owned(), json!({}));
    section
}

/// Puts a property below the sections of its path.
fn insert(parent: &mut Map<String, Value>, path: &str, property: Value) {
    let Some(Value::Object(properties)) = parent.get_mut("properties") else {
        return;
    };
    match path.split_once('.') {
        None => {
            properties.insert(path.to_owned(), property);
        }
        Some((name, rest)) => {
            let child = properties
                .entry(name)
                .or_insert_with(|| Value::Object(section(&format!("Section {name}"))));
            if let Value::Object(child) = child {
                insert(child, rest, property);
            }
        }
    }
}

fn property(key: &Key) -> Value {
    let mut property = Map::new();
    property.insert("description".to_owned(), json!(key.about));
    if let Value::Object(shape) = shape(key) {
        property.extend(shape);
    }
    let default = key.default.text(Mode::Public);
    // the defaults of the modes differ; an editor shows none rather than a wrong one
    if !matches!(key.default, DefaultValue::ByMode { .. }) {
        property.insert("default".to_owned(), default_value(key, &default));
    }
    Value::Object(property)
}

fn shape(key: &Key) -> Value {
    let string = if key.optional {
        json!(["string", "null"])
    } else {
        json!("string")
    };
    match key.kind {
        Kind::Address | Kind::Path | Kind::Url | Kind::Target | Kind::Text => {
            json!({ "type": string })
        }
        Kind::Addresses | Kind::Networks | Kind::Domains | Kind::Words | Kind::Urls => {
            json!({ "type": ["array", "null"], "items": { "type": "string" } })
        }
        Kind::Choice(words) => json!({ "enum": spellings(&words()) }),
        Kind::Choices(words) => {
            json!({ "type": ["array", "null"], "items": { "enum": words() } })
        }
        Kind::Number { minimum, maximum } => {
            json!({ "type": "integer", "minimum": minimum, "maximum": maximum })
        }
        Kind::NumberOr {
            word,
            minimum,
            maximum,
        } => json!({
            "anyOf": [
                { "const": word },
                { "type": "integer", "minimum": minimum, "maximum": maximum },
            ]
        }),
    }
}

/// The words, and those that are numbers or truth values without quotes too: `min_version: 1.2`.
fn spellings(words: &[&str]) -> Vec<Value> {
    let bare = words
        .iter()
        .filter_map(|word| serde_json::from_str::<Value>(word).ok());
    let words = words.iter().map(|word| json!(word));
    words.chain(bare).collect()
}

fn default_value(key: &Key, text: &str) -> Value {
    match GivenValue::from_text(text, key) {
        GivenValue::Nothing => Value::Null,
        GivenValue::One(item) => match item.text.parse::<u64>() {
            Ok(number) if key.kind.is_number() => json!(number),
            _ => json!(item.text),
        },
        GivenValue::Many(items) => items.into_iter().map(|item| json!(item.text)).collect(),
    }
}

const REFERENCE_HEAD: &str = "\
# Configuration

Generated from the table of keys by `duogate config schema --markdown`; a test compares the two.

One YAML file (`--config FILE`), then the environment. Every key has a variable: `DUOGATE_` and
the path in capitals, `__` between the levels (`DUOGATE_TLS__ACME__DIRECTORY`), commas between the
words of a list, an empty value for `null`. Precedence: `DUOGATE_*`, the official container's
variables, the file, the defaults. Relative paths start from the folder of the file, without a file
from the working directory. `duogate check` prints every problem, `duogate config print` the
effective values and where each comes from.

Ways to start: with `domains` a public server; without, but with `AIGW_GITLAB_URL` or any
`DUO_WORKFLOW_*`, in the place of the official container (drop-in); with neither, local: for this
machine alone.

Official variables in use: `AIGW_FASTAPI__API_HOST` and `_PORT`, `PORT` (these three in drop-in
alone), `AIGW_FASTAPI__TLS__*`, `DUO_WORKFLOW_TLS__*` (`ENABLED`, `CERT_FILE`, `KEY_FILE`),
`AIGW_FASTAPI__METRICS_HOST` and `_PORT`, `PROMETHEUS_METRICS__ADDR` and `__PORT`,
`AIGW_LOGGING__LEVEL`, `__FORMAT_JSON`, `__TO_FILE`, `DUO_WORKFLOW_LOGGING__LEVEL`,
`__JSON_FORMAT`, `__TO_FILE`, `DUO_WORKFLOW_SHUTDOWN_GRACE_PERIOD_S`, `REQUESTS_CA_BUNDLE`,
`SSL_CERT_FILE`, `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`.

| key | value | default | meaning |
|---|---|---|---|";
