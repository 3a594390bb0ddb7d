//! Texts as vectors: what is asked of a model of embeddings, and what comes back.

use std::sync::Arc;

use super::{
    Budget, Metadata, MetadataError, ModelError, ModelRequest, Models, Purpose, Target,
    TargetError, Usage, embedding_wire::EmbeddingWire, identifier::Wire,
};

/// What is wanted.
#[derive(Clone, Default)]
pub struct EmbeddingRequest {
    /// A vector is wanted for each.
    pub texts: Vec<String>,
    /// The length of the vectors, where the model offers several.
    pub dimensions: Option<u32>,
    /// Whether a model that knows no `dimensions` is asked without.
    pub drop_unknown: bool,
    /// What it is for.
    pub purpose: Purpose,
}

impl std::fmt::Debug for EmbeddingRequest {
    /// Without the texts: they are code.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("EmbeddingRequest")
            .field("texts", &self.texts.len())
            .field("dimensions", &self.dimensions)
            .finish_non_exhaustive()
    }
}

/// The vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    /// A JSON list of `{"embedding": [number, ...], "index": number}`, one for each text in their
    /// order (http-api 2.10).
    pub predictions: String,
    /// Tokens, where the server counts them.
    pub usage: Option<Usage>,
}

impl Models {
    /// The model of embeddings that a request names. Servers of OpenAI's kind alone have them here.
    pub fn embedding_target(&self, metadata: &Metadata) -> Result<Target, TargetError> {
        let of_no_family = Metadata {
            name: String::new(),
            ..metadata.clone()
        };
        let target = self.target(Some(&of_no_family))?;
        let is_openais_kind = matches!(
            target.identifier.wire,
            Wire::Chat | Wire::Text | Wire::OpenAi | Wire::Mistral | Wire::Codestral
        );
        if !is_openais_kind {
            let problem = "names a kind of server whose embeddings are not spoken to; put one that \
                           speaks OpenAI's API in front and write custom_openai/MODEL";
            let error = MetadataError::at(metadata.place, "identifier", problem);
            return Err(error.into());
        }
        let mut target = target;
        // in metrics and logs it has the name that GitLab gives it
        FAMILY.clone_into(&mut Arc::make_mut(&mut target.family).name);
        Ok(target)
    }

    /// Asks for vectors, all at once; attempts, times and places are those of any call.
    pub async fn embed(
        &self,
        target: &Target,
        request: EmbeddingRequest,
        budget: Budget,
    ) -> Result<Embeddings, ModelError> {
        let call = ModelRequest {
            purpose: request.purpose.clone(),
            ..ModelRequest::default()
        };
        let wire = EmbeddingWire::new(Arc::clone(&target.provider), request);
        let target = Target {
            provider: Arc::new(wire),
            ..target.clone()
        };
        let whole = self.ask(&target, call, budget).await?.collect().await?;
        Ok(Embeddings {
            predictions: whole.text,
            usage: whole.usage,
        })
    }
}

/// Of the catalogue (models-and-prompts 1.3).
const FAMILY: &str = "embedding";
