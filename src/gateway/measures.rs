//! What the room counts: the official gateway's metrics of requests and code (http-api 4.8).

use std::{sync::Arc, time::Duration};

use http::StatusCode;

use super::{
    code_file::CodeFile,
    language::{Language, extension},
    routes::Route,
};
use crate::telemetry::{HandlerLabels, LanguageLabels, Metrics, ModelLabels};

/// Handles of the room's metrics.
#[derive(Debug)]
pub(super) struct GatewayMeasures(Arc<Metrics>);

impl GatewayMeasures {
    pub(super) fn new(metrics: &Arc<Metrics>) -> Self {
        Self(Arc::clone(metrics))
    }

    /// Records how long the head of an answer took.
    pub(super) fn answered(&self, route: &Route, status: StatusCode, duration: Duration) {
        let labels = HandlerLabels {
            handler: route.template,
            method: if route.method == http::Method::GET {
                "GET"
            } else {
                "POST"
            },
            status: match status.as_u16() / 100 {
                2 => "2xx",
                3 => "3xx",
                4 => "4xx",
                _ => "5xx",
            },
        };
        self.0
            .handler_seconds
            .get_or_create(&labels)
            .observe(duration);
    }

    /// Counts the language of a file. Words that are in no table of ours count as `other`, since
    /// a request could invent them without end.
    pub(super) fn language(&self, file: &CodeFile<'_>) {
        let language = Language::of_file(file.name);
        let editor = file.identifier.filter(|word| !word.is_empty());
        let labels = LanguageLabels {
            lang: language.map_or("other", |language| language.name),
            extension: match extension(file.name) {
                None => "none",
                Some(extension) => language
                    .and_then(|language| language.extension(extension))
                    .unwrap_or("other"),
            },
            editor_lang: match editor {
                None => "none",
                Some(word) => Language::of_editor(word).map_or("other", |language| language.name),
            },
        };
        self.0.prompt_languages.get_or_create(&labels).inc();
    }

    /// Records how long the cleaning of a completion took; `family` is one of our table.
    pub(super) fn cleaned(&self, family: &str, duration: Duration) {
        let labels = ModelLabels {
            model_engine: ENGINE,
            model_name: family.to_owned(),
        };
        self.0
            .post_processing_seconds
            .get_or_create(&labels)
            .observe(duration);
    }
}

/// What the reference calls models of the customer's own in metrics (models-and-prompts 6).
const ENGINE: &str = "litellm-chat";
