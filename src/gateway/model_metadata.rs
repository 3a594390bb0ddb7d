//! `model_metadata`, which may stand at the top of any body (http-api 2.5).

use super::{fields::Fields, refusal::Refusal};
use crate::model::Metadata;

/// The model that a request names; none for one that names none.
pub(super) fn model_metadata(fields: &Fields<'_, '_>) -> Result<Option<Metadata>, Refusal> {
    let Some(given) = fields.any("model_metadata") else {
        return Ok(None);
    };
    Metadata::from_json(&given.to_value())
        .map_err(|error| Refusal::field(error.field(), error.problem()))
}
