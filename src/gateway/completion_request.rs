//! What `POST /v2/code/completions` takes.

use super::{code_file::CodeFile, fields::Fields, json::Json, refusal::Refusal};
use crate::model::Metadata;

/// The request (http-api 2.1). Other keys, of which the editor sends many, are ignored.
#[derive(Debug)]
pub(super) struct CompletionRequest<'v> {
    /// `current_file`
    pub(super) file: CodeFile<'v>,
    /// `model_provider`
    pub(super) provider: Option<&'v str>,
    /// `model_name`
    pub(super) model: Option<&'v str>,
    /// The `model_*` keys together, where they name a model of the customer's own.
    pub(super) metadata: Option<Metadata>,
    /// `stream`
    pub(super) stream: bool,
    /// What `context` holds, in its order.
    pub(super) context: Vec<&'v str>,
}

impl<'v> CompletionRequest<'v> {
    /// Reads and judges a body.
    pub(super) fn read(body: &'v Json<'_>) -> Result<Self, Refusal> {
        let fields = Fields::of_body(body)?;
        match fields.integer("prompt_version")? {
            Some(1..=3) => {}
            None => return Err(fields.refuse("prompt_version", "is missing; send 1, 2 or 3")),
            Some(_) => return Err(fields.refuse("prompt_version", "must be 1, 2 or 3")),
        }
        let file = CodeFile::read(&fields.required_section("current_file")?)?;
        let provider = fields.word("model_provider", PROVIDERS)?;
        let model = fields.text("model_name", MODEL_NAME)?.map(str::trim);
        judge_the_rest(&fields)?;
        Ok(Self {
            file,
            provider,
            model,
            metadata: metadata(&fields, provider, model)?,
            stream: fields.flag("stream")?,
            context: context(&fields)?,
        })
    }
}

/// The customer's own model. Names that only GitLab's cloud knows stand for none: the configured
/// default answers then.
fn metadata(
    fields: &Fields<'_, '_>,
    provider: Option<&str>,
    model: Option<&str>,
) -> Result<Option<Metadata>, Refusal> {
    let endpoint = fields.text("model_endpoint", ENDPOINT)?;
    let api_key = fields.text("model_api_key", API_KEY)?;
    let identifier = fields.text("model_identifier", IDENTIFIER)?;
    if provider == Some("amazon_q") {
        let problem = "amazon_q is not served here; choose a self-hosted model in GitLab";
        return Err(fields.refuse("model_provider", problem));
    }
    let own = endpoint.is_some() || identifier.is_some_and(|identifier| !identifier.is_empty());
    let cloud = provider.is_none_or(|provider| !OWN_PROVIDERS.contains(&provider));
    if cloud && !own {
        return Ok(None);
    }
    let family = model.map(|name| match name {
        // names of the cloud's models that are families here
        "codestral-2501" | "codestral-2508" => "codestral",
        "qwen2p5-coder-7b" => "qwen",
        name => name,
    });
    Metadata::from_flat(provider, family, endpoint, api_key, identifier)
        .map_err(|error| Refusal::field(error.field(), error.problem()))
}

fn context<'v>(fields: &Fields<'v, '_>) -> Result<Vec<&'v str>, Refusal> {
    let items = fields.list("context", CONTEXT_ITEMS)?.iter().enumerate();
    items
        .map(|(position, item)| {
            let item = Fields::of_item("context", position, item)?;
            item.required_text("type", CONTEXT_NAME)?;
            item.required_text("name", CONTEXT_NAME)?;
            item.required_text("content", CONTEXT_CONTENT)
        })
        .collect()
}

/// Fields that have no effect here, but whose shape is part of the contract.
fn judge_the_rest(fields: &Fields<'_, '_>) -> Result<(), Refusal> {
    fields.text("project_path", PROJECT_PATH)?;
    fields.integer("project_id")?;
    fields.integer("choices_count")?;
    fields.list("telemetry", TELEMETRY_ITEMS)?;
    Ok(())
}

const PROVIDERS: &[&str] = &[
    "anthropic",
    "vertex-ai",
    "litellm",
    "codestral",
    "fireworks_ai",
    "amazon_q",
    "gitlab",
];

/// Providers under which GitLab sends models of the customer's own.
const OWN_PROVIDERS: &[&str] = &["litellm", "codestral"];

// Bounds of http-api 2.1, in characters and entries.
const MODEL_NAME: usize = 50;
const ENDPOINT: usize = 255;
const API_KEY: usize = 2000;
const IDENTIFIER: usize = 1000;
const PROJECT_PATH: usize = 255;
const CONTEXT_ITEMS: usize = 100;
const CONTEXT_NAME: usize = 1024;
const CONTEXT_CONTENT: usize = 500_000;
const TELEMETRY_ITEMS: usize = 10;
