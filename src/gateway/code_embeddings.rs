//! `POST /v1/embeddings/code_embeddings` with its `/index` and `/search` (http-api 2.10): vectors of
//! code, for semantic search.

use http::{Response, StatusCode};
use serde_json::json;

use super::{
    answer, call::Call, embedding_request::CodeEmbeddingRequest, json::Json, model_refusal,
    refusal::Refusal,
};
use crate::{
    http::ResponseBody,
    model::{Budget, EmbeddingRequest, Purpose},
};

/// Asks for a vector of each text.
pub(super) async fn answer(mut call: Call) -> Result<Response<ResponseBody>, Refusal> {
    let body = call.read_json().await?;
    let tree = Json::read(&body).map_err(|error| Refusal::field("body", error.to_string()))?;
    let request = CodeEmbeddingRequest::read(&tree)?;
    if !call.caller.can(PERMISSION) {
        // the reference fails with 500 here
        return Err(Refusal::forbidden("Unauthorized to access code embeddings"));
    }
    let services = &call.services;
    let target = services
        .models
        .embedding_target(&request.metadata)
        .map_err(|error| {
            let detail = format!("Error creating the model_metadata: {error}");
            Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        })?;
    let patience = services.settings.model_timeout;
    let budget = Budget {
        first_byte: patience,
        total: Some(patience),
        idle: patience,
    };
    let wanted = EmbeddingRequest {
        texts: request.contents,
        dimensions: request.dimensions,
        drop_unknown: request.drop_unknown,
        purpose: Purpose::new(FEATURE, PERMISSION),
    };
    let embeddings = services.models.embed(&target, wanted, budget).await;
    let embeddings = embeddings.map_err(|error| model_refusal::embeddings(&call, &error))?;
    let model = json!({
        "engine": ENGINE,
        "name": request.name,
        "identifier": request.identifier,
    });
    let body = format!(
        r#"{{"model":{model},"predictions":{}}}"#,
        embeddings.predictions
    );
    Ok(answer::bytes(body, "application/json"))
}

const PERMISSION: &str = "generate_embeddings_codebase";

/// As the reference calls it.
const ENGINE: &str = "litellm_embedding";

/// The feature in metrics.
const FEATURE: &str = "embeddings";
