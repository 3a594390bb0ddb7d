//! The table of keys for editors (JSON schema) and for readers (a page of documentation).

use serde_json::{Map, Value, json};

use super::{
    Mode,
    input::GivenValue,
    key::{DefaultValue, Field, Key, Kind},
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
                shown(key.kind, public),
                shown(key.kind, drop_in),
                shown(key.kind, local)
            ),
            other => shown(key.kind, &other.text(Mode::Public)),
        };
        let null = if key.optional { ", or null" } else { "" };
        lines.push(format!(
            "| `{}` | {}{null} | {default} | {} |",
            key.path,
            key.kind.expectation(),
            key.about
        ));
        lines.extend(key.kind.fields().iter().map(|field| {
            let null = if field.is_optional() { ", or null" } else { "" };
            let default = match field.default {
                None => "required".to_owned(),
                Some(text) => shown(field.kind, text),
            };
            format!(
                "| `{}.N.{}` | {}{null} | {default} | {} |",
                key.path,
                field.name,
                field.kind.expectation(),
                field.about
            )
        }));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn shown(kind: Kind, default: &str) -> String {
    match (default, kind.is_list()) {
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
    let mut property = described(key.about, shape(key.kind, key.optional));
    let default = key.default.text(Mode::Public);
    // the defaults of the modes differ; an editor shows none rather than a wrong one
    if !matches!(key.default, DefaultValue::ByMode { .. }) {
        let default = default_value(key.kind, key.optional, &default);
        property.insert("default".to_owned(), default);
    }
    Value::Object(property)
}

fn described(about: &str, shape: Value) -> Map<String, Value> {
    let mut property = Map::new();
    property.insert("description".to_owned(), json!(about));
    if let Value::Object(shape) = shape {
        property.extend(shape);
    }
    property
}

/// An object of a list.
fn object(fields: &[Field]) -> Value {
    let mut properties = Map::new();
    for field in fields {
        let mut property = described(field.about, shape(field.kind, field.is_optional()));
        if let Some(text) = field.default {
            let default = default_value(field.kind, field.is_optional(), text);
            property.insert("default".to_owned(), default);
        }
        properties.insert(field.name.to_owned(), Value::Object(property));
    }
    let required = fields.iter().filter(|field| field.default.is_none());
    let required: Vec<_> = required.map(|field| field.name).collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

fn shape(kind: Kind, optional: bool) -> Value {
    let string = if optional {
        json!(["string", "null"])
    } else {
        json!("string")
    };
    match kind {
        Kind::Address | Kind::Path | Kind::Url | Kind::Target | Kind::Text => {
            json!({ "type": string })
        }
        Kind::Addresses | Kind::Networks | Kind::Domains | Kind::Words | Kind::Urls => {
            json!({ "type": ["array", "null"], "items": { "type": "string" } })
        }
        Kind::Objects(fields) => {
            json!({ "type": ["array", "null"], "items": object(fields) })
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

fn default_value(kind: Kind, optional: bool, text: &str) -> Value {
    match GivenValue::from_text(text, kind, optional) {
        GivenValue::Nothing if kind.is_list() => json!([]),
        GivenValue::Nothing | GivenValue::Objects(_) => Value::Null,
        GivenValue::One(item) => match item.text.parse::<u64>() {
            Ok(number) if kind.is_number() => json!(number),
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
words of a list, an empty value for `null`. A list of objects has a variable for each field of each
object, which are numbered from 0 (`DUOGATE_GITLAB__0__URL`); an empty `DUOGATE_GITLAB` is no objects.
The layers below are merged field by field. Precedence: `DUOGATE_*`, the official container's
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
`SSL_CERT_FILE`, `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`, `AIGW_GITLAB_URL` (the first instance),
`AIGW_CUSTOMER_PORTAL_URL`, `DUO_WORKFLOW_AUTH__OIDC_CUSTOMER_PORTAL_URL`,
`DUO_WORKFLOW_AUTH__OIDC_GITLAB_URL`, `AIGW_AUTH__BYPASS_EXTERNAL`,
`AIGW_AUTH__BYPASS_EXTERNAL_WITH_HEADER`, `AIGW_AUTH__BYPASS_JWT_SIGNATURE`,
`AIGW_CLOUD_CONNECTOR_SERVICE_NAME`, `CLOUD_CONNECTOR_SERVICE_NAME`,
`AIGW_SELF_SIGNED_JWT__SIGNING_KEY` and `__VALIDATION_KEY`.

For vendors of models (`docs/models.md`): `ANTHROPIC_API_KEY`, `ANTHROPIC_API_BASE` or
`ANTHROPIC_BASE_URL`, `OPENAI_API_KEY`, `OPENAI_API_BASE` or `OPENAI_BASE_URL`, `MISTRAL_API_KEY` and
`_BASE`, `CODESTRAL_API_KEY` and `_BASE`, `AZURE_API_KEY`, `_BASE` and `_VERSION`, `AZURE_TENANT_ID`,
`AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET`, `AZURE_AUTHORITY_HOST`.

For Amazon Bedrock and Google's models (`docs/clouds.md`): `AWS_BEARER_TOKEN_BEDROCK`,
`AWS_REGION_NAME`, `AWS_REGION`, `AWS_DEFAULT_REGION`, `AWS_BEDROCK_RUNTIME_ENDPOINT`,
`AIGW_BEDROCK_GUARDRAIL_CONFIG`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`,
`AWS_PROFILE`, `AWS_SHARED_CREDENTIALS_FILE`, `AWS_CONFIG_FILE`, `AWS_WEB_IDENTITY_TOKEN_FILE`,
`AWS_ROLE_ARN`, `AWS_ROLE_SESSION_NAME`, `AWS_ENDPOINT_URL_STS`,
`AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` and `_FULL_URI`, `AWS_CONTAINER_AUTHORIZATION_TOKEN` and
`_FILE`, `AWS_EC2_METADATA_DISABLED`, `AWS_EC2_METADATA_SERVICE_ENDPOINT`;
`AIGW_GOOGLE_CLOUD_PLATFORM__PROJECT`, `__LOCATION` and `__SERVICE_ACCOUNT_JSON_KEY`,
`VERTEXAI_LOCATION`, `VERTEXAI_API_BASE`, `GOOGLE_APPLICATION_CREDENTIALS`, `GCE_METADATA_HOST`,
`GEMINI_API_KEY`, `GOOGLE_API_KEY`; and `HOME`, for the files where Amazon's and Google's own tools
keep what they know.

| key | value | default | meaning |
|---|---|---|---|";
