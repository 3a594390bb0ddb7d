//! `POST /v1/search/gitlab-docs` (http-api 2.8): what the chat reads before it answers a question
//! about GitLab.

use http::{Response, StatusCode};
use serde::Serialize;

use super::{answer, call::Call, fields::Fields, json::Json, refusal::Refusal};
use crate::{documentation::Passage, http::ResponseBody};

/// Searches.
pub(super) async fn answer(mut call: Call) -> Result<Response<ResponseBody>, Refusal> {
    let body = call.read_json().await?;
    let tree = Json::read(&body).map_err(|error| Refusal::field("body", error.to_string()))?;
    let request = SearchRequest::read(&tree)?;
    if !call.caller.can(PERMISSION) {
        return Err(Refusal::forbidden("Unauthorized to search documentations"));
    }
    let services = &call.services;
    let found = services.documentation.search(request.query, request.limit);
    let results = found.await.map_err(|error| {
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, error.to_string()).with_retry_after(Some(1))
    })?;
    Ok(answer::json(&Whole {
        response: Found { results },
        metadata: Metadata {
            provider: PROVIDER,
            timestamp: services.epoch_seconds(),
        },
    }))
}

/// What it takes.
#[derive(Debug)]
struct SearchRequest<'v> {
    query: &'v str,
    limit: usize,
}

impl<'v> SearchRequest<'v> {
    fn read(body: &'v Json<'_>) -> Result<Self, Refusal> {
        let fields = Fields::of_body(body)?;
        fields.required_text("type", WORD)?;
        let metadata = fields.required_section("metadata")?;
        metadata.required_text("source", WORD)?;
        metadata.required_text("version", WORD)?;
        let payload = fields.required_section("payload")?;
        let limit = match payload.integer("page_size")? {
            None => DEFAULT_PAGE,
            Some(size) => usize::try_from(size)
                .ok()
                .filter(|size| (1..=LARGEST_PAGE).contains(size))
                .ok_or_else(|| payload.refuse("page_size", "must be a number from 1 to 20"))?,
        };
        Ok(Self {
            query: payload.required_text("query", QUERY)?,
            limit,
        })
    }
}

#[derive(Serialize)]
struct Whole {
    response: Found,
    metadata: Metadata,
}

#[derive(Serialize)]
struct Found {
    results: Vec<Passage>,
}

#[derive(Serialize)]
struct Metadata {
    provider: &'static str,
    timestamp: u64,
}

const PERMISSION: &str = "documentation_search";

/// As the reference calls an index of its own.
const PROVIDER: &str = "sqlite";

// Bounds of http-api 2.8.
const WORD: usize = 100;
const QUERY: usize = 400_000;
const DEFAULT_PAGE: usize = 4;
const LARGEST_PAGE: usize = 20;
