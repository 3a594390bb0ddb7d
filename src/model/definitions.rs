//! The catalogue as GitLab reads it (http-api 2.11).

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Family, family::Catalogue};

/// Models and features, as JSON.
#[derive(Clone, Debug)]
pub struct Definitions(Bytes);

impl Definitions {
    /// Writes a catalogue down. Nulls are written out, as GitLab's reader expects them.
    pub(super) fn of(catalogue: &Catalogue) -> Self {
        let models: Vec<Value> = catalogue
            .families
            .iter()
            .map(|family| model(family))
            .collect();
        let names: Vec<&str> = catalogue
            .families
            .iter()
            .map(|family| family.name.as_str())
            .collect();
        let features = catalogue.features.iter();
        let features: Vec<Value> = features
            .map(|feature| {
                json!({
                    "feature_setting": feature.name,
                    "default_model": DEFAULT,
                    "default_models": [DEFAULT],
                    "models_for_tags": {},
                    "models_for_size_preference": {},
                    "selectable_models": names,
                    "beta_models": [],
                    "deprecated_models": [],
                    "dev": null,
                    "unit_primitives": feature.unit_primitives,
                })
            })
            .collect();
        let whole = json!({"models": models, "unit_primitives": features});
        Self(whole.to_string().into())
    }

    /// The document.
    pub fn json(&self) -> Bytes {
        self.0.clone()
    }
}

fn model(family: &Family) -> Value {
    json!({
        "name": family.title,
        "identifier": family.name,
        "provider": null,
        "deprecation": null,
        "description": null,
        "cost_indicator": null,
    })
}

/// What is true of a model that nobody told anything about.
const DEFAULT: &str = "general";
