//! What `POST /v1/embeddings/code_embeddings` takes.

use http::StatusCode;

use super::{fields::Fields, json::Json, model_metadata::model_metadata, refusal::Refusal};
use crate::model::Metadata;

/// The request (http-api 2.10).
#[derive(Debug)]
pub(super) struct CodeEmbeddingRequest<'v> {
    /// `model_metadata`
    pub(super) metadata: Metadata,
    /// `model_metadata.name`, for the answer.
    pub(super) name: &'v str,
    /// `model_metadata.identifier`, for the answer.
    pub(super) identifier: &'v str,
    /// `contents`; never empty.
    pub(super) contents: Vec<String>,
    /// `dimensions`
    pub(super) dimensions: Option<u32>,
    /// `litellm_drop_params`
    pub(super) drop_unknown: bool,
}

impl<'v> CodeEmbeddingRequest<'v> {
    /// Reads and judges a body.
    pub(super) fn read(body: &'v Json<'_>) -> Result<Self, Refusal> {
        let fields = Fields::of_body(body)?;
        let given = fields.required_section("model_metadata")?;
        let provider = given.required_text("provider", NAME)?;
        let identifier = given.required_text("identifier", IDENTIFIER)?;
        let name = given.text("name", NAME)?.unwrap_or_default();
        let endpoint = given.text("endpoint", NAME)?.unwrap_or_default();
        judge(provider, name, endpoint)?;
        if identifier.trim().is_empty() {
            let problem =
                "is empty; name the model as its server calls it, such as custom_openai/MODEL";
            return Err(given.refuse("identifier", problem));
        }
        let metadata = model_metadata(&fields)?;
        let metadata = metadata.ok_or_else(|| unprocessable("No model metadata created"))?;
        Ok(Self {
            metadata,
            name,
            identifier,
            contents: contents(&fields)?,
            dimensions: dimensions(&fields)?,
            drop_unknown: fields.flag("litellm_drop_params")?,
        })
    }
}

/// The sentences of http-api 2.10. A model of GitLab's catalogue is one of its cloud.
fn judge(provider: &str, name: &str, endpoint: &str) -> Result<(), Refusal> {
    let problem = match provider {
        "litellm" if name.is_empty() => "Model `name` must be set when using `litellm` provider.",
        "litellm" if name != FAMILY => {
            "Model `name` must be 'embedding' when using `litellm` provider."
        }
        "litellm" if endpoint.is_empty() => {
            "Model `endpoint` must be set when using `litellm` provider."
        }
        "litellm" => return Ok(()),
        "gitlab" => {
            "Error creating the model_metadata: models of GitLab's cloud are not served here; choose \
             a self-hosted embedding model in GitLab"
        }
        _ => "Allowed providers are: gitlab|litellm.",
    };
    Err(unprocessable(problem))
}

fn contents(fields: &Fields<'_, '_>) -> Result<Vec<String>, Refusal> {
    let items = fields.list("contents", MOST_CONTENTS)?;
    if items.is_empty() {
        let problem = "is missing or empty; send at least one text";
        return Err(fields.refuse("contents", problem));
    }
    let texts = items.iter().enumerate().map(|(position, item)| match item {
        Json::Text(text) if text.len() <= CONTENT || text.chars().count() <= CONTENT => {
            Ok(text.clone().into_owned())
        }
        Json::Text(_) => {
            let problem = format!("must have at most {CONTENT} characters; send less of it");
            Err(Refusal::field(format!("contents[{position}]"), problem))
        }
        _ => {
            let field = format!("contents[{position}]");
            Err(Refusal::field(field, "must be a string"))
        }
    });
    texts.collect()
}

fn dimensions(fields: &Fields<'_, '_>) -> Result<Option<u32>, Refusal> {
    let Some(given) = fields.integer("dimensions")? else {
        return Ok(None);
    };
    let fitting = u32::try_from(given)
        .ok()
        .filter(|given| (1..=LONGEST_VECTOR).contains(given));
    let problem = format!("must be a number from 1 to {LONGEST_VECTOR}");
    fitting
        .map(Some)
        .ok_or_else(|| fields.refuse("dimensions", problem))
}

fn unprocessable(detail: &'static str) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

/// What GitLab calls every model of embeddings of the customer's own.
const FAMILY: &str = "embedding";

// Bounds of models-and-prompts 1.2, in characters.
const NAME: usize = 255;
const IDENTIFIER: usize = 1000;

/// As many as OpenAI's API takes at once.
const MOST_CONTENTS: usize = 2048;

/// In characters, as many as any other field takes; models read a tenth of it.
const CONTENT: usize = 400_000;

/// No model's vectors are longer.
const LONGEST_VECTOR: u32 = 65_536;
