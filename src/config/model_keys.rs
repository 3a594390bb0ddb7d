//! Which models may be asked, and how.

use std::time::Duration;

use super::{
    Config, DefaultModel, ModelEndpoint,
    input::{Complaint, Input, choice, text},
    key::{DefaultValue::Always, Field, Key, Kind, words},
};

/// In the order in which they are printed.
pub(super) static MODELS: &[Key] = &[
    Key::new(
        "models.custom_enabled",
        Kind::Choice(words::<bool>),
        Always("true"),
        "Whether requests may name model servers, as GitLab does for self-hosted models.",
        |config, input| {
            input
                .one(choice)
                .map(|value| config.models.custom_enabled = value)
        },
    ),
    Key::new(
        "models.default.name",
        Kind::Text,
        Always(""),
        "The family of the model for calls that name none, such as mistral or general.",
        |config, input| default(config, input, |model, text| model.name = text),
    )
    .optional(),
    Key::new(
        "models.default.endpoint",
        Kind::Text,
        Always(""),
        "The URL of its server, such as http://vllm.example.com:8000/v1.",
        |config, input| default(config, input, |model, text| model.endpoint = text),
    )
    .optional(),
    Key::new(
        "models.default.api_key",
        Kind::Text,
        Always(""),
        "The key its server asks for.",
        |config, input| default(config, input, |model, text| model.api_key = Some(text)),
    )
    .optional()
    .secret(),
    Key::new(
        "models.default.identifier",
        Kind::Text,
        Always(""),
        "What its server calls it, as in GitLab: custom_openai/NAME; without it the family's name.",
        |config, input| default(config, input, |model, text| model.identifier = text),
    )
    .optional(),
    Key::new(
        "models.allowed_hosts",
        Kind::Words,
        Always(""),
        "Hosts of model servers that may be asked: name, *.suffix, either with :port. None given: all, but \
         for link-local and metadata addresses, which are never asked.",
        |config, input| {
            config.models.allowed_hosts = input.many(host_pattern)?;
            Ok(())
        },
    ),
    Key::new(
        "models.endpoints",
        Kind::Objects(ENDPOINTS),
        Always(""),
        "Servers that share the calls of an endpoint: the one with the fewest gets the next, and \
         one that keeps failing is left alone for a while.",
        |config, input| {
            config.models.endpoints = input.objects(ENDPOINTS, |fields| {
                let endpoint = fields.read("match", |input| input.one(text));
                let urls = fields.read("urls", |input| input.many(text));
                let concurrency = fields.read("concurrency", |input| {
                    input.optional(|text| input.parse_number(text))
                });
                Some(ModelEndpoint {
                    endpoint: endpoint?,
                    urls: urls?,
                    concurrency: concurrency?,
                })
            })?;
            Ok(())
        },
    ),
    Key::new(
        "models.extra_headers",
        Kind::Objects(HEADERS),
        Always(""),
        "Headers that every call of a model server carries.",
        |config, input| {
            config.models.extra_headers = input.objects(HEADERS, |fields| {
                let name = fields.read("name", |input| input.one(text));
                let value = fields.read("value", |input| input.one(text));
                Some((name?, value?))
            })?;
            Ok(())
        },
    ),
    Key::new(
        "models.disable_streaming",
        Kind::Choice(words::<bool>),
        Always("false"),
        "Asks model servers for whole answers only; clients still get streams, in one piece.",
        |config, input| {
            input
                .one(choice)
                .map(|value| config.models.disable_streaming = value)
        },
    ),
    Key::new(
        "models.timeout_seconds",
        Kind::Number {
            minimum: 1,
            maximum: 600,
        },
        Always("30"),
        "How long a model may be silent where a prompt does not say.",
        |config, input| {
            input
                .number()
                .map(|seconds| config.models.timeout = Duration::from_secs(seconds))
        },
    ),
    Key::new(
        "models.chat_max_tokens",
        Kind::Text,
        Always(""),
        "The longest answer of prompts under chat/, in tokens, in place of what they say.",
        |config, input| {
            config.models.chat_max_tokens = input.optional(tokens)?;
            Ok(())
        },
    )
    .optional(),
    Key::new(
        "models.tls.certificate",
        Kind::Path,
        Always(""),
        "The certificate that model servers are shown when they ask for one, in PEM.",
        |config, input| {
            config.models.tls.certificate = input.optional_path()?;
            Ok(())
        },
    )
    .optional(),
    Key::new(
        "models.tls.key",
        Kind::Path,
        Always(""),
        "Its key, in PEM; without one it stands in the file of the certificate.",
        |config, input| {
            config.models.tls.key = input.optional_path()?;
            Ok(())
        },
    )
    .optional(),
    Key::new(
        "models.tls.key_password",
        Kind::Text,
        Always(""),
        "What opens that key where it is encrypted.",
        |config, input| {
            config.models.tls.key_password = input.optional(text)?;
            Ok(())
        },
    )
    .optional()
    .secret(),
    Key::new(
        "models.tls.ca_file",
        Kind::Path,
        Always(""),
        "The only roots that certificates of model servers may come from, in PEM; in place of all \
         others.",
        |config, input| {
            config.models.tls.ca_file = input.optional_path()?;
            Ok(())
        },
    )
    .optional(),
    Key::new(
        "models.tls.verify",
        Kind::Choice(words::<bool>),
        Always("true"),
        "Whether certificates of model servers are judged at all. false is for trials.",
        |config, input| {
            input
                .one(choice)
                .map(|value| config.models.tls.verify = value)
        },
    ),
];

/// One endpoint.
static ENDPOINTS: &[Field] = &[
    Field::required(
        "match",
        Kind::Url,
        "The endpoint as it was typed into GitLab, such as http://vllm.example.com:8000/v1.",
    ),
    Field::with_default(
        "urls",
        Kind::Urls,
        "",
        "The servers that are called in its place; none: itself.",
    ),
    Field::with_default(
        "concurrency",
        Kind::Number {
            minimum: 1,
            maximum: 65_536,
        },
        "",
        "How many calls one server gets at a time; more are answered 429 at once.",
    )
    .optional(),
];

/// One header.
static HEADERS: &[Field] = &[
    Field::required("name", Kind::Text, "Its name."),
    Field::required("value", Kind::Text, "Its value.").secret(),
];

/// Stores a field of the default model; the first one makes it.
fn default(
    config: &mut Config,
    input: &Input<'_>,
    store: fn(&mut DefaultModel, String),
) -> Result<(), Vec<Complaint>> {
    if let Some(text) = input.optional(text)? {
        store(config.models.default.get_or_insert_default(), text);
    }
    Ok(())
}

fn host_pattern(text: &str) -> Result<String, Complaint> {
    let bare = text.strip_prefix("*.").unwrap_or(text);
    if bare.is_empty() || bare.contains(['/', '*', '@', ' ']) {
        return Err(Complaint::new(
            "is no host of model servers",
            "write name, *.suffix or name:port, without a scheme and a path; give none to allow all",
        ));
    }
    Ok(text.to_owned())
}

fn tokens(text: &str) -> Result<u32, Complaint> {
    match text.parse() {
        Ok(tokens) if tokens > 0 => Ok(tokens),
        _ => Err(Complaint::new(
            "is no number of tokens",
            "write a whole number above 0",
        )),
    }
}
