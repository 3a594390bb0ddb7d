//! What `POST /v1/prompts/{prompt_id}` and `POST /v2/prompts/{prompt_id}` take.

use serde_json::{Map, Value};

use super::{fields::Fields, json::Json, model_metadata::model_metadata, refusal::Refusal};
use crate::model::Metadata;

/// The request (http-api 2.4).
#[derive(Debug)]
pub(super) struct PromptRequest<'v> {
    /// `inputs`: the template's variables.
    pub(super) inputs: Map<String, Value>,
    /// `prompt_version`; absent and empty mean the default.
    pub(super) version: Option<&'v str>,
    /// `stream`
    pub(super) stream: bool,
    /// `model_metadata` (http-api 2.5)
    pub(super) metadata: Option<Metadata>,
}

impl<'v> PromptRequest<'v> {
    /// Reads and judges a body.
    pub(super) fn read(body: &'v Json<'_>) -> Result<Self, Refusal> {
        let fields = Fields::of_body(body)?;
        let inputs = fields.required_section("inputs")?;
        Ok(Self {
            inputs: Json::to_map(inputs.entries()),
            version: fields.text("prompt_version", VERSION)?,
            stream: fields.flag("stream")?,
            metadata: model_metadata(&fields)?,
        })
    }
}

/// No constraint of GitLab's has more than twenty characters.
const VERSION: usize = 255;
